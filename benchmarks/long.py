"""One long sequence: time a symbol and peak memory, all states kept beside segments that are computed anew."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from matplotlib.ticker import FixedLocator, NullLocator

from benchmarks.curves import Point
from benchmarks.plots import INK, OTHERS
from benchmarks.tables import NOT_MEASURED, Rows, as_markdown, duration, three_digits

AIM_HIDDEN, AIM_LENGTHS = 64, (10_000, 1_000_000)
AIM_RATIO, AIM_BYTES = 1.5, 3 * 2**30
"""What is promised, with segments computed anew, of one sequence and so many hidden units: the longer of two lengths
takes at most so many times the time a symbol of the shorter, and the whole process fewer than so many bytes."""


@dataclasses.dataclass
class Run:
    """One way through sequences of growing length; the bytes of its points are the peak of the whole process."""

    remat: int
    base: dict[str, int]
    points: list[Point] = dataclasses.field(default_factory=list)

    @property
    def label(self) -> str:
        """What is kept for the backward pass."""
        return f"segments of {self.remat:,} computed anew" if self.remat else "all kept"

    def at(self, length: int) -> Point | None:
        """The point of that length, if it was measured."""
        return next((point for point in self.points if point.size == length), None)

    def record(self) -> dict[str, Any]:
        """The run for a JSON file."""
        points = [{**dataclasses.asdict(point), "median": point.median} for point in self.points]
        return {"remat": self.remat, "base": self.base, "points": points}


def seconds_a_symbol(point: Point) -> float:
    """The median over all repetitions."""
    return point.median / point.size


def reference(runs: Sequence[Run], length: int) -> float | None:
    """Seconds a symbol of that length, in whatever way it is faster: what a longer sequence is compared with."""
    found = [point for run in runs if (point := run.at(length))]
    return min(map(seconds_a_symbol, found)) if found else None


def title(runs: Sequence[Run]) -> str:
    """What was computed."""
    return f"long sequences (B1 D{runs[0].base['features']} H{runs[0].base['hidden']})"


def table(runs: Sequence[Run]) -> Rows:
    """A row for each length and way; `× shortest` relates to a symbol of the shortest length."""
    rows = [["length T", "kept", "time", "a symbol", "× shortest", "peak memory"]]
    lengths = sorted({point.size for run in runs for point in run.points})
    for length in lengths:
        shortest = reference(runs, lengths[0])
        for run in runs:
            point = run.at(length)
            if point is None or shortest is None:
                rows.append([f"{length:,}", run.label, *[NOT_MEASURED] * 4])
                continue
            each = seconds_a_symbol(point)
            memory = f"{point.bytes / 2**20:,.0f} MiB"
            numbers = [duration(point.median), duration(each), three_digits(each / shortest), memory]
            rows.append([f"{length:,}", run.label, *numbers])
    return rows


def verdict(runs: Sequence[Run]) -> str:
    """What is promised beside what was measured; empty where something else was measured."""
    short, long = AIM_LENGTHS
    shortest = reference(runs, short)
    point = next((point for run in runs if run.remat and (point := run.at(long))), None)
    if point is None or shortest is None or runs[0].base["hidden"] != AIM_HIDDEN:
        return ""
    ratio = seconds_a_symbol(point) / shortest
    reached = "reached" if ratio <= AIM_RATIO and point.bytes < AIM_BYTES else "NOT reached"
    return (
        f"T = {long:,} with segments computed anew: {three_digits(ratio)} times the time a symbol of T = {short:,} "
        f"(aim: at most {AIM_RATIO}), {point.bytes / 2**20:,.0f} MiB for the whole process "
        f"(aim: less than {AIM_BYTES / 2**20:,.0f} MiB): {reached}"
    )


def markdown(runs: Sequence[Run]) -> str:
    """The part of the document."""
    return "\n\n".join(["## Long sequences", INTRODUCTION, as_markdown(table(runs)), verdict(runs)]).rstrip() + "\n"


INTRODUCTION = """Loss and gradient of a single sequence, B1 D1 H64; the loss is the mean square of every output, so
that nothing may be forgotten. `segments computed anew` is the layer's `remat`. Here the memory is the peak of the whole
process, Python and the compiler included. `× shortest` compares the time a symbol with that of the shortest length, in
whatever way this is faster."""


def draw(above: Any, below: Any, runs: Sequence[Run]) -> None:
    """Fills two panels: time a symbol above, peak memory below, what is promised as a dashed line."""
    aims: list[float] = []
    if verdict(runs):
        aims = [1e6 * AIM_RATIO * (reference(runs, AIM_LENGTHS[0]) or 0), AIM_BYTES / 2**20]
    for run in runs:
        color = INK if run.remat else OTHERS
        sizes = [point.size for point in run.points]
        times = [1e6 * seconds_a_symbol(point) for point in run.points]
        above.plot(sizes, times, "o-", color=color, markersize=4, linewidth=1.4, label=run.label)
        below.plot(sizes, [point.bytes / 2**20 for point in run.points], "o-", color=color, markersize=4, linewidth=1.4)
    for axes, aim in zip((above, below), aims, strict=False):
        axes.axhline(aim, linestyle="--", color=INK, linewidth=1)
        axes.annotate("aim", (AIM_LENGTHS[0], aim), (0, 3), textcoords="offset points", fontsize=7, color=INK)
    for axes in (above, below):
        axes.set_xscale("log")
        axes.set_ylim(0, axes.get_ylim()[1] * 1.15)
        axes.xaxis.set_major_locator(FixedLocator(sorted({point.size for run in runs for point in run.points})))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(lambda size, _: f"{size:,.0f}")
        axes.tick_params(labelsize=7)
        axes.spines[["top", "right"]].set_visible(False)
    above.set_title(title(runs).partition("(")[2].rstrip(")"), fontsize=8, color=OTHERS)
    above.set_ylabel("time a symbol, µs", fontsize=9)
    above.legend(fontsize=7, frameon=False, loc="lower left")
    below.set_ylabel("peak of the process, MiB", fontsize=9)
    below.set_xlabel("length T", fontsize=9)
