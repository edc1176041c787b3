"""What is said of a run while it goes on and when it ends: rows of metrics, an example, pictures, a result.

In a run of several processes, process 0 alone writes; what cannot be written ends all of them.
"""

import contextlib
import time
from pathlib import Path
from typing import Any, Self

import numpy as np

from lstm_jax.axes import PyTree
from lstm_jax.runs import folder as folders
from lstm_jax.runs import processes, report
from lstm_jax.runs.config import RunConfig
from lstm_jax.runs.problems import make_view
from lstm_jax.runs.progress import ProgressBar
from lstm_jax.runs.result import make_result
from lstm_jax.runs.session import Session
from lstm_jax.runs.writer import Writer
from lstm_jax.training.optimizers import learning_rate_course
from lstm_jax.training.population import mean_totals
from lstm_jax.training.score import Score


class Recorder:
    """Turns the state of a session into what a person sees. Its files are open as long as the `with` block lasts.

    Args:
        config: all settings of a run.
        session: where it is trained, maybe with others.
        folder: the run's folder.
        members: those of the session that belong to this run.
    """

    def __init__(self, config: RunConfig, session: Session, folder: Path, members: slice):
        self.config, self.folder, self.members = config, folder, members
        self.program = session.setup.program
        self.view = make_view(config, session.setup.problem)
        self.course = np.asarray(learning_rate_course(config.training))
        self._files = contextlib.ExitStack()
        self._start = session.step
        self.seeds = session.setup.seeds[members]
        self._last = (session.step, time.perf_counter())

    def __enter__(self) -> Self:
        self._open()
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    @processes.by_first(OSError)
    def _open(self) -> None:
        self.writer = self._files.enter_context(
            contextlib.closing(Writer(self.folder, self._start, self.config.run.num_seeds))
        )

    @processes.by_first(OSError)
    def flush(self) -> None:
        """Makes sure that all is on disk: called before each checkpoint, which stands for all that came before it."""
        self.writer.flush()

    def tick(self, session: Session, bar: ProgressBar) -> None:
        """Moves the progress bar."""
        means = mean_totals(session.totals)
        loss, error = (float(np.nanmean(means[name][self.members])) for name in ("loss", "error"))
        step, since = self._last
        bar.update(session.step, loss, error, (session.step - step) / (time.perf_counter() - since))

    @processes.by_first(OSError)
    def log(self, session: Session, params: PyTree) -> None:
        """Writes the means since the last log, and what the first member, with these weights, does with an example."""
        means = {name: values[self.members] for name, values in mean_totals(session.totals).items()}
        (step, since), now = self._last, time.perf_counter()
        self._last = (session.step, now)
        rate = float(self.course[session.step - 1]) * self.config.training.learning_rate
        self.writer.rows(
            [
                {
                    "step": session.step,
                    "split": "train",
                    "seed": seed,
                    **{name: float(values[number]) for name, values in means.items()},
                    "learning_rate": rate,
                    "steps_per_second": round((session.step - step) / (now - since), 2),
                }
                for number, seed in enumerate(self.seeds)
                if np.isfinite(means["loss"][number])  # not: a member that ended early
            ]
        )
        said = self.view.example(self.program, params, session.step, self.writer.test)
        if said is not None:
            session.said.setdefault(self.members.start, []).append((session.step, said))

    @processes.by_first(OSError)
    def evaluated(self, session: Session, scores: list[Score]) -> str:
        """Writes the scores; returns a line that says them."""
        rows = [
            {
                "step": session.step,
                "split": "test",
                "seed": seed,
                "loss": score.loss,
                "error": score.error,
                "mistakes": score.mistakes,
                "size": score.size,
            }
            for seed, score in zip(self.seeds, scores, strict=True)
        ]
        self.writer.rows(rows)
        return self.view.scores(scores, session.step, self.writer.test)

    def finish(self, session: Session, scores: list[Score]) -> dict[str, Any]:
        """Writes result.json, and before it the final table, pictures and hyperparameters; returns the result."""
        result = make_result(self.config, session, scores, self.members)
        self._finish(session, scores, result)
        return result

    @processes.by_first(OSError)
    def _finish(self, session: Session, scores: list[Score], result: dict[str, Any]) -> None:
        board, step = self.writer.test, session.step
        board.text("result", report.as_markdown(self.view.tables(result), self.view.remarks(result)), step)
        self.view.pictures(scores, session.said.get(self.members.start, []), step, board)
        metrics = {
            "final/test_error": float(np.mean([score.error for score in scores])),
            "final/test_mistakes": float(np.mean([score.mistakes for score in scores])),
        }
        board.hyperparameters(self.config.settings(identity_only=True), metrics, step)
        result["wall_seconds"] = round(session.seconds, 2)
        folders.write_json(self.folder / folders.RESULT, result)
