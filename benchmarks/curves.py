"""Curves of time and memory over a size: as numbers, as tables, as pictures."""

import dataclasses
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, LogLocator, NullLocator

from benchmarks.plots import INK, OTHERS
from benchmarks.record import preface
from benchmarks.tables import Rows, as_markdown, duration, three_digits

AXES = {"time": "length T", "hidden": "hidden units H", "batch": "batch B", "members": "members of a population"}


@dataclasses.dataclass
class Point:
    """What one size costs: seconds of each repetition, and bytes beyond those of an idle process."""

    size: int
    seconds: list[float]
    bytes: int

    @property
    def median(self) -> float:
        """Seconds of a forward and backward pass, or of an update of the whole population."""
        return statistics.median(self.seconds)


@dataclasses.dataclass
class Curve:
    """The points of one axis, from small to large."""

    axis: str
    base: dict[str, int]
    points: list[Point] = dataclasses.field(default_factory=list)

    @property
    def title(self) -> str:
        """Which size grows, and the sizes that do not."""
        letters = {"batch": "B", "time": "T", "features": "D", "hidden": "H"}
        others = " ".join(f"{letters[name]}{size}" for name, size in self.base.items() if name != self.axis)
        return f"{AXES[self.axis]} ({others})"

    def ideal(self, size: int) -> float:
        """How many times the work of one unit is: proportional, but H · (H + D) for H."""
        return size * (size + self.base["features"]) if self.axis == "hidden" else size

    def ideal_from_largest(self, values: Sequence[float]) -> list[float]:
        """What every point would cost if all were as cheap, for their work, as the largest."""
        last = self.points[-1].size
        return [values[-1] * self.ideal(point.size) / self.ideal(last) for point in self.points]

    def ideal_memory(self, values: Sequence[float]) -> list[float]:
        """What every point would take if memory grew in proportion from the smallest point, the compiler's, on."""
        first, last = self.points[0].size, self.points[-1].size
        slope = (values[-1] - values[0]) / max(last - first, 1)
        return [values[0] + slope * (point.size - first) for point in self.points]

    def table(self) -> Rows:
        """A row a point; `× ideal` is the time as a multiple of what the largest point promises."""
        rows = [[AXES[self.axis], "time", "× ideal", "memory"]]
        times = [point.median for point in self.points]
        for point, ideal in zip(self.points, self.ideal_from_largest(times), strict=True):
            ratio = three_digits(point.median / ideal)
            rows.append([f"{point.size:,}", duration(point.median), ratio, f"{point.bytes / 2**20:,.0f} MiB"])
        return rows

    def record(self) -> dict[str, Any]:
        """The curve for a JSON file."""
        points = [{**dataclasses.asdict(point), "median": point.median} for point in self.points]
        return {"axis": self.axis, "base": self.base, "points": points}


def base_of(axis: str, base: dict[str, int]) -> dict[str, int]:
    """The sizes that stay; those of a population are its task's: 20 bits, one feature."""
    return {**base, "time": 20, "features": 1} if axis == "members" else base


def describe(content: Mapping[str, Any]) -> list[str]:
    """The conditions in a few lines."""
    host, chosen = content["machine"], content["settings"]
    versions = ", ".join(f"{package} {version}" for package, version in host["versions"].items())
    accelerators = "".join(f", {device}" for device in host["devices"] if device != "cpu")
    return [
        f"Machine: {host['cores']} cores of {host['processor']}{accelerators}",
        f"Conditions: {content['platform']}, {chosen['cell']}, float32, {chosen['repetitions']} repetitions",
        f"Memory: the peak of the process beyond the {content['idle_bytes'] / 2**20:,.0f} MiB of an idle one",
        f"Versions: {versions}",
        f"Measured on {content['date']} with: {content['command']}",
    ]


def markdown(content: Mapping[str, Any], found: Sequence[Curve], plot: str) -> str:
    """The results as a document; `plot` is the picture's file relative to it, empty if there is none."""
    picture = f"![Time and memory over length, width, batch and members]({plot})" if plot else ""
    parts = preface("How the cost of the layer grows", INTRODUCTION, content["platform"], describe(content), picture)
    for curve in found:
        parts.extend([f"**{curve.title}**", as_markdown(curve.table())])
    return "\n\n".join(parts) + "\n"


INTRODUCTION = """Time of loss and gradient of one layer (of one update of all members, for a population that learns to
count bits), and peak memory. One size grows, the others stay. `× ideal` compares with a time proportional to the work
(the square of H, nearly) that goes through the largest point: above 1, a small size pays for more than its work. Each
point is a process of its own; most of the memory of small sizes is the compiler's."""


def draw(found: Sequence[Curve], another: Callable[[Any, Any], None] | None = None) -> Figure:
    """Two panels a curve, time above and memory below, with the ideal as a dashed line; `another` fills two more."""
    columns = len(found) + bool(another)
    figure = Figure(figsize=(3.0 * columns + 0.6, 5.4), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(2, columns, squeeze=False, sharex="col")
    for column, curve in enumerate(found):
        if not curve.points:
            continue
        times = [1e3 * point.median for point in curve.points]
        memory = [max(point.bytes / 2**20, 1) for point in curve.points]
        power = "as H (H + D)" if curve.axis == "hidden" else "proportional"
        _panel(grid[0, column], curve, times, curve.ideal_from_largest(times), power)
        _panel(grid[1, column], curve, memory, curve.ideal_memory(memory), "compiler + proportional")
        spread = [[1e3 * edge(point.seconds) for point in curve.points] for edge in (min, max)]
        grid[0, column].fill_between([point.size for point in curve.points], *spread, color=INK, alpha=0.2, linewidth=0)
        others = curve.title.partition("(")[2].rstrip(")")
        grid[0, column].set_title(others, fontsize=8, color=OTHERS)
        grid[1, column].set_xlabel(AXES[curve.axis], fontsize=9)
    if found:
        grid[0, 0].set_ylabel("time, ms", fontsize=9)
        grid[1, 0].set_ylabel("peak memory, MiB", fontsize=9)
    if another:
        another(*grid[:, -1])
    return figure


def _panel(axes: Any, curve: Curve, values: Sequence[float], ideal: Sequence[float], meaning: str) -> None:
    sizes = [point.size for point in curve.points]
    axes.plot(sizes, ideal, "--", color=OTHERS, linewidth=1)
    axes.plot(sizes, values, "o-", color=INK, markersize=4, linewidth=1.4)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.xaxis.set_major_locator(FixedLocator(sizes))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(lambda size, _: f"{size:g}" if size < 10_000 else f"{size / 1000:.0f}k")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    low, high = min(*values, *ideal), max(*values, *ideal)
    axes.set_ylim(low / 2.5, high * 1.3)  # room for the words below the line
    axes.tick_params(labelsize=7)
    axes.spines[["top", "right"]].set_visible(False)
    start = sizes[0], min(values[0], ideal[0])
    axes.annotate(meaning, start, (0, -11), textcoords="offset points", fontsize=7, color=OTHERS)
