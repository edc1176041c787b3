"""One run on several processes: what process 0 decides, the others hear. In a run of one process nothing is sent.

Every process goes through the same program in the same order. Whatever could differ between them, wall time, signals,
files, is decided by process 0 (or by all together) and exchanged here, between two programs of the devices.
"""

import functools
import json
import math
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from lstm_jax.runs.output import speak
from lstm_jax.training.mesh import whole

SMALLEST_MESSAGE = 256
"""Messages are filled up to this many bytes times a power of two: each size is compiled once."""

FAREWELL = 5.0
"""Seconds that a process which failed waits whether the others failed with it."""


class LostProcessError(Exception):
    """Another process of this run ended, or cannot be reached."""


def is_first() -> bool:
    """Whether this is process 0, which keeps the folder and speaks."""
    return jax.process_index() == 0


def is_alone() -> bool:
    """Whether this process is the only one of its run."""
    return not jax.distributed.is_initialized()


def say(*lines: str) -> None:
    """Prints lines to standard output, on process 0 alone."""
    if is_first():
        speak(*lines)


def exchange(value: Any) -> list[Any]:
    """What every process gave, in the order of the processes; values that JSON can hold."""
    if jax.process_count() == 1:
        return [value]
    content = np.frombuffer(json.dumps(value).encode(), np.uint8)
    lengths = whole(_rows(np.array([len(content)], np.int32)))[:, 0]
    rows = whole(_rows(_filled(content, lengths.max())))
    return [json.loads(row[:length].tobytes()) for row, length in zip(rows, lengths, strict=True)]


def agree[T](value: T) -> T:
    """What process 0 gave; a value that JSON can hold."""
    return exchange(value)[0]


def anyone(yes: bool) -> bool:
    """Whether any process says yes."""
    return any(exchange(yes))


def first[T](work: Callable[[], T], error: type[Exception]) -> T:
    """Does something on process 0 alone; what it gives, or that it failed, comes to all processes.

    Args:
        work: what to do. It must not compute with arrays that are spread over processes: the others do not take part.
        error: the kind of failure that all processes then raise. Any other ends process 0 alone.

    Returns:
        What the work returned; a value that JSON can hold.
    """
    outcome: dict[str, Any] = {}
    if is_first():
        try:
            outcome = {"value": work()}
        except error as failure:
            agree({"error": str(failure)})
            raise
    outcome = agree(outcome)
    if "error" in outcome:
        raise error(outcome["error"])
    return outcome["value"]


def by_first[**P, T](error: type[Exception]) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Makes a function be called on process 0 alone, as `first` does; all processes must call it."""

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(function)
        def called(*args: P.args, **kwargs: P.kwargs) -> T:
            return first(lambda: function(*args, **kwargs), error)

        return called

    return decorate


def share(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of process 0, bit for bit; the other processes may give none."""
    if jax.process_count() == 1:
        return arrays
    kinds = agree([(name, array.dtype.name, array.shape) for name, array in arrays.items()])
    sizes = [math.prod(shape) * np.dtype(kind).itemsize for _, kind, shape in kinds]
    parts = [np.ascontiguousarray(array).reshape(-1).view(np.uint8) for array in arrays.values()]
    content = np.concatenate(parts) if is_first() and parts else np.zeros(0, np.uint8)
    # As bytes: numbers would be added to zeros on their way, which makes +0 of -0.
    sent = whole(_first_row(_rows(_filled(content, sum(sizes)))))
    found, start = {}, 0
    for (name, kind, shape), size in zip(kinds, sizes, strict=True):
        found[name] = sent[start : start + size].view(kind).reshape(shape)
        start += size
    return found


@contextmanager
def watched() -> Iterator[None]:
    """Says it in plain words when a program of several processes fails because one of them is gone.

    Raises:
        LostProcessError: instead of the failure of the library that moves the data.
    """
    try:
        yield
    except (ValueError, RuntimeError) as error:
        if jax.process_count() > 1 and "Gloo" in str(error):
            reason = " ".join(str(error).split())[:200]
            raise LostProcessError(f"another process of this run ended or cannot be reached ({reason})") from error
        raise


def leave(status: int, *, at_once: bool = False) -> int:
    """The end after a failure: returns the exit status, or ends this process here if it is one of several.

    Where all processes failed alike they part in order, so that each has its own exit status. Where only this one did,
    the others wait for it in a program; it must not wait for them as well, and they notice that it is gone.

    Args:
        status: the exit status.
        at_once: whether it is known that the others do not leave, too.
    """
    if is_alone():
        return status
    sys.stdout.flush()
    sys.stderr.flush()
    if not at_once:
        farewell = threading.Thread(target=jax.distributed.shutdown, daemon=True)
        farewell.start()
        farewell.join(FAREWELL)
    os._exit(status)


def _filled(content: np.ndarray, length: int) -> np.ndarray:
    size = SMALLEST_MESSAGE
    while size < length:
        size *= 2
    return np.pad(content, (0, size - len(content)))


def _rows(row: np.ndarray) -> jax.Array:
    """One row of each process: [n] to [processes, n]."""
    sharding = NamedSharding(_one_device_each(), PartitionSpec("processes"))
    return jax.make_array_from_process_local_data(sharding, row[None], (jax.process_count(), len(row)))


def _first_row(rows: jax.Array) -> jax.Array:
    everywhere = NamedSharding(_one_device_each(), PartitionSpec())
    return jax.jit(lambda rows: rows[0], out_shardings=everywhere)(rows)


@functools.cache
def _one_device_each() -> Mesh:
    devices = [jax.local_devices(process_index=process)[0] for process in range(jax.process_count())]
    return Mesh(np.array(devices), "processes")
