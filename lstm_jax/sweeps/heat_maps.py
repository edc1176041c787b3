"""Heat maps over two settings, with the numbers written into the cells."""

import math
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lstm_jax.sweeps.figures import (
    FAINT,
    LETTER,
    PAPER,
    WIDTH,
    Picture,
    Sweep,
    add_title,
    hatched,
    legend_below,
    new_figure,
    percent,
    styled,
    wrapped,
)
from lstm_jax.sweeps.heat_cells import (
    ALL_DROPPED,
    ERROR,
    MEASURES,
    NO_RESULT,
    NO_RUN,
    NOT_REACHED,
    STEPS,
    SUCCESS,
    Cell,
    Measure,
    Panel,
    axes_of_heat_map,
    missing_cells,
    numbers_of,
    other_settings,
    panels,
    values_of,
)

HATCHES = {NO_RUN: "//", NO_RESULT: "xxx", ALL_DROPPED: "--", NOT_REACHED: ".."}

COLORMAP = matplotlib.colormaps["cividis"]
"""Made for all kinds of colour vision (Nuñez et al. 2018, doi:10.1371/journal.pone.0199239); light is good."""

SHADES = 48
"""Of the colours' bar; of more than 50 Matplotlib makes an image."""


def heat_maps(sweep: Sweep) -> list[Picture]:
    """A picture for each measure, if there are two settings with few values; none of a measure without any number."""
    names = axes_of_heat_map(sweep)
    parts = {measure: panels(sweep, measure, names) for measure in MEASURES} if names else {}
    known = {measure: own for measure, own in parts.items() if numbers_of(own)}
    return [heat_map(sweep, measure, names, own, STEPS in known) for measure, own in known.items() if names]


@styled
def heat_map(sweep: Sweep, measure: Measure, names: tuple[str, str], parts: list[Panel], solved: bool) -> Picture:
    """One measure over two settings: a panel for each combination of the others.

    Args:
        sweep: all runs.
        measure: what is shown.
        names: the settings of its rows and columns.
        parts: the panels.
        solved: whether there is another picture of the updates until it was solved.
    """
    rows, columns = (list(sweep.labels[name].values()) for name in names)
    wide = 1 if len(parts) <= 3 else 2
    high = math.ceil(len(parts) / wide)
    beside = max(1.2, 0.6 + LETTER * max(map(len, rows)))
    figure = new_figure(wide * max(WIDTH, beside + 0.66 * len(columns)), high * (0.9 + 0.5 * len(rows)))
    titles = {}
    for place, panel in enumerate(parts):
        axes = figure.add_subplot(high, wide, place + 1)
        _draw_frame(axes, wrapped(panel.label, 0.7 * figure.get_figwidth() / wide), sweep, names)
        for row, cells in enumerate(panel.cells):
            for column, cell in enumerate(cells):
                gid = f"{measure.name}-{place}-{row}-{column}"
                titles[gid] = cell.title
                _draw_cell(axes, cell, (column, row), gid)
    _draw_scale(figure, measure, numbers_of(parts))
    legend_below(figure, [hatched(reason, HATCHES[reason]) for reason in missing_cells(parts)])
    title = _title(sweep, measure, names)
    add_title(figure, title)
    return Picture(f"heat_{measure.name}", _caption(measure, names, solved), figure, titles, title=title)


def _draw_frame(axes: Axes, title: str, sweep: Sweep, names: tuple[str, str]) -> None:
    rows, columns = ([sweep.labels[name][value] for value in values_of(sweep, name)] for name in names)
    axes.set(xlim=(0, len(columns)), ylim=(0, len(rows)), xlabel=names[1], ylabel=names[0], title=title)
    turned = 30 if max(map(len, columns)) > 7 else 0
    axes.set_xticks(np.arange(len(columns)) + 0.5, columns, rotation=turned, ha="right" if turned else "center")
    axes.set_yticks(np.arange(len(rows)) + 0.5, rows)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _draw_cell(axes: Axes, cell: Cell, corner: tuple[int, int], gid: str) -> None:
    """The corner is the lower left one, in cells."""
    if cell.goodness is None:
        inside, hatch = (corner[0] + 0.02, corner[1] + 0.02), HATCHES[cell.missing or NO_RUN]
        axes.add_patch(Rectangle(inside, 0.96, 0.96, fc="none", ec=FAINT, hatch=hatch, linewidth=0.6, gid=gid))
        return
    color = COLORMAP(min(max(cell.goodness, 0.0), 1.0))
    axes.add_patch(Rectangle(corner, 1, 1, facecolor=color, edgecolor=PAPER, linewidth=1.5, gid=gid))
    light = float(np.dot(color[:3], (0.299, 0.587, 0.114)))
    x, y = corner[0] + 0.5, corner[1] + 0.5
    axes.text(x, y, cell.text, ha="center", va="center", color="black" if light > 0.5 else "white", fontsize=8.5)


def _draw_scale(figure: Figure, measure: Measure, numbers: Sequence[float]) -> None:
    """A bar below all panels with the numbers that its colours stand for; none for a single number."""
    colors, scale, inches = COLORMAP.resampled(SHADES), measure.scale(numbers), 0.6 * figure.get_figwidth()
    if len(scale.ticks) == 1:
        return
    shown = ScalarMappable(Normalize(0, 1), colors.reversed() if measure.small_is_good else colors)
    figure.set_figheight(figure.get_figheight() + 0.4)
    bar = figure.colorbar(shown, ax=figure.axes, location="bottom", shrink=0.75, aspect=inches / 0.075)
    ticks = [(place, label) for place, label in scale.ticks if -1e-9 <= place <= 1 + 1e-9]
    crowded = LETTER * sum(len(label) + 1 for _, label in ticks) > inches
    places, labels = zip(*ticks[:: 2 if crowded else 1], strict=True)
    bar.set_ticks(places, labels=labels, fontsize=9)
    bar.ax.tick_params(length=2)
    bar.outline.set_visible(False)
    assert bar.solids is not None
    bar.solids.set_edgecolor("face")  # no paper between its shades


def _title(sweep: Sweep, measure: Measure, names: tuple[str, str]) -> str:
    """What is measured, over how many seeds."""
    words, (_, averaged) = measure.words(sweep), other_settings(sweep, names)
    solved = "" if measure is ERROR else f" (error ≤ {percent(sweep.threshold)})"
    over = f", averaged over {', '.join(averaged)}" if averaged else ""
    return f"{words[0].upper()}{words[1:]}{solved}, {seeds_of(sweep)}{over}"


def seeds_of(sweep: Sweep) -> str:
    """How many seeds its settings have, in words."""
    counts = sorted({one.seeds for one in sweep.summaries})
    if len(counts) > 1:
        return f"{counts[0]} to {counts[-1]} seeds"
    return "one seed" if counts == [1] else f"{counts[0]} seeds"


def _caption(measure: Measure, names: tuple[str, str], solved: bool) -> str:
    axes = f"By {names[0]} and {names[1]}; light is good."
    partial = "Where not all seeds have a result, a second line says how many."
    if measure is not SUCCESS or solved:
        return f"{axes} {partial}"
    return f"{axes} {partial} Nowhere did more than half of the seeds solve it: no updates until then can be shown."
