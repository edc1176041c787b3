"""What a finished run leaves behind: the contents of result.json."""

import math
from typing import Any

import numpy as np

from lstm_jax.runs.config import RunConfig
from lstm_jax.runs.session import Session
from lstm_jax.training.mesh import whole
from lstm_jax.training.score import Score
from lstm_jax.training.totals import mean_totals


def make_result(config: RunConfig, session: Session, scores: list[Score | None], members: slice) -> dict[str, Any]:
    """What belongs into result.json.

    Args:
        config: all settings of the run.
        session: where it was trained.
        scores: of its members; None for those that failed.
        members: which of the session's they are.
    """
    steps = np.asarray(whole(session.members.step if session.best is None else session.best.step))[members]
    means = {name: values[members] for name, values in mean_totals(session.totals).items()}
    seeds = [
        {
            "seed": seed,
            "test_error": score.error,
            "test_mistakes": score.mistakes,
            "test_size": score.size,
            "test_loss": score.loss,
            "sampled": score.sampled,
            "interval_95": list(score.interval),
            "steps": int(steps[number]),
            **{f"train_{name}": _number(means[name][number]) for name in ("loss", "error")},
            **session.setup.problem.seed_result(score, seed),
        }
        for number, (seed, score) in enumerate(zip(session.setup.seeds[members], scores, strict=True))
        if score is not None
    ]
    return {
        "experiment": config.task.name,
        "config": config.settings(),
        "seeds": seeds,
        "failed": [
            {"seed": seed, "reason": session.failures[number]}
            for number, seed in enumerate(session.setup.seeds[members], members.start)
            if number in session.failures
        ],
        "wall_seconds": session.seconds,
        "steps": session.step,
        **session.setup.problem.result(),
    }


def _number(value: float) -> float | None:
    """A number as JSON has it: None for what there is not, such as the last losses of a member that ended early."""
    return float(value) if math.isfinite(value) else None
