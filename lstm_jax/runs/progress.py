"""The progress bar: step, loss, error, updates a second and time left; silent where nobody watches."""

import sys
from typing import Protocol, Self, override

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from lstm_jax.runs import processes


class Display(Protocol):
    """Where a run says how far it is."""

    def update(self, step: int, loss: float, error: float, rate: float) -> None:
        """Shows the state after `step` updates; error is a share (0..1), rate in updates a second."""
        ...

    def say(self, line: str) -> None:
        """Says a line."""
        ...


class ProgressBar(Display):
    """A bar on standard error that lasts as long as the `with` block; process 0 alone shows it, and speaks.

    Args:
        mode: `on`, `off`, or `auto`: on if standard error is a terminal.
        title: what stands in front.
        total: updates altogether.
        start: updates already done.
    """

    def __init__(self, mode: str, title: str, total: int, start: int):
        shown = processes.is_first() and (mode == "on" or (mode == "auto" and sys.stderr.isatty()))
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.completed:,}/{task.total:,}  {task.fields[numbers]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True, force_terminal=True if mode == "on" else None),
            disable=not shown,
            transient=True,
        )
        self._task = self._bar.add_task(title, total=total, completed=start, numbers="compiling")

    @override
    def update(self, step: int, loss: float, error: float, rate: float) -> None:
        numbers = f"loss {loss:.4f}  error {error:7.3%}  {rate:,.0f} steps/s"
        self._bar.update(self._task, completed=step, numbers=numbers)

    @override
    def say(self, line: str) -> None:
        # To standard output, above the bar if there is one.
        if self._bar.disable:
            processes.say(line)
        else:
            self._bar.stop()
            processes.say(line)
            self._bar.start()

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
