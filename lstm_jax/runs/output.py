"""The standard output, which may end before a training does."""

import os
import sys


def speak(*lines: str) -> None:
    """Prints lines; where nobody reads on, as after `| head`, what goes on goes on silently."""
    try:
        print(*lines, sep="\n", flush=True)
    except BrokenPipeError:
        silence()


def silence() -> None:
    """Has all that is printed from now on go nowhere, also what Python would flush, and complain of, at the end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
