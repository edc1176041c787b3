"""What is said of a run while it goes on and when it ends: rows of metrics, an example, pictures, a result.

In a run of several processes, process 0 alone writes; what cannot be written ends all of them.
"""

import contextlib
import math
import time
from pathlib import Path
from typing import Any, Self

import numpy as np

from lstm_jax.axes import PyTree
from lstm_jax.runs import folder as folders
from lstm_jax.runs import processes, report
from lstm_jax.runs.config import RunConfig
from lstm_jax.runs.problems import make_view
from lstm_jax.runs.progress import Display
from lstm_jax.runs.result import make_result
from lstm_jax.runs.session import Session
from lstm_jax.runs.writer import Writer
from lstm_jax.training.mesh import whole
from lstm_jax.training.score import Score
from lstm_jax.training.totals import mean_totals


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
        self.course = np.asarray(whole(session.setup.common.course))
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
            contextlib.closing(Writer(self.folder, self._start, self.config.run.num_seeds, self.view.train_tags))
        )

    @processes.by_first(OSError)
    def flush(self) -> None:
        """Makes sure that all is on disk: called before each checkpoint, which stands for all that came before it."""
        self.writer.flush()

    def tick(self, session: Session, bar: Display) -> None:
        """Moves the progress bar."""
        means = self._mean(session)
        step, since = self._last
        bar.update(session.step, means["loss"], means["error"], (session.step - step) / (time.perf_counter() - since))

    @processes.by_first(OSError)
    def log(self, session: Session, params: PyTree) -> None:
        """Writes the means since the last log, and what the first member, with these weights, does with an example."""
        means = self._means(session)
        (step, since), now = self._last, time.perf_counter()
        self._last = (session.step, now)
        rate = float(self.course[session.step - 1]) * self.config.training.learning_rate
        rows = [
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
        if not rows:
            return
        self.writer.rows(rows)
        if self.members.start in session.failures:
            return  # the weights of the first member are no numbers any more
        said = self.view.example(self.program, params, session.step, self.writer.test)
        if said is not None:
            session.said.setdefault(self.members.start, []).append((session.step, said))

    @processes.by_first(OSError)
    def evaluated(self, session: Session, params: PyTree, scores: list[Score | None]) -> str:
        """Writes the scores, and what the first member, with these weights, does; returns a line that says them.

        Nothing of a member that failed, or was dropped before this step: it has no course beyond.
        """
        known = [
            (seed, score)
            for number, (seed, score) in enumerate(zip(self.seeds, scores, strict=True), self.members.start)
            if score is not None and session.dropped.get(number, session.step) >= session.step
        ]
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
            for seed, score in known
        ]
        if not rows:
            return f"step {session.step:7,}  every member of this run has ended"
        self.writer.rows(rows)
        if self.members.start not in session.failures:
            self.view.story(self.program, params, session.step, self.writer.test)
        return self.view.scores([score for _, score in known], self._mean(session), session.step, self.writer.test)

    def _means(self, session: Session) -> dict[str, np.ndarray]:
        """Mean loss, error and gradient norm of this run's members since the last log, [S]; NaN without updates."""
        return {name: values[self.members] for name, values in mean_totals(session.totals).items()}

    def _mean(self, session: Session) -> dict[str, float]:
        """The same over all members that had updates."""
        finite = {name: values[np.isfinite(values)] for name, values in self._means(session).items()}
        return {name: float(np.mean(values)) if len(values) else math.nan for name, values in finite.items()}

    def finish(self, session: Session, scores: list[Score | None]) -> dict[str, Any] | None:
        """Writes result.json, and before it the final table, pictures and hyperparameters; returns the result.

        None, and nothing is written, if every member failed.
        """
        known = [score for score in scores if score is not None]
        if not known:
            return None
        result = make_result(self.config, session, scores, self.members)
        self._finish(session, known, result)
        return result

    @processes.by_first(OSError)
    def _finish(self, session: Session, scores: list[Score], result: dict[str, Any]) -> None:
        board, step = self.writer.test, session.step
        remarks = report.remarks(self.view, result)
        board.text("result", report.as_markdown(self.view.tables(result), remarks), step)
        self.view.pictures(scores, session.said.get(self.members.start, []), step, board)
        metrics = {
            "final/test_error": float(np.mean([score.error for score in scores])),
            "final/test_mistakes": float(np.mean([score.mistakes for score in scores])),
        }
        board.hyperparameters(self.config.settings(identity_only=True), metrics, step)
        result["wall_seconds"] = round(session.seconds, 2)
        folders.write_json(self.folder / folders.RESULT, result)
