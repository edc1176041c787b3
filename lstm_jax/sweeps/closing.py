"""What a sweep says at its end: why runs failed, and how to get the best network."""

import dataclasses
import math
import re
from collections.abc import Sequence
from pathlib import Path

from lstm_jax.runs import folder as folders
from lstm_jax.runs.report import counted
from lstm_jax.sweeps.figures import percent
from lstm_jax.sweeps.labels import describe
from lstm_jax.sweeps.table import DONE, FAILED, Row, Summary, command, summarize

BEST = "best"
"""Where networks that are trained again have their folders, in that of the sweep."""


@dataclasses.dataclass(frozen=True)
class Best:
    """The network to go on with.

    Args:
        words: its settings and seed.
        error: in words.
        command: that trains it again, where it can be asked.
    """

    words: str
    error: str
    command: str


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


def best_network(rows: Sequence[Row], threshold: float, folder: Path) -> Best | None:
    """Which network is the best; None if none is done.

    It is the best seed of the setting with the smallest mean error, among those with the fewest failures.

    Args:
        rows: of all runs.
        threshold: the error (0..1) from which on the task counts as solved.
        folder: of the sweep.
    """
    known = [one for one in summarize(rows, threshold) if one.mean_error is not None]
    if not known:
        return None
    setting = min(known, key=_badness_of_setting)
    seed = min((row for row in rows if row.run == setting.run and row.status == DONE), key=_badness_of_seed)
    flags = {**seed.flags, "seed": seed.seed, "workdir": str(folder / BEST / f"{seed.run}-{seed.seed}")}
    error = percent(seed.test_error) if seed.test_error is not None else "not known"
    name = ", ".join(filter(None, [describe(setting.varied), f"seed {seed.seed}"]))
    again = command(seed.experiment, flags).replace("python", folders.tool("python"), 1)
    return Best(name, error, again)


def best_lines(best: Best | None) -> list[str]:
    """The best network on a terminal."""
    return [f"Best:        {best.words}: error {best.error}", f"Train it:    {best.command}"] if best else []


def _badness_of_setting(one: Summary) -> tuple[float, ...]:
    failed, steps = one.seeds - one.done - one.dropped, one.median_steps_to_solve
    assert one.mean_error is not None
    return failed, one.mean_error, math.inf if steps is None else steps


def _badness_of_seed(row: Row) -> tuple[float, ...]:
    return tuple(math.inf if number is None else number for number in (row.test_error, row.steps_to_solve))
