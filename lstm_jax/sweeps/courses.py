"""Learning curves: the median over seeds and their range, a line a setting."""

import functools
import itertools
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from lstm_jax.settings import Value
from lstm_jax.sweeps.baselines import baseline_handles, baselines_of, draw_baseline, prepare_error_axis
from lstm_jax.sweeps.collect import Curve
from lstm_jax.sweeps.figures import (
    COLORS,
    FAINT,
    WIDTH,
    Picture,
    Sweep,
    add_title,
    legend_below,
    new_figure,
    styled,
    wrapped,
)
from lstm_jax.sweeps.heat_maps import seeds_of
from lstm_jax.sweeps.labels import describe
from lstm_jax.sweeps.scales import Scale, error_scale
from lstm_jax.sweeps.table import Summary

type Band = list[tuple[int, float, float, float]]
"""(updates, lowest, median, highest error), in the order of updates."""

MOST_LINES, MOST_PANELS = 8, 12

HEIGHT = 2.2
"""Inches of a panel."""

DASHES: Any = ("-", "--", "-.", (0, (5, 1, 1, 1, 1, 1)))
"""Beside the colours, so that lines differ in print as well."""


def panel_settings(sweep: Sweep) -> tuple[str, ...]:
    """The settings that are shown in panels of their own, so that no panel has too many lines; none if not needed."""
    runs = [one.varied for one in sweep.summaries]
    if len(runs) <= MOST_LINES:
        return ()
    for count in range(1, len(sweep.varied)):
        for names in itertools.combinations(sweep.varied, count):
            panels = {tuple(varied[name] for name in names) for varied in runs}
            lines = {tuple(varied[name] for name in sweep.varied if name not in names) for varied in runs}
            if len(lines) <= MOST_LINES and len(panels) <= MOST_PANELS:
                return names
    return ()


def band(curves: Sequence[Curve]) -> Band:
    """The median and range over the seeds that were evaluated after the same updates."""
    by_step: dict[int, list[float]] = {}
    for step, error in itertools.chain.from_iterable(curves):
        if math.isfinite(error):
            by_step.setdefault(step, []).append(error)
    return [(step, min(own), statistics.median(own), max(own)) for step, own in sorted(by_step.items())]


def bands_of(sweep: Sweep) -> dict[str, Band]:
    """What is drawn of each run."""
    return {one.run: band(list(sweep.curves.get(one.run, {}).values())) for one in sweep.summaries}


def why_no_curves(sweep: Sweep) -> str | None:
    """Why there are no learning curves, and what makes them; None if there are some, or nothing was evaluated."""
    if max(map(len, bands_of(sweep).values()), default=0) != 1:
        return None
    updates = max(int(row.settings["num_steps"]) for row in sweep.rows)
    return (
        "There are no learning curves: each run was evaluated once. "
        f"--set eval_every={max(1, updates // 10)}, with another --workdir, evaluates more often."
    )


@styled
def learning_curves(sweep: Sweep) -> list[Picture]:
    """The error on what is tested by updates; no picture if no run was evaluated more than once."""
    bands = bands_of(sweep)
    apart = panel_settings(sweep)
    panels: dict[tuple[Value, ...], list[Summary]] = {}
    for one in sweep.summaries:
        if bands[one.run]:
            panels.setdefault(tuple(one.varied[name] for name in apart), []).append(one)
    if max(map(len, bands.values()), default=0) < 2:
        return []
    draw = functools.partial(_draw, sweep, panels, bands, apart)
    narrow = draw(1) if len(panels) > 1 else None
    caption, figure = _caption(max(map(len, panels.values()))), draw(min(len(panels), 2))
    return [Picture("learning_curves", caption, figure, narrow=narrow, title=_title(sweep))]


def _draw(
    sweep: Sweep,
    panels: Mapping[tuple[Value, ...], list[Summary]],
    bands: Mapping[str, Band],
    apart: Sequence[str],
    wide: int,
) -> Figure:
    """All panels, so many beside one another, and a legend for all of them."""
    baselines = {key: baselines_of(sweep, [one.run for one in own]) for key, own in panels.items()}
    drawn = list(itertools.chain.from_iterable(baselines.values()))
    errors = [error for own in bands.values() for _, *three in own for error in three]
    scale = error_scale([*errors, sweep.threshold, *(one.error for one in drawn)])
    high = math.ceil(len(panels) / wide)
    figure = new_figure(WIDTH if wide == 1 else 6.8, 2.9 if len(panels) == 1 else HEIGHT * high)
    last = max(own[-1][0] for own in bands.values() if own)
    looks: dict[str, Line2D] = {}
    for place, (key, own) in enumerate(panels.items()):
        axes = figure.add_subplot(high, wide, place + 1)
        title = describe(dict(zip(apart, key, strict=True)), sweep.labels)
        axes.set_title(wrapped(title, 0.7 * figure.get_figwidth() / wide))
        _prepare_axes(axes, scale, sweep, last)
        if place % wide == 0:
            axes.set_ylabel(wrapped(f"error on {sweep.tested}", HEIGHT))
        for baseline in baselines[key]:
            draw_baseline(axes, sweep, baseline, scale.position(baseline.error), (0, last))
        _draw_lines(axes, scale, sweep, own, bands, apart, looks)
    others = [looks.pop("")] if "" in looks else []
    legend_below(figure, [*looks.values(), *others, *baseline_handles(sweep, drawn)])
    add_title(figure, _title(sweep))
    return figure


def _prepare_axes(axes: Axes, scale: Scale, sweep: Sweep, last: int) -> None:
    prepare_error_axis(axes, scale, sweep)
    axes.set_xlim(0, last * 1.02)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel("updates")


def _draw_lines(
    axes: Axes,
    scale: Scale,
    sweep: Sweep,
    runs: list[Summary],
    bands: Mapping[str, Band],
    apart: Sequence[str],
    looks: dict[str, Line2D],
) -> None:
    """Lines with the same label look alike in all panels; of too many, the best are coloured, the others grey."""
    best = best_runs(bands, [one.run for one in runs])
    for one in runs:
        steps, *errors = zip(*bands[one.run], strict=True)
        alone = "o" if len(steps) == 1 else None  # a line through a single evaluation would not be seen
        low, median, high = ([scale.position(error) for error in own] for own in errors)
        if one.run not in best:
            looks.setdefault("", Line2D([], [], color=FAINT, linewidth=0.6, label="all others"))
            axes.plot(steps, median, color=FAINT, linewidth=0.6, alpha=0.6, zorder=1.7, marker=alone, markersize=3)
            continue
        inside = {name: value for name, value in one.varied.items() if name not in apart}
        label = describe(inside, sweep.labels) or "median of seeds"
        place = len(looks.keys() - {""})
        color, dashes = COLORS[place % len(COLORS)], DASHES[place % len(DASHES)]
        look = looks.setdefault(label, Line2D([], [], color=color, linestyle=dashes, linewidth=1.6, label=label))
        axes.fill_between(steps, low, high, color=look.get_color(), alpha=0.15, linewidth=0)
        axes.plot(steps, median, color=look.get_color(), linestyle=look.get_linestyle(), linewidth=1.6, marker=alone)


def best_runs(bands: Mapping[str, Band], runs: Iterable[str]) -> set[str]:
    """Those few runs that came furthest, and of these the ones that ended with the smallest error."""

    def badness(run: str) -> tuple[int, float]:
        step, _, median, _ = bands[run][-1]
        return -step, median

    return set(sorted(runs, key=badness)[:MOST_LINES])


def _title(sweep: Sweep) -> str:
    return f"Learning curves: error on {sweep.tested}, {seeds_of(sweep)}"


def _caption(most: int) -> str:
    best = f" The {MOST_LINES} best settings in colour, all others in grey." if most > MOST_LINES else ""
    return f"Median over seeds (line) and their range (band).{best}"
