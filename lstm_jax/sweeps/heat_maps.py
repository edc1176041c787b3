"""Heat maps over two settings, with the numbers written into the cells."""

import math

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from lstm_jax.sweeps.figures import (
    FAINT,
    PAPER,
    WIDTH,
    Picture,
    Sweep,
    hatched,
    legend_below,
    new_figure,
    percent,
    styled,
    wrapped,
)
from lstm_jax.sweeps.heat_cells import (
    ALL_DROPPED,
    MEASURES,
    NO_RESULT,
    NO_RUN,
    NOT_REACHED,
    Cell,
    Measure,
    axes_of_heat_map,
    missing_cells,
    other_settings,
    panels,
    values_of,
)

HATCHES = {NO_RUN: "//", NO_RESULT: "xxx", ALL_DROPPED: "--", NOT_REACHED: ".."}

COLORMAP = matplotlib.colormaps["cividis"]
"""Made for all kinds of colour vision (Nuñez et al. 2018, doi:10.1371/journal.pone.0199239); light is good."""


def heat_maps(sweep: Sweep) -> list[Picture]:
    """A picture for each measure, if there are two settings with few values."""
    axes = axes_of_heat_map(sweep)
    return [heat_map(sweep, measure, axes) for measure in MEASURES] if axes else []


@styled
def heat_map(sweep: Sweep, measure: Measure, names: tuple[str, str]) -> Picture:
    """One measure over two settings: a panel for each combination of the others.

    Args:
        sweep: all runs.
        measure: what is shown.
        names: the settings of its rows and columns.
    """
    rows, columns = (values_of(sweep, name) for name in names)
    parts = panels(sweep, measure, names)
    wide = 1 if len(parts) <= 3 else 2
    high = math.ceil(len(parts) / wide)
    figure = new_figure(wide * max(WIDTH, 1.2 + 0.66 * len(columns)), high * (0.9 + 0.5 * len(rows)))
    titles = {}
    for place, panel in enumerate(parts):
        axes = figure.add_subplot(high, wide, place + 1)
        _draw_frame(axes, wrapped(panel.label, 0.7 * figure.get_figwidth() / wide), sweep, names)
        for row, cells in enumerate(panel.cells):
            for column, cell in enumerate(cells):
                gid = f"{measure.name}-{place}-{row}-{column}"
                titles[gid] = cell.title
                _draw_cell(axes, cell, (column, row), gid)
    legend_below(figure, [hatched(reason, HATCHES[reason]) for reason in missing_cells(parts)])
    return Picture(f"heat_{measure.name}", _caption(sweep, measure, names), figure, titles)


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


def _caption(sweep: Sweep, measure: Measure, names: tuple[str, str]) -> str:
    _, averaged = other_settings(sweep, names)
    solved = f" Solved: an error of at most {percent(sweep.threshold)}." if measure.name != "error" else ""
    over = f" Averaged over {', '.join(averaged)}." if averaged else ""
    words = measure.words(sweep)
    title = f"{words[0].upper()}{words[1:]}, by {names[0]} and {names[1]}."
    return f"{title}{solved}{over} Light is good. Where not all seeds have a result, a second line says how many."
