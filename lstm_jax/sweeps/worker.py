"""A process that does one task after another, for the local executor: a line of JSON in, lines of JSON out.

In come tasks: {"store": the folder of the sweep, "task": ...}. Out go events: {"kind", "task", "step", "reason"}.
SIGTERM asks to save and stop. When the input ends, so does the process, at once: nobody is left to hear of it.
"""

import json
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

from lstm_jax.runs.signals import catch_interrupts
from lstm_jax.sweeps.execute import execute
from lstm_jax.sweeps.executor import INTERRUPTED, STEP
from lstm_jax.sweeps.store import Store
from lstm_jax.sweeps.task import from_data


def main() -> int:
    """Does what it is told until the input ends or a signal comes; returns the exit status."""
    with catch_interrupts() as interrupted, _own_output() as out:

        def say(**event: Any) -> None:
            out.write(json.dumps(event) + "\n")
            out.flush()

        for order in _orders():
            if _do(order, interrupted, say) == INTERRUPTED:
                break
    return 0


def _do(order: dict[str, Any], interrupted: Callable[[], bool], say: Callable[..., None]) -> str:
    task = from_data(order["task"])

    def watch(step: int, _: int) -> None:
        say(kind=STEP, task=task.name, step=step, reason="")

    kind, reason = execute(task, Store(Path(order["store"])), interrupted, watch)
    say(kind=kind, task=task.name, step=0, reason=reason)
    return kind


def _own_output() -> TextIO:
    """The standard output for events alone: whatever else is printed goes to standard error."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return out


def _orders() -> Iterator[dict[str, Any]]:
    """Tasks as they come, read by a thread that ends the process with the input."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read() -> None:
        for line in sys.stdin:
            lines.put(line)
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    while True:
        yield json.loads(lines.get())


if __name__ == "__main__":
    sys.exit(main())
