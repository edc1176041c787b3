"""What is said of a run while it goes on and when it ends: rows of metrics, the example string, pictures, a result.

In a run of several processes, process 0 alone writes; what cannot be written ends all of them.
"""

import contextlib
import time
from pathlib import Path
from typing import Any, Self

import numpy as np

from lstm_jax.axes import PyTree
from lstm_jax.insight import plots
from lstm_jax.runs import folder as folders
from lstm_jax.runs import processes, report
from lstm_jax.runs.config import RunConfig
from lstm_jax.runs.progress import ProgressBar
from lstm_jax.runs.result import make_result
from lstm_jax.runs.session import Session
from lstm_jax.runs.writer import Writer
from lstm_jax.tasks.objectives import ClassObjective
from lstm_jax.tasks.strings import decode
from lstm_jax.training.evaluate import Score, string_outputs
from lstm_jax.training.optimizers import learning_rate_course
from lstm_jax.training.population import mean_totals


class Recorder:
    """Turns the state of a session into what a person sees. Its files are open as long as the `with` block lasts.

    Args:
        config: all settings.
        session: the run; its members give the seeds.
        folder: the run's folder.
    """

    def __init__(self, config: RunConfig, session: Session, folder: Path):
        self.config, self.folder = config, folder
        self.setup = session.setup
        self.course = np.asarray(learning_rate_course(config.training))
        self._files = contextlib.ExitStack()
        self._start = session.step
        self.seeds = session.setup.seeds[: config.run.num_seeds]
        self._last = (session.step, time.perf_counter())
        rng = np.random.default_rng(0)
        self.example = rng.integers(0, len(config.task.alphabet), config.strings.seq_len, dtype=np.uint8)

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
        loss, error = (float(np.nanmean(means[name][: len(self.seeds)])) for name in ("loss", "error"))
        step, since = self._last
        bar.update(session.step, loss, error, (session.step - step) / (time.perf_counter() - since))

    @processes.by_first(OSError)
    def log(self, session: Session, params: PyTree) -> None:
        """Writes the means since the last log, and what member 0, with these weights, says to the example string."""
        means = mean_totals(session.totals)
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
        self._log_example(session, params)

    def _log_example(self, session: Session, params: PyTree) -> None:
        lengths = np.array([len(self.example)])
        outputs = np.asarray(string_outputs(self.setup.program, params, self.example[None], lengths))[0]
        objective = self.setup.program.objective
        if isinstance(objective, ClassObjective):
            outputs = np.asarray(objective.probabilities(outputs))
        if len(outputs) > report.MOST_ROWS:
            return
        session.said.append((session.step, outputs.tolist()))
        names = [f"{name:02d}" for name in range(len(outputs))] if len(outputs) > 1 else ["answer"]
        for name, value in zip(names, outputs.tolist(), strict=True):
            self.writer.test.scalar(f"example_string/{name}", value, session.step)

    @processes.by_first(OSError)
    def evaluated(self, session: Session, scores: list[Score], bar: ProgressBar) -> None:
        """Writes the scores on unseen strings, and says them in one line."""
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
        asked, counts = self.config.task.asked, report.sum_counts(score.by_answer for score in scores)
        if len(counts) <= report.MOST_ROWS:
            for answer, share in report.shares(counts).items():
                self.writer.test.scalar(f"error_by_{asked}/{answer:02d}", share, session.step)
        epoch = session.step * self.config.training.batch_size / len(self.setup.strings[0].train.lengths)
        by_epoch = self.config.task.published(self.config.strings.seq_len).get("by_epoch", {})
        bar.say(report.evaluation_line(session.step, epoch, scores, by_epoch))

    def finish(self, session: Session, scores: list[Score]) -> dict[str, Any]:
        """Writes result.json, and before it the final table, pictures and hyperparameters; returns the result."""
        result = make_result(self.config, session, scores)
        self._finish(session, scores, result)
        return result

    @processes.by_first(OSError)
    def _finish(self, session: Session, scores: list[Score], result: dict[str, Any]) -> None:
        board, step, asked = self.writer.test, session.step, self.config.task.asked
        board.text("result", report.as_markdown(result), step)
        errors = report.shares(report.sum_counts(score.by_answer for score in scores))
        board.image(f"error_by_{asked}", plots.bars(errors, asked, "error"), step)
        if session.said:
            title = f"what seed {self.seeds[0]} answers to {decode(self.example[:40], self.config.task.alphabet)}"
            board.image("example_string", plots.answers_over_time(session.said, title, asked), step)
        metrics = {
            "final/test_error": float(np.mean([score.error for score in scores])),
            "final/test_mistakes": float(np.mean([score.mistakes for score in scores])),
        }
        board.hyperparameters(self.config.settings(identity_only=True), metrics, step)
        result["wall_seconds"] = round(session.seconds, 2)
        folders.write_json(self.folder / folders.RESULT, result)
