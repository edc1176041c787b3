"""Horizontal lines to compare with: what is reached without learning, the best that is possible, what was published."""

from collections.abc import Iterable, Mapping

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from lstm_jax.settings import Value
from lstm_jax.sweeps.figures import FAINT, INK, Baseline, Sweep, percent
from lstm_jax.sweeps.scales import Scale

DASHES = (
    *((0, (1, 1.5)), (0, (5, 3)), (0, (9, 2)), (0, (3, 1.5, 1, 1.5))),
    *((0, (1, 5)), (0, (12, 2, 2, 2)), (0, (6, 2, 1, 2, 1, 2)), (0, (2, 6))),
)
"""Enough for a text: four orders of n-grams, the best that is possible, what was published."""


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
    """What explains them in a legend, with their errors if they are few; and the line of the threshold."""
    errors: dict[str, dict[str, None]] = {}
    for one in drawn:
        errors.setdefault(one.name, {})[percent(one.error)] = None
    handles = [Line2D([], [], color=FAINT, linewidth=1.6, label=f"solved: {percent(sweep.threshold)}")]
    for name, own in errors.items():
        label = f"{name}: {', '.join(own)}" if len(own) <= 4 else name
        handles.append(Line2D([], [], color=INK, linewidth=1, linestyle=_dashes(sweep, name), label=label))
    return handles


def _dashes(sweep: Sweep, name: str) -> tuple[int, tuple[float, ...]]:
    names = list(dict.fromkeys(one.name for one in sweep.baselines))
    return DASHES[names.index(name) % len(DASHES)]


def prepare_error_axis(axes: Axes, scale: Scale, sweep: Sweep) -> None:
    """Makes the vertical axis one of errors, with the threshold as a line."""
    axes.set_ylim(-0.03, 1.04)
    axes.set_yticks([place for place, _ in scale.ticks], [label for _, label in scale.ticks])
    axes.spines[["top", "right"]].set_visible(False)
    axes.axhline(scale.position(sweep.threshold), color=FAINT, linewidth=1.6, alpha=0.6, zorder=1)
