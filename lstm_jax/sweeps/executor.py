"""Who does the tasks of a sweep: the interface that all executors have."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from lstm_jax.sweeps.task import Task

STEP, TASK_DONE, INTERRUPTED, OUT_OF_MEMORY = "step", "done", "interrupted", "out of memory"
TASK_FAILED, DIED, FAULT = "failed", "died", "fault"


class Event(NamedTuple):
    """What happened to a task.

    `kind`: STEP, its runs are at `step`. TASK_DONE, all have an outcome. INTERRUPTED, it was saved because it was asked
    to stop. OUT_OF_MEMORY, TASK_FAILED, it ended with an error. DIED, its worker did, and the task may be tried again.
    FAULT, the machine could not read or write, by which no run has failed: the task is left as it is.
    """

    kind: str
    task: str
    step: int = 0
    reason: str = ""


class Executor(Protocol):
    """Does tasks, several at a time."""

    def submit(self, task: Task) -> None:
        """Takes a task; those that come first are begun first."""
        ...

    def wait(self, seconds: float) -> Sequence[Event]:
        """What happened since the last call; waits at most this long for something to happen."""
        ...

    def stop(self) -> int:
        """Forgets tasks that are not begun, asks the others to save and stop; returns how many these are."""
        ...

    def close(self) -> None:
        """Ends all workers."""
        ...


def code_path() -> str:
    """The PYTHONPATH with which a worker finds this code, wherever this process found it."""
    root = str(Path(__file__).parents[2])
    return os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
