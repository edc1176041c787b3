"""The settings of all runs of a sweep: every combination of the axes' values, or draws."""

import dataclasses
import itertools
import math
import random
from collections.abc import Sequence

from lstm_jax.settings import SettingError, Settings, Value
from lstm_jax.sweeps.axis import MOST, Axis, between

MOST_TRIES = 1_000
"""Draws for each setting that is wanted, before a range is held to have too few different values."""


def grid(axes: Sequence[Axis]) -> list[Settings]:
    """All combinations of the axes' values; the last axis varies fastest. Without axes: one run.

    Raises:
        SettingError: a name is given twice, a range does not say how many, or there are too many combinations.
    """
    _check_distinct(axes)
    for axis in axes:
        if not axis.values:
            raise SettingError(
                "set",
                axis.name,
                "the range must say how many values, such as `log 8`, unless they are drawn (--random)",
            )
    total = math.prod(len(axis.values) for axis in axes)
    if total > MOST:
        raise SettingError("set", ",".join(axis.name for axis in axes), f"{total:,} settings are more than {MOST:,}")
    names = [axis.name for axis in axes]
    return [dict(zip(names, values, strict=True)) for values in itertools.product(*(axis.values for axis in axes))]


def draw(axes: Sequence[Axis], count: int, seed: int) -> list[Settings]:
    """Different settings, drawn independently: uniform in lists and ranges, log-uniform in ranges with `log`.

    The same arguments draw the same; a larger count draws the same first ones. The generator is Python's own, whose
    numbers for a seed do not change between versions (docs.python.org/3/library/random.html#notes-on-reproducibility).

    Raises:
        SettingError: a name is given twice, or there are not so many different settings.
    """
    _check_distinct(axes)
    if not 1 <= count <= MOST:
        raise SettingError("random", count, f"must be an integer from 1 to {MOST}")
    total = math.prod(_count(axis) for axis in axes)
    if count > total:
        raise SettingError("random", count, f"there are only {total:.0f} different settings")
    generator = random.Random(seed)
    drawn: dict[tuple[Value, ...], None] = {}  # a set that keeps the order
    for _ in range(MOST_TRIES * count):
        drawn[tuple(_pick(axis, generator.random()) for axis in axes)] = None
        if len(drawn) == count:
            break
    else:
        raise SettingError("random", count, f"only {len(drawn)} different settings were found")
    return [dict(zip((axis.name for axis in axes), values, strict=True)) for values in drawn]


def _check_distinct(axes: Sequence[Axis]) -> None:
    names = [axis.name for axis in axes]
    for name in names:
        if names.count(name) > 1:
            raise SettingError("set", name, "is given more than once; put all values into one list")


def _pick(axis: Axis, share: float) -> Value:
    """The value for a number drawn from [0, 1). An integer k stands for the interval from k to k + 1."""
    span = axis.span
    if span is None:
        return axis.values[int(share * len(axis.values))]
    if not span.integer:
        return between(span, share)
    above = dataclasses.replace(span, high=span.high + 1, integer=False)
    value = span.low * (above.high / span.low) ** share if span.log else span.low + share * (above.high - span.low)
    return min(int(value), int(span.high))


def _count(axis: Axis) -> float:
    """How many different values can be drawn; six digits of a number between two others are many."""
    if axis.span is None:
        return len(axis.values)
    return axis.span.high - axis.span.low + 1 if axis.span.integer else math.inf
