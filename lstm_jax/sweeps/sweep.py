"""One sweep from its plan to its report."""

import dataclasses
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from lstm_jax.runs import folder as folders
from lstm_jax.runs.output import speak
from lstm_jax.runs.signals import catch_interrupts
from lstm_jax.sweeps import closing, prospect
from lstm_jax.sweeps.conduct import conduct
from lstm_jax.sweeps.executors import check_devices, expected_places, open_executor
from lstm_jax.sweeps.gather import Gatherer
from lstm_jax.sweeps.plan import Plan, Run
from lstm_jax.sweeps.progress import SweepDisplay
from lstm_jax.sweeps.report import PAGE
from lstm_jax.sweeps.rungs import Rung, plan_rungs
from lstm_jax.sweeps.settings import SweepSettings
from lstm_jax.sweeps.store import Spent, Store
from lstm_jax.sweeps.table import Row
from lstm_jax.sweeps.task import Task, make_tasks

ALL_DONE, SOME_FAILED, INTERRUPTED = 0, 1, 130
"""Exit statuses."""

WRITE_EVERY = 5.0
"""Seconds at least between tables that are written while a sweep goes on."""


@dataclasses.dataclass
class SweepRun:
    """A sweep in its folder.

    Args:
        plan: all runs.
        module: of the experiment.
        chosen: how it is done, checked.
        folder: of the sweep.
        command: that makes it.
        progress: `auto`, `on` or `off`.
        started: when the work began, in the time of `time.perf_counter`.
    """

    plan: Plan
    module: str
    chosen: SweepSettings
    folder: Path
    command: str
    progress: str
    started: float

    def __post_init__(self) -> None:
        self.store = Store(self.folder.absolute())
        self._gatherer = Gatherer(self.plan, self.store, self.chosen.threshold)
        self._written = time.perf_counter()

    def describe(self) -> list[str]:
        """What would be done, in words; touches nothing."""
        before, others = self._begin()
        places = expected_places(self.chosen, *self._devices())
        new = [run for run in self.plan.runs if not self._is_done(run)]
        tasks = make_tasks(self.module, new, places or 1, self._rungs())
        return [
            *self._outlook(len(self.plan.runs) - len(new), others, tasks, places),
            *prospect.programs(self.plan, tasks),
            *([prospect.expected_time(tasks, before, places)] if tasks else []),
        ]

    def _outlook(self, finished: int, others: int, tasks: list[Task], places: int | None) -> list[str]:
        return [
            f"{prospect.overview(self.plan, finished, tasks, places)} in {self.folder}",
            *([prospect.left_out(others)] if others else []),
            *([prospect.saved(tasks)] if self.chosen.halving and tasks else []),
        ]

    def run(self) -> int:
        """Does what is to be done; returns the exit status.

        Raises:
            SettingError: the folder has a sweep of another kind, or the executor or the platform is not to be
                had.
            FolderError: another process has the folder.
        """
        if not all(map(self._is_done, self.plan.runs)):
            check_devices(self.chosen, self._devices()[0])
        with folders.locked(self.folder), catch_interrupts() as interrupted:
            self._before, others = self._begin()
            with open_executor(self.chosen, self.store, *self._devices()) as (executor, workers):
                tasks = self._tasks(workers)
                going = {identity for task in tasks for identity in task.identities}
                finished = [run.identity for run in self.plan.runs if run.identity not in going]
                for identity in finished:
                    self._gatherer.add(identity)
                speak(*self._outlook(len(finished), others, tasks, workers))
                shown = self.progress, self.plan.experiment, len(finished), tasks, workers, self._gather
                with SweepDisplay(*shown, self.chosen.threshold) as display:
                    self._display = display
                    self._note()
                    done = conduct(tasks, self.store, executor, interrupted, display)
                self._note()
        return self._close() if done else self._leave(interrupted())

    def _begin(self) -> tuple[Spent, int]:
        """Checks the folder; returns what was spent in it before, and how many runs there are not of this plan."""
        spent = self.store.begin(self.plan.experiment, self.chosen.halving)
        return spent, self.store.check_same_sweep(self.plan.runs)

    def _tasks(self, workers: int) -> list[Task]:
        unfinished = self.store.unfinished(self.plan.runs)
        taken = {identity for task in unfinished for identity in task.identities}
        new = [run for run in self.plan.runs if run.identity not in taken and not self._is_done(run)]
        for run in new:
            self.store.forget(run.identity)
        return [*unfinished, *make_tasks(self.module, new, workers, self._rungs())]

    def _is_done(self, run: Run) -> bool:
        ended = self.store.ended(run.identity)
        return ended is not None and not (self.chosen.retry_failed and ended.failures)

    def _rungs(self):
        """How rungs are planned; None without halving."""
        if not self.chosen.halving:
            return None

        def plan(runs: Sequence[Run]) -> list[Rung]:
            config = runs[0].config
            members = sum(run.config.run.num_seeds for run in runs)
            return plan_rungs(config.training.num_steps, members, self.chosen.halving, config.run.eval_every)

        return plan

    def _devices(self) -> tuple[str, int]:
        run = self.plan.runs[0].config.run
        return run.platform, run.cpu_devices

    def _gather(self, task: Task) -> list[list[Row]]:
        rows = [self._gatherer.add(run.identity) for run in task.runs]
        if time.perf_counter() > self._written + WRITE_EVERY:
            self._gatherer.write_tables()
            self._note()
            self._written = time.perf_counter()
        return rows

    def _note(self) -> None:
        seconds, work = self._display.measured()
        before = self._before
        spent = Spent(self._seconds(), before.worker_seconds + seconds, before.work + work)
        self.store.note(self.plan.experiment, self.chosen.halving, self.command, spent)

    def _seconds(self) -> float:
        return round(self._before.seconds + time.perf_counter() - self.started, 2)

    def _leave(self, interrupted: bool) -> int:
        self._gatherer.write_tables()
        why = "interrupted" if interrupted else "not all could be done, and nothing is lost"
        # Where the output goes to a file, too, it is to be seen.
        print(f"{why}; resume with:\n{self.command}", file=sys.stderr)
        return INTERRUPTED if interrupted else SOME_FAILED

    def _close(self) -> int:
        self._gatherer.write_report(self.command, self._seconds())
        rows = self._gatherer.rows
        failed = closing.failures(rows)
        speak(
            *([failed] if failed else []),
            *closing.best_lines(closing.best_networks(rows, self.chosen.threshold, self.folder, self.plan.question)),
            f"Table:       {self.folder / 'results.csv'}, {self.folder / 'summary.csv'}",
            f"Look at it:  {self.folder / PAGE}",
            f"TensorBoard: {folders.tool('tensorboard')} --logdir={self.folder / 'runs'}",
        )
        return SOME_FAILED if failed else ALL_DONE
