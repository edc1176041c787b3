"""Pictures of what was measured."""

from collections.abc import Sequence
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

from benchmarks.participants import PEERS
from benchmarks.results import OURS, Measurement
from benchmarks.tables import duration, three_digits
from benchmarks.work import PASSES, Shape

INK, OTHERS, FASTER = "#2f5d8a", "#8a8f98", "#c8641e"
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)


def relative_times(measurements: Sequence[Measurement]) -> Figure:
    """The time of each contestant relative to ours: a panel for each cell, pass and shape, a row a contestant.

    Where our layer was not measured there is nothing to relate to, and the panel stays empty.
    """
    kinds = list(dict.fromkeys((one.cell, one.which) for one in measurements))
    shapes = list(dict.fromkeys(one.shape for one in measurements))
    figure = Figure(figsize=(1.6 + 2.1 * len(shapes), 0.9 + 1.9 * len(kinds)), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(len(kinds), len(shapes), squeeze=False, sharex=True)
    for row, (cell, which) in enumerate(kinds):
        names = list(dict.fromkeys(one.peer for one in measurements if (one.cell, one.which) == (cell, which)))
        for column, shape in enumerate(shapes):
            group = [one for one in measurements if (one.cell, one.which, one.shape) == (cell, which, shape)]
            axes = grid[row, column]
            _relative_panel(axes, group, names)
            axes.set_yticks(range(len(names)), [PEERS[name].label for name in names] if column == 0 else [])
            if row == 0:
                axes.set_title(_wrapped(shape), fontsize=9)
        grid[row, 0].set_ylabel(f"{cell.upper()}\n{PASSES[which]}", fontsize=9, fontweight="bold")
    _common_scale(grid.flat, measurements)
    meaning = "time relative to lstm_jax, logarithmic (bars: quartiles; orange: faster than lstm_jax)"
    figure.supxlabel(meaning, fontsize=9)
    return figure


def _wrapped(shape: Shape) -> str:
    return f"B{shape.batch}  T{shape.time}\nD{shape.features}  H{shape.hidden}"


def _relative_panel(axes: Any, group: Sequence[Measurement], names: Sequence[str]) -> None:
    ours = next((one for one in group if one.peer == OURS and one.measured), None)
    axes.axvline(1, color=INK, linewidth=0.8, alpha=0.6)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0, labelsize=8)
    axes.tick_params(axis="x", labelsize=7)
    for one in group:
        place = names.index(one.peer)
        if ours is None or not one.measured:
            axes.text(1, place, "  not measured", fontsize=7, va="center", color=OTHERS)
            continue
        ratio = one.median / ours.median
        color = INK if one is ours else FASTER if ratio < 1 or one.disagrees else OTHERS
        axes.plot([edge / ours.median for edge in one.quartiles], [place, place], color=color, linewidth=3, alpha=0.5)
        axes.plot(ratio, place, "o", color=color, markersize=5)
        text = duration(ours.median) if one is ours else f"{three_digits(ratio)}×{' differs!' if one.disagrees else ''}"
        right = max(ratio, one.quartiles[1] / ours.median)
        axes.annotate(text, (right, place), (5, 0), textcoords="offset points", fontsize=8, va="center", color=color)


def _common_scale(panels: Any, measurements: Sequence[Measurement]) -> None:
    """One logarithmic axis for all panels, with room for the labels on the right."""
    ours = {(one.cell, one.which, one.shape): one.median for one in measurements if one.peer == OURS and one.measured}
    ratios = [
        one.median / ours[one.cell, one.which, one.shape]
        for one in measurements
        if one.measured and (one.cell, one.which, one.shape) in ours
    ]
    low, high = min([1.0, *ratios]), max([1.0, *ratios])
    for axes in panels:
        axes.set_xscale("log")
        axes.set_xlim(low / 1.3, high * (high / low) ** 0.55 * 1.6)
        axes.xaxis.set_major_locator(FixedLocator([tick for tick in TICKS if low / 1.3 <= tick <= high * 1.2]))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())
