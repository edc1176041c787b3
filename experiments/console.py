"""What a command says on standard error, and the status that it ends with."""

import sys
from typing import NoReturn

from lstm_jax.runs import processes


def usage_error(message: str) -> NoReturn:
    """Ends the process with one line on standard error and exit status 2."""
    print_error(message)
    sys.exit(processes.leave(2))


def print_error(message: str) -> None:
    """One line on standard error."""
    print(f"error: {' '.join(message.split())[:1_000]}", file=sys.stderr)
