"""Parallel coordinates: an axis for each setting and one for the error, a line for each run and seed."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lstm_jax.sweeps.figures import (
    FAINT,
    INK,
    PAPER,
    WIDTH,
    Picture,
    Sweep,
    add_title,
    legend_below,
    new_figure,
    styled,
)
from lstm_jax.sweeps.heat_maps import COLORMAP, seeds_of
from lstm_jax.sweeps.labels import labels_of
from lstm_jax.sweeps.scales import Scale, error_scale, setting_scale

NO_RESULT = -0.12
"""Where the lines of seeds without a result end, below the error axis."""

LIGHTEST = 0.85
"""The part of the colours that can be seen as thin lines on paper."""


def parallel_coordinates(sweep: Sweep) -> list[Picture]:
    """One picture, if at least two settings vary."""
    names = [name for name in sweep.varied if len({one.varied[name] for one in sweep.summaries}) > 1]
    return [_draw(sweep, names)] if len(names) > 1 else []


@styled
def _draw(sweep: Sweep, names: list[str]) -> Picture:
    caption = "A line for each run and seed; light ones have a small error."
    wide = max(WIDTH, 1.45 * (len(names) + 1))
    narrow = _figure(sweep, names, WIDTH) if wide > WIDTH else None  # on a phone the error's axis would not be seen
    figure = _figure(sweep, names, wide)
    return Picture("parallel_coordinates", caption, figure, narrow=narrow, title=_title(sweep))


def _title(sweep: Sweep) -> str:
    return f"Settings and error on {sweep.tested}, {seeds_of(sweep)}"


def _figure(sweep: Sweep, names: list[str], width: float) -> Figure:
    scales = [setting_scale([row.varied[name] for row in sweep.rows], name in sweep.drawn) for name in names]
    scales.append(error_scale(row.test_error for row in sweep.rows if row.test_error is not None))
    figure = new_figure(width, 3.6)
    axes = figure.add_subplot()
    lines = line_positions(sweep, names, scales)
    missing = [line for line, row in zip(lines, sweep.rows, strict=True) if row.test_error is None]
    known = sorted((line for line in lines if line[-1] != NO_RESULT), key=lambda line: -line[-1])  # the best on top
    places = np.arange(float(len(scales)))
    for own, look in (
        (missing, {"colors": FAINT, "linestyles": "--"}),
        (known, {"colors": [COLORMAP(LIGHTEST * (1 - line[-1])) for line in known]}),
    ):
        axes.add_collection(LineCollection([np.column_stack([places, line]) for line in own], linewidths=1, **look))
    for place, scale in enumerate(scales):
        _draw_axis(axes, place, scale)
    axes.set_xlim(-0.1, len(scales) - 0.5)
    axes.set_ylim(NO_RESULT - 0.04 if missing else -0.04, 1.03)
    turned = 30 if width < 1.2 * len(scales) else 0
    axes.set_xticks(places, [*labels_of(names).values(), "error"], rotation=turned, ha="right" if turned else "center")
    axes.tick_params(length=0)
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    if missing:
        legend_below(figure, [Line2D([], [], color=FAINT, linestyle="--", linewidth=1, label="no result")])
    add_title(figure, _title(sweep))
    return figure


def line_positions(sweep: Sweep, names: list[str], scales: list[Scale]) -> list[list[float]]:
    """The height (0..1) of each row's line at each axis; lines that meet in a word are spread around it."""
    spread = [0.4 / len(scale.ticks) if scale.ordinal else 0.0 for scale in scales]
    lines = []
    for number, row in enumerate(sweep.rows):
        shift = (number + 0.5) / len(sweep.rows) - 0.5
        heights = [scale.position(row.varied[name]) for name, scale in zip(names, scales, strict=False)]
        end = NO_RESULT if row.test_error is None else scales[-1].position(row.test_error)
        lines.append([height + shift * room for height, room in zip(heights, spread, strict=False)] + [end])
    return lines


def _draw_axis(axes: Axes, place: int, scale: Scale) -> None:
    axes.plot((place, place), (0, 1), color=INK, linewidth=0.9)
    for height, label in scale.ticks:
        axes.plot((place, place + 0.03), (height, height), color=INK, linewidth=0.9)
        axes.text(
            place + 0.05,
            height,
            label,
            va="center",
            fontsize=8,
            bbox={"facecolor": PAPER, "edgecolor": "none", "alpha": 0.75, "pad": 0.8},
        )
