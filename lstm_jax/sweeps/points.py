"""The error of every run and seed over one setting."""

import statistics

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from lstm_jax.settings import Value
from lstm_jax.sweeps.baselines import baseline_handles, baselines_of, draw_baseline, prepare_error_axis
from lstm_jax.sweeps.figures import COLORS, WIDTH, Picture, Sweep, add_title, legend_below, new_figure, styled, wrapped
from lstm_jax.sweeps.heat_cells import axes_of_heat_map
from lstm_jax.sweeps.heat_maps import seeds_of
from lstm_jax.sweeps.scales import Scale, error_scale, setting_scale

ABOVE = 1.12
"""Where seeds without a result are marked, above the error axis."""


def error_by_setting(sweep: Sweep) -> list[Picture]:
    """A picture for each setting that varies and is not an axis of the heat maps."""
    shown = axes_of_heat_map(sweep) or ()
    values = {name: {one.varied[name] for one in sweep.summaries} for name in sweep.varied}
    return [points(sweep, name) for name in sweep.varied if name not in shown and len(values[name]) > 1]


@styled
def points(sweep: Sweep, name: str) -> Picture:
    """Errors over one setting: a point each, and a line through the medians where several runs have the same value."""
    errors = [row.test_error for row in sweep.rows if row.test_error is not None]
    drawn = baselines_of(sweep, [one.run for one in sweep.summaries])
    across = setting_scale([row.varied[name] for row in sweep.rows], name in sweep.drawn)
    up = error_scale([*errors, sweep.threshold, *(one.error for one in drawn)])
    figure = new_figure(WIDTH, 3.0)
    axes = figure.add_subplot()
    prepare_error_axis(axes, up, sweep)
    axes.set(xlim=(-0.02, 1.02), xlabel=name, ylabel=wrapped(f"error on {sweep.tested}", 2.2))
    turned = 30 if max(len(label) for _, label in across.ticks) * len(across.ticks) > 44 else 0
    places, labels = zip(*across.ticks, strict=True)
    axes.set_xticks(places, labels, rotation=turned, ha="right" if turned else "center")
    for one in drawn:
        middle, half = 0.5, 1.0
        if name in one.settings:
            middle, half = across.position(one.settings[name]), 0.45 / len(across.ticks) if across.ordinal else 0.02
        draw_baseline(axes, sweep, one, up.position(one.error), (middle - half, middle + half))
    handles = _draw_points(axes, sweep, name, across, up)
    legend_below(figure, [*handles, *baseline_handles(sweep, drawn)])
    title = f"Error on {sweep.tested} by {name}, {seeds_of(sweep)}"
    add_title(figure, title)
    return Picture(f"error_by_{name}", _caption(sweep, across), figure, title=title)


def _caption(sweep: Sweep, across: Scale) -> str:
    beside = " Those of one value lie side by side." if across.ordinal and len(sweep.rows) > len(across.ticks) else ""
    mixed = " Runs that differ in other settings are mixed." if len(sweep.varied) > 1 else ""
    return f"A point for each run and seed.{beside}{mixed}"


def _draw_points(axes: Axes, sweep: Sweep, name: str, across: Scale, up: Scale) -> list[Line2D]:
    """Seeds of one value side by side; returns what explains them."""
    by_value: dict[Value, list[float | None]] = {}
    for row in sweep.rows:
        by_value.setdefault(row.varied[name], []).append(row.test_error)
    median: list[tuple[float, float]] = []
    for value, errors in by_value.items():
        room = 0.25 / len(across.ticks) if across.ordinal else 0.0
        for place, error in enumerate(errors):
            x = across.position(value) + room * ((place + 0.5) / len(errors) - 0.5)
            if error is None:
                axes.plot(x, ABOVE, "x", color=COLORS[1], markersize=5, clip_on=False)
            else:
                axes.plot(x, up.position(error), "o", color=COLORS[0], markersize=4.5, alpha=0.6, markeredgewidth=0)
        known = [error for error in errors if error is not None]
        if known:
            median.append((across.position(value), up.position(statistics.median(known))))
    handles = [Line2D([], [], color=COLORS[0], marker="o", markersize=4.5, linestyle="", label="one seed")]
    if median and across.ordinal and len(sweep.rows) > len(by_value):
        median.sort()
        axes.plot([x for x, _ in median], [y for _, y in median], color=COLORS[0], linewidth=1.2)
        handles.append(Line2D([], [], color=COLORS[0], linewidth=1.2, label="median"))
    if any(row.test_error is None for row in sweep.rows):
        axes.set_ylim(top=ABOVE + 0.05)
        handles.append(Line2D([], [], color=COLORS[1], marker="x", linestyle="", markersize=5, label="no result"))
    return handles
