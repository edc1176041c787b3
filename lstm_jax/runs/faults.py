"""Tells faults of the machine, which may pass, from damage to what is read, which stays."""

import errno
import functools
import logging
import os
import re
import sys

OF_CONTENT = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG}
"""What the system says where something is missing or is not what it was."""

SYSTEM_SAID = re.compile(r"os_error_code='(\d+)'")
"""How tensorstore names the system's error in its own, which is a ValueError whatever happened."""

PASSING = ("RESOURCE_EXHAUSTED", "UNAVAILABLE", "DEADLINE_EXCEEDED", "can't start new thread")
"""How messages of other errors begin that no content is to blame for."""


def fault_of_machine(error: BaseException) -> str | None:
    """What the machine could not do, such as `Too many open files`; None where the content itself is to blame.

    Libraries make other errors of the system's; so what led to an error is looked at as well.
    """
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, MemoryError | TimeoutError) or str(found).startswith(PASSING):
            return first_line(found)
        codes = {int(code) for code in SYSTEM_SAID.findall(str(found))}
        if isinstance(found, OSError) and found.errno is not None:
            codes.add(found.errno)
        if codes - OF_CONTENT:
            return os.strerror(min(codes - OF_CONTENT))
        found = found.__cause__ or found.__context__
    return None


@functools.cache
def silence_echoes() -> None:
    """Lets nobody see, from now on, what comes after an array that could not be read.

    orbax ends its event loop with the first such array. Of each other one that is still being read, asyncio says at
    length that nobody asked for its error, or tensorstore has Python print, some time, that the loop is closed.
    """
    before = sys.unraisablehook

    def but_echoes(unraisable: "sys.UnraisableHookArgs") -> None:
        if "Event loop is closed" not in str(unraisable.exc_value):
            before(unraisable)

    sys.unraisablehook = but_echoes
    logging.getLogger("asyncio").addFilter(lambda record: "exception was never retrieved" not in record.getMessage())


def first_line(error: BaseException) -> str:
    """The first line in which an error says something, not too much of it; its kind, if it says nothing."""
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)[:200]


def whole_line(error: BaseException) -> str:
    """All that an error and what caused it say, on one line; nothing is cut, since the remedy may come last."""
    words = " ".join(str(error).split())
    if not words or not isinstance(error, ValueError | RuntimeError | OSError):
        words = f"{type(error).__name__}: {words}" if words else type(error).__name__
    return f"{words}; {whole_line(error.__cause__)}" if error.__cause__ else words
