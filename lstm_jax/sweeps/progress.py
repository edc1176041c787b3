"""What a person sees of a sweep while it runs: one bar, and a line for each setting that is done."""

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Self, override

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from lstm_jax.runs.output import speak
from lstm_jax.runs.report import counted
from lstm_jax.sweeps.conduct import Listener
from lstm_jax.sweeps.figures import percent
from lstm_jax.sweeps.labels import describe
from lstm_jax.sweeps.page import duration
from lstm_jax.sweeps.table import FAILED, Row, summarize
from lstm_jax.sweeps.task import Task
from lstm_jax.sweeps.work import time_left

EVERY = 30.0
"""Seconds between lines on how far a sweep is, where there is no terminal."""


class SweepDisplay(Listener):
    """Shows a bar on a terminal, and otherwise a line now and then, as long as the `with` block lasts.

    Args:
        mode: `on`, `off` (lines), or `auto`: on if standard error is a terminal.
        title: what stands in front.
        finished: settings that are done already.
        tasks: that are to be done.
        workers: how many are done at the same time.
        gather: gives the rows of each run of a task that ended.
        threshold: the error (0..1) from which on the task counts as solved.
    """

    def __init__(
        self,
        mode: str,
        title: str,
        finished: int,
        tasks: Iterable[Task],
        workers: int,
        gather: Callable[[Task], Iterable[Sequence[Row]]],
        threshold: float,
    ):
        self._gather, self._workers, self._threshold = gather, workers, threshold
        self._work = {run.identity: run.work for task in tasks for run in task.runs}
        self._begun: dict[str, float] = {}  # which share of a run was done when this command took it up
        self._share: dict[str, float] = {}  # which is done now
        self._running: dict[str, int] = {}  # settings of each task that is going on
        self._total, self._done, self._failed = finished + len(self._work), finished, 0
        self._started = self._spoken = time.perf_counter()
        shown = mode == "on" or (mode == "auto" and sys.stderr.isatty())
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[numbers]}"),
            console=Console(stderr=True, force_terminal=True if mode == "on" else None),
            disable=not shown,
            transient=True,
        )
        self._all = self._bar.add_task(title, total=max(1.0, sum(self._work.values())), numbers="starting")

    @override
    def step(self, task: Task, step: int) -> None:
        self._running[task.name] = len(task.runs)
        for run in task.runs:
            self._share[run.identity] = step / task.num_steps
            self._begun.setdefault(run.identity, self._share[run.identity])
        self._show()

    @override
    def ended(self, task: Task) -> None:
        self._running.pop(task.name, None)
        for run in task.runs:
            self._share[run.identity] = 1.0
        for rows in self._gather(task):
            self._done += 1
            self._failed += any(row.status == FAILED for row in rows)
            self.say(self._line(rows))
        self._show()

    @override
    def left(self, task: Task, reason: str) -> None:
        self._running.pop(task.name, None)
        self.say(f"a group of {len(task.runs)} is left as it is: {reason}")
        self._show()

    @override
    def say(self, line: str) -> None:
        if self._bar.disable:
            speak(line)
        else:
            self._bar.stop()
            speak(line)
            self._bar.start()

    def _line(self, rows: Sequence[Row]) -> str:
        """What came out of a setting."""
        (own,) = summarize(rows, self._threshold)
        seeds = counted(own.seeds, "seed")
        parts = [describe(own.varied) or seeds]
        if own.mean_error is not None and own.best_error is not None:
            parts.append(f"error {percent(own.mean_error)}, best {percent(own.best_error)}")
            parts.append(f"{percent(own.success_rate)} solved")
        if own.dropped:
            parts.append(f"{own.dropped} of {seeds} dropped")
        reasons = dict.fromkeys(row.reason for row in rows if row.status == FAILED)
        if reasons:
            failed = sum(row.status == FAILED for row in rows)
            parts.append(f"{failed} of {seeds} failed: {'; '.join(map(str, reasons))}")
        return f"[{self._done}/{self._total}] {': '.join([parts[0], ', '.join(parts[1:])])}"

    def _show(self) -> None:
        state = ", ".join(
            [
                f"{self._done} of {self._total} settings done",
                f"{sum(self._running.values())} running",
                *([f"{self._failed} failed"] if self._failed else []),
                "time left not known yet" if (left := self.seconds_left()) is None else f"{duration(left)} left",
            ]
        )
        done = sum(self._work[identity] * share for identity, share in self._share.items())
        self._bar.update(self._all, completed=done, numbers=state)
        now = time.perf_counter()
        if self._bar.disable and now > self._spoken + EVERY and self._running:
            self._spoken = now
            speak(state)

    def measured(self) -> tuple[float, float]:
        """The seconds of all workers together since the beginning, and the work that was done in them."""
        done = sum(
            self._work[identity] * (share - self._begun.get(identity, 0.0)) for identity, share in self._share.items()
        )
        busy = min(self._workers, max(1, len(self._running)))
        return (time.perf_counter() - self._started) * busy, done

    def seconds_left(self) -> float | None:
        """Seconds until the end, from what was measured so far."""
        left = [work * (1 - self._share.get(identity, 0.0)) for identity, work in self._work.items()]
        return time_left([work for work in left if work], *self.measured(), self._workers)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
