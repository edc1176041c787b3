"""What a command says on standard error, and the status that it ends with."""

import contextlib
import re
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


def out_of_memory(message: str) -> str:
    """What to say where XLA says that the memory does not suffice; empty where it says something else."""
    if "RESOURCE_EXHAUSTED" not in message:
        return ""
    asked = re.search(r"([0-9]+) bytes", message)
    what = f": {int(asked[1]) / 2**30:,.1f} GiB were asked for at once" if asked else ""
    return f"out of memory{what}; lower --batch_size, --hidden_size, --seq_len or --num_seeds"


def print_error(message: str) -> None:
    """One line on standard error."""
    print(f"error: {' '.join(message.split())[:1_000]}", file=sys.stderr)
