"""What a finished run leaves behind: the contents of result.json."""

from typing import Any

import numpy as np

from lstm_jax.runs.config import RunConfig
from lstm_jax.runs.session import Session
from lstm_jax.runs.setup import training_data
from lstm_jax.training.evaluate import Score
from lstm_jax.training.mesh import whole


def make_result(config: RunConfig, session: Session, scores: list[Score]) -> dict[str, Any]:
    """What belongs into result.json."""
    length = config.strings.seq_len
    seeds = []
    steps = np.asarray(whole(session.members.step if session.best is None else session.best.step))
    for number, score in enumerate(scores):
        seeds.append(
            {
                "seed": session.setup.seeds[number],
                "test_error": score.error,
                "test_mistakes": score.mistakes,
                "test_size": score.size,
                "test_loss": score.loss,
                "sampled": score.sampled,
                "interval_95": list(score.interval),
                "steps": int(steps[number]),
                "by_answer": {str(answer): list(counts) for answer, counts in score.by_answer.items()},
                "by_length": {str(length): list(counts) for length, counts in score.by_length.items()},
                "trained": times_in_training(session, number),
            }
        )
    return {
        "experiment": config.task.name,
        "asked": config.task.asked,
        "answer_range": list(config.task.answer_range(length)),
        "config": config.settings(),
        "seeds": seeds,
        "wall_seconds": session.seconds,
        "steps": session.step,
        "published": config.task.published(length),
    }


def times_in_training(session: Session, number: int) -> dict[str, int]:
    """How often a member was shown each answer in its training strings: {answer: times}."""
    _, lengths, answers = map(np.asarray, training_data(session.setup.program, session.setup.strings[number].train))
    if answers.ndim == 2:
        answers = answers[np.arange(answers.shape[1]) < lengths[:, None]]
    values, times = np.unique(answers, return_counts=True)
    return {str(value): int(count) for value, count in zip(values, times, strict=True)}
