"""What a worker is given to do: runs that are trained together, as plain data that can go to another host."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

from lstm_jax.runs.group import same_program
from lstm_jax.settings import Settings
from lstm_jax.sweeps.plan import Run
from lstm_jax.sweeps.rungs import Rung
from lstm_jax.sweeps.work import estimate

type PlanRungs = Callable[[Sequence[Run]], list[Rung]]
"""Where members are dropped of runs that are trained together."""


@dataclasses.dataclass(frozen=True)
class TaskRun:
    """One run of a task: its identity, all its settings, its work, and the command that makes it alone."""

    identity: str
    settings: Settings
    work: float
    command: str


@dataclasses.dataclass(frozen=True)
class Task:
    """Runs that share a program.

    Args:
        experiment: the module in which the experiment with its defaults is BASE.
        runs: in the order of the sweep.
        rungs: where members are dropped.
    """

    experiment: str
    runs: tuple[TaskRun, ...]
    rungs: tuple[Rung, ...] = ()

    @property
    def name(self) -> str:
        """The same for the same runs and rungs; that of the folder with their checkpoints."""
        content = json.dumps([[run.identity for run in self.runs], self.rungs])
        return hashlib.sha256(content.encode()).hexdigest()[:12]

    @property
    def identities(self) -> set[str]:
        """Which runs these are."""
        return {run.identity for run in self.runs}

    @property
    def work(self) -> float:
        """As `work.estimate` has it."""
        return sum(run.work for run in self.runs)

    @property
    def num_steps(self) -> int:
        """Updates of a member."""
        return int(self.runs[0].settings["num_steps"])

    @property
    def members(self) -> int:
        """Seeds of all runs together."""
        return sum(int(run.settings["num_seeds"]) for run in self.runs)

    def in_halves(self) -> list["Task"]:
        """Two tasks with half of the runs each; empty where there is one run, or members are compared at rungs."""
        if len(self.runs) == 1 or self.rungs:
            return []
        middle = len(self.runs) // 2
        return [dataclasses.replace(self, runs=part) for part in (self.runs[:middle], self.runs[middle:])]

    def as_data(self) -> dict[str, Any]:
        """What JSON can hold."""
        return dataclasses.asdict(self)


def from_data(data: dict[str, Any]) -> Task:
    """The inverse of `Task.as_data`, after a way through JSON."""
    rungs = tuple(Rung(*rung) for rung in data["rungs"])
    return Task(data["experiment"], tuple(TaskRun(**run) for run in data["runs"]), rungs)


def make_tasks(experiment: str, runs: Sequence[Run], workers: int, plan_rungs: PlanRungs | None) -> list[Task]:
    """Puts runs that share a program together, in as few tasks as keep all workers busy.

    Without rungs the runs of one program are spread over several tasks where one would be more than a worker's share.

    Args:
        experiment: the module of the experiment.
        runs: all that are to be trained.
        workers: how many tasks can go on at the same time.
        plan_rungs: gives the rungs of the runs of a task, if members are dropped.
    """
    groups: dict[Hashable, list[Run]] = {}
    for run in runs:
        groups.setdefault(same_program(run.config), []).append(run)
    work = {run.identity: estimate(run.config) for run in runs}
    share = sum(work.values()) / workers
    tasks = []
    for group in groups.values():
        ready = tuple(TaskRun(run.identity, run.config.settings(), work[run.identity], run.command) for run in group)
        if plan_rungs is not None:
            tasks.append(Task(experiment, ready, tuple(plan_rungs(group))))
            continue
        total = sum(run.work for run in ready)
        parts = min(len(ready), max(1, round(total / share)))
        tasks += [Task(experiment, ready[number::parts]) for number in range(parts)]
    return tasks


def longest_first(tasks: Iterable[Task]) -> list[Task]:
    """The order in which tasks are begun, so that all workers end at about the same time."""
    return sorted(tasks, key=lambda task: -task.work)
