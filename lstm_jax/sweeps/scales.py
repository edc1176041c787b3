"""Where values lie along an axis (0..1), and which of them are written there."""

import dataclasses
import math
from collections.abc import Callable, Iterable, Sequence

from matplotlib.ticker import MaxNLocator

from lstm_jax.settings import Value
from lstm_jax.sweeps.figures import percent
from lstm_jax.sweeps.labels import labels_of

MOST_WORDS = 12
"""Up to so many different values are evenly spaced and all written out."""

WIDE = 30
"""The ratio of the largest to the smallest number from which on an axis is logarithmic."""

ROOM_FOR_ZERO = 0.12
"""The share of a logarithmic axis below its smallest number, at whose end there is zero."""

MOST_DECADES = 5


@dataclasses.dataclass(frozen=True)
class Scale:
    """An axis: the position of a value, the values that are written with their labels, and whether they are all."""

    position: Callable[[Value], float]
    ticks: Sequence[tuple[float, str]]
    ordinal: bool = False


def setting_scale(values: Iterable[Value], drawn: bool = False) -> Scale:
    """The axis of a setting: evenly spaced words or few numbers, else linear or logarithmic.

    Args:
        values: of all runs.
        drawn: whether they are numbers drawn from a range: these keep their distances, be they ever so few.
    """
    distinct = sorted(set(values), key=lambda value: (isinstance(value, str), value))
    few = len(distinct) <= (1 if drawn else MOST_WORDS)
    if few or any(isinstance(value, str) for value in distinct):
        places = {value: (place + 0.5) / len(distinct) for place, value in enumerate(distinct)}
        every = math.ceil(len(distinct) / MOST_WORDS)
        labels = labels_of(distinct)
        ticks = [(places[value], labels[value]) for value in distinct[::every]]
        return Scale(lambda value: places[value], ticks, ordinal=True)
    low, high = float(distinct[0]), float(distinct[-1])
    if low > 0 and high / low >= WIDE:
        return _log_scale(low, high, "{:g}".format)
    return _linear_scale(low, high, "{:g}".format)


def error_scale(errors: Iterable[float]) -> Scale:
    """The axis of errors (0..1), as percentages from zero on; logarithmic if they differ much, with zero at its end."""
    errors = list(errors)
    positive = [error for error in errors if error > 0]
    if not positive or max(positive) / min(positive) < WIDE:
        return _linear_scale(0.0, max(positive, default=0.01), percent)
    room = ROOM_FOR_ZERO if 0 in errors else 0.0
    scale = _log_scale(min(positive), max(positive), percent)

    def position(error: Value) -> float:
        return room + (1 - room) * max(scale.position(error), 0.0) if float(error) > 0 else 0.0

    ticks = [(room + (1 - room) * place, label) for place, label in scale.ticks]
    return Scale(position, [(0.0, percent(0)), *ticks] if room else ticks)


def share_scale(_: Iterable[float]) -> Scale:
    """The axis of shares: from none to all, whatever occurs."""
    return _linear_scale(0.0, 1.0, percent)


def count_scale(counts: Iterable[float]) -> Scale:
    """The axis of counts, from the smallest to the largest that occurs."""
    counts = list(counts)
    return _linear_scale(min(counts, default=0.0), max(counts, default=0.0), "{:,.0f}".format)


def _linear_scale(low: float, high: float, label: Callable[[float], str]) -> Scale:
    ticks = [tick for tick in MaxNLocator(nbins=5).tick_values(low, high) if low <= tick <= high * (1 + 1e-9)]
    if low == high or not ticks:  # the only value that there is may be no round number
        ticks = [low]
    width = (high - low) or 1.0
    return Scale(lambda value: (float(value) - low) / width, [((tick - low) / width, label(tick)) for tick in ticks])


def _log_scale(low: float, high: float, label: Callable[[float], str]) -> Scale:
    start, width = math.log10(low), math.log10(high / low)
    decades = range(math.floor(start), math.ceil(start + width) + 1)
    within = [tick for tick in _decimals(decades, (1,)) if low <= tick <= high]
    if len(within) < 3:
        within = [tick for tick in _decimals(decades, (1, 2, 5)) if low <= tick <= high]
    ticks = within[:: -math.ceil(len(within) / MOST_DECADES)][::-1]  # the highest stays, below which most errors lie

    def position(value: Value) -> float:
        return (math.log10(float(value)) - start) / width

    return Scale(position, [(position(tick), label(tick)) for tick in ticks])


def _decimals(decades: Iterable[int], digits: Sequence[int]) -> list[float]:
    """Numbers with one digit, exactly as they are written."""
    return [float(f"{digit}e{decade}") for decade in decades for digit in digits]
