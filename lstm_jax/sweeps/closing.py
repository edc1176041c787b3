"""What a sweep says at its end: why runs failed, and how to get the best network."""

import dataclasses
import math
import re
from collections.abc import Sequence
from pathlib import Path

from lstm_jax.runs import folder as folders
from lstm_jax.runs.report import counted
from lstm_jax.settings import Value
from lstm_jax.sweeps.figures import percent
from lstm_jax.sweeps.labels import describe
from lstm_jax.sweeps.table import DONE, FAILED, Row, Summary, command, summarize

BEST = "best"
"""Where networks that are trained again have their folders, in that of the sweep."""

MOST_BEST = 4
"""Questions of which each has its best network shown at once."""


@dataclasses.dataclass(frozen=True)
class Best:
    """The network to go on with.

    Args:
        question: the settings that ask it, in words; empty if the sweep asks one question.
        name: its other settings that vary, and its seed.
        error: in words.
        command: that trains it again, where it can be asked.
        mean_error: of its setting (0..1).
    """

    question: str
    name: str
    error: str
    command: str
    mean_error: float

    @property
    def words(self) -> str:
        """All but the command."""
        return f"{f'of {self.question}: ' if self.question else ''}{self.name}: error {self.error}"


def failures(rows: Sequence[Row]) -> str | None:
    """How many seeds failed, and why; None if none did.

    Args:
        rows: of all runs.
    """
    failed = [row for row in rows if row.status == FAILED]
    if not failed:
        return None
    what = f"{counted(len(failed), 'seed')} of {counted(len({row.run for row in failed}), 'setting')} failed"
    first, *others = dict.fromkeys(_first_sentence(row.reason or "no result") for row in failed)
    more = f" (and {counted(len(others), 'other reason')})" if others else ""
    return f"{what}: {first}{more}; --retry_failed tries again"


def _first_sentence(reason: str) -> str:
    return re.split(r"[.!?]\s", reason, maxsplit=1)[0].removesuffix(".")


def best_networks(rows: Sequence[Row], threshold: float, folder: Path, question: Sequence[str] = ()) -> list[Best]:
    """Which network is the best of each question that the sweep asks, in the order of its settings.

    It is the best seed of the setting with the smallest mean error, among those with the fewest failures.

    Args:
        rows: of all runs.
        threshold: the error (0..1) from which on the task counts as solved.
        folder: of the sweep.
        question: the settings that vary and change what is asked.
    """
    questions: dict[tuple[Value, ...], list[Summary]] = {}
    for one in summarize(rows, threshold):
        if one.mean_error is not None:
            questions.setdefault(tuple(one.varied[name] for name in question), []).append(one)
    apart = question if len(questions) > 1 else ()
    return [_best(rows, min(own, key=_badness_of_setting), folder, apart) for own in questions.values()]


def _best(rows: Sequence[Row], setting: Summary, folder: Path, question: Sequence[str]) -> Best:
    seed = min((row for row in rows if row.run == setting.run and row.status == DONE), key=_badness_of_seed)
    flags = {**seed.flags, "seed": seed.seed, "workdir": str(folder / BEST / f"{seed.run}-{seed.seed}")}
    asked = {name: setting.varied[name] for name in question}
    others = {name: value for name, value in setting.varied.items() if name not in asked}
    return Best(
        describe(asked),
        ", ".join(filter(None, [describe(others), f"seed {seed.seed}"])),
        percent(seed.test_error) if seed.test_error is not None else "not known",
        command(seed.experiment, flags).replace("python", folders.tool("python"), 1),
        setting.mean_error or 0.0,
    )


def hardest(bests: Sequence[Best]) -> list[Best]:
    """Those that are shown at once: all if they are few, else that of the question which is answered worst."""
    worst = max((best.mean_error for best in bests), default=0.0)
    return list(bests) if len(bests) <= MOST_BEST else [best for best in bests if best.mean_error == worst][-1:]


def best_lines(bests: Sequence[Best]) -> list[str]:
    """The best networks on a terminal."""
    lines = []
    for best in hardest(bests):
        lines += [f"Best:        {best.words}", f"Train it:    {best.command}"]
    if len(bests) > MOST_BEST:
        lines.insert(1, f"             of {len(bests)} questions the one with the largest error; the report has all")
    return lines


def _badness_of_setting(one: Summary) -> tuple[float, ...]:
    failed, steps = one.seeds - one.done - one.dropped, one.median_steps_to_solve
    assert one.mean_error is not None
    return failed, one.mean_error, math.inf if steps is None else steps


def _badness_of_seed(row: Row) -> tuple[float, ...]:
    return tuple(math.inf if number is None else number for number in (row.test_error, row.steps_to_solve))
