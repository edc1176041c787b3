"""Learning curves of our seeds with the published figures on them: a panel an experiment."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from lstm_jax.sweeps.courses import band
from lstm_jax.sweeps.figures import COLORS, FAINT, INK, Picture, legend_below, new_figure, percent, styled
from scripts.reproduction.cases import Case
from scripts.reproduction.runs import Outcome

PANEL = 3.4
"""Inches of a panel."""

MARKS = "osD^"


@styled
def learning_curves(outcomes: Sequence[Outcome]) -> Picture:
    """The share of wrong answers by updates: median and range of the seeds, and what was published."""
    panels: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        panels.setdefault(outcome.case.experiment, []).append(outcome)
    figure = new_figure(PANEL * len(panels), 3.0)
    handles: list[Line2D] = []
    for place, (experiment, own) in enumerate(panels.items()):
        axes = figure.add_subplot(1, len(panels), place + 1)
        axes.set_title(experiment)
        _prepare_axes(axes, own)
        for outcome in own:
            _draw(axes, outcome, len(handles))
            handles.append(_handle(outcome.case.name, len(handles)))
    grey = Line2D(
        [], [], color=FAINT, linewidth=0, marker="o", markeredgecolor=INK, label="published (marks of the same colour)"
    )
    legend_below(figure, [*handles, grey])
    seeds = max(len(outcome.values["error"]) for outcome in outcomes)
    caption = f"Median (line) and range (band) over {seeds} seeds, and the published figures (marks)."
    return Picture("reproduce", caption, figure)


def _prepare_axes(axes: Axes, outcomes: Sequence[Outcome]) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_yscale("log")
    axes.set_xscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: percent(value)))
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("updates")
    tested = "while training" if outcomes[0].case.split == "train" else "on unseen strings"
    axes.set_ylabel(f"wrong answers {tested}")


def _draw(axes: Axes, outcome: Outcome, number: int) -> None:
    color = COLORS[number % len(COLORS)]
    rows = band(list(outcome.values["error"].values()))
    shown = [row for row in rows if row[1] > 0]
    if shown:
        steps, low, median, high = zip(*shown, strict=True)
        axes.fill_between(steps, low, high, color=color, alpha=0.2, linewidth=0)
        axes.plot(steps, median, color=color, linewidth=1.3)
    for step, errors in published_errors(outcome.case).items():
        axes.plot(
            [step] * len(errors), errors, color=color, marker=MARKS[number % len(MARKS)], markeredgecolor=INK, zorder=3
        )


def _handle(name: str, number: int) -> Line2D:
    color, marker = COLORS[number % len(COLORS)], MARKS[number % len(MARKS)]
    return Line2D([], [], color=color, linewidth=1.6, marker=marker, markeredgecolor=INK, label=name)


def published_errors(case: Case) -> dict[int, list[float]]:
    """The published shares of wrong answers by update: one, or the ends of a range."""
    found: dict[int, list[float]] = {}
    for claim in case.claims:
        if claim.quantity in ("error", "accuracy"):
            errors = [1 - figure if claim.more_is_better else figure for figure in claim.figures]
            found.setdefault(claim.step, []).extend(error for error in errors if math.isfinite(error))
    return found
