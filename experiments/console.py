"""What a command says on standard error, and the status that it ends with."""

import os
import signal
import sys
from typing import NoReturn

from lstm_jax.runs import processes


def leave_silently() -> NoReturn:
    """Ends the process where nobody reads on, such as `| head`: with the status that a shell gives to other tools."""
    # Python flushes once more when it ends, and would complain.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(128 + signal.SIGPIPE)


def usage_error(message: str) -> NoReturn:
    """Ends the process with one line on standard error and exit status 2."""
    print_error(message)
    sys.exit(processes.leave(2))


def print_error(message: str) -> None:
    """One line on standard error."""
    print(f"error: {' '.join(message.split())[:1_000]}", file=sys.stderr)
