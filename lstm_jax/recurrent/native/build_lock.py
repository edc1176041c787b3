"""One process compiles what several need that start at the same time."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

PATIENCE = 120.0
"""Seconds after which a process no longer waits for another one's compiler, which may hang."""


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Lets one process into the block, the others once it has left it or the file is there.

    A lock goes when its process ends, however it ends. Where there are no locks nobody waits.

    Args:
        path: the file that the block makes; the lock lies beside it.

    Raises:
        OSError: there can be no such folder.
    """
    path.parent.mkdir(exist_ok=True)
    until = time.monotonic() + PATIENCE
    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError, ImportError):
            lock = held.enter_context(open(path.with_name("kernel.lock"), "a"))
            while not path.exists() and not _take(lock) and time.monotonic() < until:
                time.sleep(0.05)
        yield


def _take(lock: IO[str]) -> bool:
    import fcntl  # not everywhere

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
