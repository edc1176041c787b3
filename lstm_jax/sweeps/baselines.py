"""Horizontal lines to compare with: what is reached without learning, the best that is possible, what was published."""

from collections.abc import Iterable, Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from lstm_jax.settings import Value
from lstm_jax.sweeps.figures import FAINT, INK, Baseline, Sweep, percent
from lstm_jax.sweeps.labels import describe
from lstm_jax.sweeps.scales import Scale

DASHES = (
    *((0, (1, 1.5)), (0, (5, 3)), (0, (9, 2)), (0, (3, 1.5, 1, 1.5))),
    *((0, (1, 5)), (0, (12, 2, 2, 2)), (0, (6, 2, 1, 2, 1, 2)), (0, (2, 6))),
)
"""Enough for a text: four orders of n-grams, the best that is possible, what was published."""

MOST_ERRORS = 4
"""Different errors of one name that a legend has room for."""


def baselines_of(sweep: Sweep, runs: Iterable[str]) -> list[Baseline]:
    """Those that hold for at least one of the runs, given by their identities."""
    settings: Mapping[str, Mapping[str, Value]] = {row.run: row.settings for row in sweep.rows}
    own = [settings[run] for run in runs]
    return [baseline for baseline in sweep.baselines if any(baseline.holds_for(one) for one in own)]


def draw_baseline(axes: Axes, sweep: Sweep, baseline: Baseline, place: float, span: tuple[float, float]) -> None:
    """A line at this place of the error axis, over a part of the other one; all of one name look alike."""
    dashes = _dashes(sweep, baseline.name)
    axes.plot(span, (place, place), color=INK, linewidth=1, linestyle=dashes, zorder=1.5, scalex=False)


def baseline_handles(sweep: Sweep, drawn: Iterable[Baseline]) -> list[Line2D]:
    """What explains them in a legend, with their errors if they are few; and the line of the threshold.

    Those that lie on each other everywhere, as a text's longest n-grams and the best that is possible, are one entry.
    """
    found: dict[str, list[Baseline]] = {}
    for one in drawn:
        own = found.setdefault(one.name, [])
        own.extend([one] if one not in own else [])
    together: dict[tuple[Any, ...], list[str]] = {}
    for name, own in found.items():
        together.setdefault(tuple((one.error, *one.settings.items()) for one in own), []).append(name)
    handles = [Line2D([], [], color=FAINT, linewidth=1.6, label=f"solved: {percent(sweep.threshold)}")]
    for names in together.values():
        label = f"{', '.join(names)}{_errors(sweep, found[names[0]])}"
        handles.append(Line2D([], [], color=INK, linewidth=1, linestyle=_dashes(sweep, names[0]), label=label))
    return handles


def _errors(sweep: Sweep, own: list[Baseline]) -> str:
    """The errors of one name, each with the settings for which it holds where that is not all there are."""
    settings: dict[str, list[str]] = {}
    for one in own:
        varied = {name: value for name, value in one.settings.items() if name in sweep.varied}
        settings.setdefault(percent(one.error), []).append(describe(varied, sweep.labels))
    if len(settings) > MOST_ERRORS:
        return ""
    apart = len(settings) > 1 and all(len(those) == 1 for those in settings.values())
    listed = [f"{error} ({those[0]})" if apart and those[0] else error for error, those in settings.items()]
    return f": {', '.join(listed)}"


def _dashes(sweep: Sweep, name: str) -> tuple[int, tuple[float, ...]]:
    names = list(dict.fromkeys(one.name for one in sweep.baselines))
    return DASHES[names.index(name) % len(DASHES)]


def prepare_error_axis(axes: Axes, scale: Scale, sweep: Sweep) -> None:
    """Makes the vertical axis one of errors, with the threshold as a line."""
    axes.set_ylim(-0.03, 1.04)
    axes.set_yticks([place for place, _ in scale.ticks], [label for _, label in scale.ticks])
    axes.spines[["top", "right"]].set_visible(False)
    axes.axhline(scale.position(sweep.threshold), color=FAINT, linewidth=1.6, alpha=0.6, zorder=1)
