"""What is written into the cells of heat maps: numbers by two settings, and why there is none."""

import dataclasses
import itertools
import math
import statistics
from collections.abc import Callable, Sequence

from lstm_jax.settings import Settings, Value
from lstm_jax.sweeps.figures import Sweep, percent
from lstm_jax.sweeps.labels import describe
from lstm_jax.sweeps.scales import Scale, count_scale, error_scale, share_scale
from lstm_jax.sweeps.table import Summary

MOST_VALUES = 12
"""Settings with more values than this have no room in a heat map."""

MOST_PANELS = 6
"""More combinations of the other settings than this are averaged over."""

NO_RUN, NO_RESULT, ALL_DROPPED, NOT_REACHED = (
    "no run",
    "no result",
    "dropped by halving",
    "reached by at most half of the seeds",
)


@dataclasses.dataclass(frozen=True)
class Measure:
    """What is shown.

    Args:
        name: short, for files.
        title: in words; `{tested}` stands for what errors are those on.
        read: its number for one cell, from the summaries of the runs in it; None if there is none.
        write: the number as text.
        scale: where the numbers of all cells lie between the smallest and the largest.
        small_is_good: whether the smallest number is the best one.
    """

    name: str
    title: str
    read: Callable[[Sequence[Summary]], float | None]
    write: Callable[[float], str]
    scale: Callable[[Sequence[float]], Scale]
    small_is_good: bool

    def words(self, sweep: Sweep) -> str:
        """What is shown of this sweep."""
        return self.title.format(tested=sweep.tested)

    def goodness(self, numbers: Sequence[float]) -> list[float]:
        """The numbers of all cells, as 0 (worst) to 1 (best)."""
        places = map(self.scale(numbers).position, numbers)
        return [1 - place if self.small_is_good else place for place in places]


@dataclasses.dataclass(frozen=True)
class Cell:
    """A number, as text and as goodness (0..1), or the reason why there is none; and the runs that are in it."""

    number: float | None
    text: str
    goodness: float | None
    missing: str | None
    title: str


@dataclasses.dataclass(frozen=True)
class Panel:
    """One combination of the settings that are not axes, in words, and its cells by row and column."""

    label: str
    cells: list[list[Cell]]


def mean_error(runs: Sequence[Summary]) -> float | None:
    """The mean of the runs' mean errors."""
    errors = [one.mean_error for one in runs if one.mean_error is not None]
    return statistics.fmean(errors) if errors else None


def success_rate(runs: Sequence[Summary]) -> float | None:
    """The mean of the runs' success rates."""
    return statistics.fmean(one.success_rate for one in runs)


def steps_to_solve(runs: Sequence[Summary]) -> float | None:
    """The median of the runs' medians; one that was not reached is endless."""
    steps = [math.inf if one.median_steps_to_solve is None else one.median_steps_to_solve for one in runs]
    median = statistics.median(steps)
    return median if math.isfinite(median) else None


ERROR = Measure("error", "mean error on {tested}", mean_error, percent, error_scale, True)
SUCCESS = Measure("success", "share of seeds that solved it", success_rate, percent, share_scale, False)
STEPS = Measure("steps", "updates until solved, median", steps_to_solve, "{:,.0f}".format, count_scale, True)
MEASURES = (ERROR, SUCCESS, STEPS)


def axes_of_heat_map(sweep: Sweep) -> tuple[str, str] | None:
    """The first two settings with few values, rows before columns; None where there are not two.

    Draws from a range meet in a cell by accident only: they are shown as points.
    """
    given = [name for name in sweep.varied if name not in sweep.drawn]
    few = [name for name in given if 1 < len(values_of(sweep, name)) <= MOST_VALUES]
    return (few[0], few[1]) if len(few) > 1 else None


def values_of(sweep: Sweep, name: str) -> list[Value]:
    """The values of a setting, in order."""
    return sorted({one.varied[name] for one in sweep.summaries}, key=lambda value: (isinstance(value, str), value))


def other_settings(sweep: Sweep, axes: tuple[str, str]) -> tuple[list[str], list[str]]:
    """The settings that are not axes: those with a panel for each combination, and those that are averaged over."""
    others = [name for name in sweep.varied if name not in axes and len(values_of(sweep, name)) > 1]
    combinations = {tuple(one.varied[name] for name in others) for one in sweep.summaries}
    return (others, []) if len(combinations) <= MOST_PANELS else ([], others)


def panels(sweep: Sweep, measure: Measure, axes: tuple[str, str]) -> list[Panel]:
    """The cells of a heat map.

    Args:
        sweep: all runs.
        measure: what is shown.
        axes: the settings of its rows and columns.
    """
    rows, columns = (values_of(sweep, name) for name in axes)
    apart, _ = other_settings(sweep, axes)
    places: dict[tuple[Value, ...], list[Summary]] = {}
    labels: dict[tuple[Value, ...], Settings] = {}
    for one in sweep.summaries:
        which = tuple(one.varied[name] for name in apart)
        labels[which] = {name: one.varied[name] for name in apart}
        places.setdefault((*which, one.varied[axes[0]], one.varied[axes[1]]), []).append(one)
    numbers = {place: measure.read(runs) for place, runs in places.items() if any(one.done for one in runs)}
    found = {place: number for place, number in numbers.items() if number is not None}
    good = dict(zip(found, measure.goodness(list(found.values())), strict=True))

    def cell(place: tuple[Value, ...], here: Settings) -> Cell:
        runs = places.get(place, [])
        if place in found:
            done, seeds = sum(one.done for one in runs), sum(one.seeds for one in runs)
            text, missing = measure.write(found[place]), None
            short = f"{text}\n{done} of {seeds}" if done < seeds else text
        else:
            text = missing = NOT_REACHED if place in numbers else _why_none(runs)
            short = ""
        title = "\n".join([f"{describe(here)}: {measure.words(sweep)} {text}", *(one.command for one in runs)])
        return Cell(found.get(place), short, good.get(place), missing, title)

    return [
        Panel(
            describe(label, sweep.labels),
            [
                [cell((*which, row, column), {**label, axes[0]: row, axes[1]: column}) for column in columns]
                for row in rows
            ],
        )
        for which, label in labels.items()
    ]


def _why_none(runs: Sequence[Summary]) -> str:
    if any(one.dropped for one in runs):
        return ALL_DROPPED
    return NO_RESULT if runs else NO_RUN


def numbers_of(all_panels: Sequence[Panel]) -> list[float]:
    """The numbers of all cells that have one."""
    cells = itertools.chain.from_iterable(row for panel in all_panels for row in panel.cells)
    return [cell.number for cell in cells if cell.number is not None]


def missing_cells(all_panels: Sequence[Panel]) -> list[str]:
    """The reasons for cells without a number that occur."""
    cells = itertools.chain.from_iterable(row for panel in all_panels for row in panel.cells)
    present = {cell.missing for cell in cells}
    return [reason for reason in (NO_RUN, NO_RESULT, ALL_DROPPED, NOT_REACHED) if reason in present]
