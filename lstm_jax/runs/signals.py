"""Being asked to stop: SIGINT and SIGTERM are remembered until the loop has a moment to save."""

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator

SOON = 2.0
"""Seconds after which somebody who has asked to stop wants to know why it goes on."""


@contextlib.contextmanager
def catch_interrupts(excuse: str = "") -> Iterator[Callable[[], bool]]:
    """While the block lasts, a first SIGINT or SIGTERM only sets a mark; a second SIGINT ends the process at once.

    Args:
        excuse: said on standard error where the block goes on for some seconds after the first signal.

    Yields:
        A function that tells whether a signal has come.
    """
    came, over, awake = threading.Event(), threading.Event(), threading.Event()

    def remember(number: int, _: object) -> None:
        if came.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        came.set()
        awake.set()

    def explain() -> None:
        awake.wait()
        if not over.wait(SOON):
            print(excuse, file=sys.stderr, flush=True)

    if excuse:  # begun here: a signal may find Python where it cannot begin a thread
        threading.Thread(target=explain, daemon=True).start()
    before = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield came.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        over.set()
        awake.set()
