"""Being asked to stop: SIGINT and SIGTERM are remembered until the loop has a moment to save."""

import contextlib
import signal
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def catch_interrupts() -> Iterator[Callable[[], bool]]:
    """While the block lasts, a first SIGINT or SIGTERM only sets a mark; a second SIGINT ends the process at once.

    Yields:
        A function that tells whether a signal has come.
    """
    came = False

    def remember(number: int, _: object) -> None:
        nonlocal came
        if came and number == signal.SIGINT:
            raise KeyboardInterrupt
        came = True

    before = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
