"""Has all tasks of a sweep done: begins again what a worker left behind, and goes on without what cannot be done."""

import collections
from collections.abc import Callable, Sequence
from typing import Protocol

from lstm_jax.sweeps.executor import DIED, FAULT, INTERRUPTED, OUT_OF_MEMORY, STEP, TASK_DONE, Event, Executor
from lstm_jax.sweeps.store import Store
from lstm_jax.sweeps.task import Task, longest_first

RETRIES = 2
"""How often a task is begun again whose worker died."""

PULSE = 0.3
"""Seconds between looks at signals and the display."""


class Listener(Protocol):
    """Who is told how a sweep goes on."""

    def step(self, task: Task, step: int) -> None:
        """The runs of a task are at this step."""
        ...

    def ended(self, task: Task) -> None:
        """All runs of a task have an outcome."""
        ...

    def left(self, task: Task, reason: str) -> None:
        """A task is left as it is, for a later command: the machine cannot do it now."""
        ...

    def say(self, line: str) -> None:
        """Something that a person should know."""
        ...


def conduct(
    tasks: Sequence[Task], store: Store, executor: Executor, interrupted: Callable[[], bool], listener: Listener
) -> bool:
    """Does all tasks.

    Args:
        tasks: in any order.
        store: the folder of the sweep.
        executor: who does them; open.
        interrupted: whether to save and stop.
        listener: who is told.

    Returns:
        Whether all are done; False if it was interrupted, or the machine could not read or write.
    """
    conductor = _Conductor(store, executor, listener)
    for task in longest_first(tasks):
        conductor.submit(task)
    stopping = False
    while conductor.open:
        for event in executor.wait(PULSE):
            conductor.handle(event, stopping or interrupted())
        if interrupted() and not stopping:
            stopping = True
            conductor.left = executor.stop()
        if stopping and conductor.left <= 0:
            return not conductor.open and not conductor.faults
    return not conductor.faults


class _Conductor:
    """What is still open; `left`, while stopping, is how many tasks are yet to end; `faults`, how many are left."""

    def __init__(self, store: Store, executor: Executor, listener: Listener):
        self.open: dict[str, Task] = {}
        self.left = self.faults = 0
        self._store, self._executor, self._listener = store, executor, listener
        self._deaths: collections.Counter[str] = collections.Counter()

    def submit(self, task: Task) -> None:
        """Takes a task that goes on whatever happens."""
        self._store.add_group(task)
        self.open[task.name] = task
        self._executor.submit(task)

    def handle(self, event: Event, stopping: bool) -> None:
        """Does what an event asks for."""
        task = self.open.get(event.task)
        if task is None:
            return
        if event.kind == STEP:
            self._listener.step(task, event.step)
            return
        self.left -= 1
        if event.kind == TASK_DONE:
            self._end(task)
        elif event.kind == FAULT:
            del self.open[task.name]
            self.faults += 1
            self._listener.left(task, event.reason)
        elif not stopping:
            self._mend(task, event)

    def _mend(self, task: Task, event: Event) -> None:
        if event.kind in (DIED, INTERRUPTED):
            self._deaths[task.name] += 1
            if self._deaths[task.name] <= RETRIES:
                self._listener.say(f"a group of {len(task.runs)} goes on from its last checkpoint: {event.reason}")
                self._executor.submit(task)
                return
        halves = task.in_halves() if event.kind in (DIED, OUT_OF_MEMORY) else []
        if halves:
            self._listener.say(f"a group of {len(task.runs)} is tried in halves: {event.reason}")
            del self.open[task.name]
            for half in halves:
                self.submit(half)
            self._store.remove_group(task.name)
            return
        for run in task.runs:
            first = int(run.settings["seed"])
            seeds = range(first, first + int(run.settings["num_seeds"]))
            if not self._store.has_outcome(run.identity):
                self._store.end(run.identity, dict.fromkeys(seeds, event.reason), {})
        self._end(task)

    def _end(self, task: Task) -> None:
        del self.open[task.name]
        self._store.remove_group(task.name)
        self._listener.ended(task)
