"""Does a task: trains its runs together, and notes what became of each."""

import contextlib
import functools
import importlib
import itertools
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
from jax.errors import JaxRuntimeError

from lstm_jax.recurrent.native import build
from lstm_jax.runs import compiled, devices
from lstm_jax.runs import folder as folders
from lstm_jax.runs.checkpoint import CheckpointError
from lstm_jax.runs.faults import fault_of_machine
from lstm_jax.runs.group import Choose, Part, run_group
from lstm_jax.runs.loop import RunInterruptedError
from lstm_jax.sweeps.executor import FAULT, INTERRUPTED, OUT_OF_MEMORY, TASK_DONE, TASK_FAILED
from lstm_jax.sweeps.rungs import Rung, survivors
from lstm_jax.sweeps.store import Store
from lstm_jax.sweeps.task import Task

PATIENCE = 60.0
"""Seconds that a worker waits for the one before it, which was given up but may still be ending."""

CACHED = 32
"""Tasks after which a process forgets what it compiled. Programs of training are needed once, but small ones again:
measured, they are a quarter of the time that compiling takes; what is kept is 13 MB a task."""

_ended = itertools.count(1)


def execute(
    task: Task, store: Store, interrupted: Callable[[], bool], watch: Callable[[int, int], None]
) -> tuple[str, str]:
    """Does a task from wherever it is; whatever goes wrong is told, not raised.

    Args:
        task: what to do.
        store: the folder of the sweep.
        interrupted: whether to save and stop.
        watch: is told the step and the number of steps.

    Returns:
        How it ended, one of the kinds of `executor.Event`, and the reason.
    """
    try:
        with _locked(store.group_folder(task.name)):
            if not all(store.has_outcome(run.identity) for run in task.runs):
                _train(task, store, interrupted, watch)
        return TASK_DONE, ""
    except RunInterruptedError as error:
        return INTERRUPTED, str(error)
    except Exception as error:  # of one task; the others are none the worse for it
        return _kind(error), _one_line(error)
    finally:
        if next(_ended) % CACHED == 0:
            jax.clear_caches()


def _train(task: Task, store: Store, interrupted: Callable[[], bool], watch: Callable[[int, int], None]) -> None:
    started = time.perf_counter()
    base = importlib.import_module(task.experiment).BASE
    first = task.runs[0].settings
    # A core a device: the other cores have tasks of their own.
    os.environ.setdefault(build.THREADS, str(first["cpu_devices"]))
    _choose_devices(str(first["platform"]), int(first["cpu_devices"]))
    parts = [Part(base.replace(run.settings), store.run_folder(run.identity), run.command) for run in task.runs]
    outcomes = run_group(
        parts,
        store.group_folder(task.name),
        started,
        choose=choose_at(task.rungs),
        interrupted=interrupted,
        watch=watch,
    )
    for run, outcome in zip(task.runs, outcomes, strict=True):
        store.end(run.identity, outcome.failures, outcome.dropped)


@functools.cache
def _choose_devices(platform: str, cpu_devices: int) -> int:
    """Once in a process: JAX lets nobody change it later, and all tasks of a sweep agree on it."""
    chosen = devices.choose(platform, cpu_devices)
    compiled.reuse()
    return chosen


def choose_at(rungs: Sequence[Rung]) -> Choose:
    """Which members go on at each rung."""
    counts = {rung.step: rung.survivors for rung in rungs}

    def choose(step: int, errors: list[float]) -> Sequence[int] | None:
        return survivors(errors, counts[step]) if step in counts else None

    return choose


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keeps a group for this process; waits for one that is about to end."""
    until = time.monotonic() + PATIENCE
    with contextlib.ExitStack() as held:
        while True:
            try:
                held.enter_context(folders.locked(folder))
                break
            except folders.FolderError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)
        yield


def _kind(error: Exception) -> str:
    if _lacks_memory(error):
        return OUT_OF_MEMORY
    # A full or broken disk is none of a run's doing, and what was trained so far is not to be lost by it.
    fault = isinstance(error, CheckpointError) or (isinstance(error, OSError) and fault_of_machine(error))
    return FAULT if fault else TASK_FAILED


def _lacks_memory(error: Exception) -> bool:
    """Whether fewer runs at a time may fit; JAX has one kind of error for whatever its devices fail at."""
    return isinstance(error, MemoryError) or (isinstance(error, JaxRuntimeError) and "RESOURCE_EXHAUSTED" in str(error))


def _one_line(error: BaseException) -> str:
    text: Any = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:300] if text else type(error).__name__
