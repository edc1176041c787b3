"""What a command says on standard error, and the status that it ends with."""

import contextlib
import signal
import sys
from collections.abc import Iterator
from typing import NoReturn

from lstm_jax.runs import output, processes


def leave_silently() -> NoReturn:
    """Ends the process where nobody reads on, such as `| head`: with the status that a shell gives to other tools."""
    output.silence()
    sys.exit(128 + signal.SIGPIPE)


@contextlib.contextmanager
def leaving_silently() -> Iterator[None]:
    """Ends the process where nobody reads what the block prints, which is noticed here and not when Python ends."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        leave_silently()


def usage_error(message: str) -> NoReturn:
    """Ends the process with one line on standard error and exit status 2."""
    print_error(message)
    sys.exit(processes.leave(2))


def print_error(message: str) -> None:
    """One line on standard error."""
    print(f"error: {' '.join(message.split())[:1_000]}", file=sys.stderr)
