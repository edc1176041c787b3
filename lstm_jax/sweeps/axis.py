"""A setting that varies: what `--set NAME=VALUES` stands for.

VALUES are a list, or for a number a range:

    5,10,20              these values
    4..32 by 4           4, 8, ..., 32
    0..1 linear 5        five values, evenly spaced
    1e-4..1e-1 log 8     eight values, evenly spaced in the logarithm

A range with `linear` or `log` is drawn from continuously; the number of values is for the grid, and draws need none.
"""

import dataclasses
import difflib
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from lstm_jax.settings import SettingError, Value, allowed_values, is_allowed

type Fields = Mapping[str, dataclasses.Field]

MOST = 100_000
"""More values or settings than this are taken for a slip of the pen."""

RANGE = re.compile(r"(\S+?)\.\.(\S+)\s+(linear|log|by)(?:\s+(\S+))?")

SAME_FOR_ALL = {
    "seed": "the seeds are those of --seed and --num_seeds",
    "num_seeds": "every setting is tried with the seeds of --num_seeds",
    "preset": "all runs have the recipe of --preset",
    "platform": "all runs are computed on --platform",
    "cpu_devices": "all runs have the devices of --cpu_devices",
}
"""What a sweep cannot vary, and the flag that it has instead."""

FILES = ("text_file",)
"""Where something lies that runs learn from: no part of their names, but what is in it is, by its checksum."""

BOOLEANS = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}
"""As the flags of the experiments read them."""

KINDS = {int: "an integer", float: "a finite number", str: "a word or the name of a file", bool: "true or false"}


@dataclasses.dataclass(frozen=True)
class Span:
    """A range to draw from: both ends, the numbers' spacing, and whether they are integers."""

    low: float
    high: float
    log: bool
    integer: bool


@dataclasses.dataclass(frozen=True)
class Axis:
    """A setting that varies.

    Args:
        name: of the setting.
        values: those of the grid, all different; empty for a range that does not say how many.
        span: what to draw from; None where it is one of the values.
    """

    name: str
    values: tuple[Value, ...]
    span: Span | None = None


def parse_axis(text: str, fields: Fields) -> Axis:
    """What one --set stands for.

    Args:
        text: `NAME=VALUES`.
        fields: the declaration of every setting, by name.

    Raises:
        SettingError: names the setting or value that cannot be used, and says what can.
    """
    name, given, values = (part.strip() for part in text.partition("="))
    if not given or not name:
        raise SettingError("set", text, "must be written NAME=VALUES, such as seq_len=5,10,20")
    if name in SAME_FOR_ALL:
        raise SettingError("set", text, f"cannot vary: {SAME_FOR_ALL[name]}")
    if name not in fields:
        there_are = sorted(other for other in fields if _can_vary(fields[other]))
        near = difflib.get_close_matches(name, there_are, n=3, cutoff=0.5)
        hint = f"; the nearest: {', '.join(near)}" if near else ""
        raise SettingError("set", text, f"there is no setting {name}{hint}; there are {', '.join(there_are)}")
    field = fields[name]
    if not _can_vary(field):
        raise SettingError("set", text, f"cannot vary: it is the same for all runs, set it with --{name}")
    if type(field.default) in (int, float) and ".." in values:
        return _range_axis(text, values, field)
    read = tuple(_parse_value(text, word.strip(), field) for word in values.split(","))
    for number, value in enumerate(read):
        if value in read[:number]:
            raise SettingError("set", text, f"{value} is given twice")
    return Axis(name, read)


def between(span: Span, share: float) -> Value:
    """The value this share (0..1) of the way; six digits, because the last ones differ between machines."""
    if share in (0, 1):
        return span.high if share else span.low
    value = span.low * (span.high / span.low) ** share if span.log else span.low + share * (span.high - span.low)
    return round(value) if span.integer else min(max(float(f"{value:.6g}"), span.low), span.high)


def _can_vary(field: dataclasses.Field) -> bool:
    return (field.metadata["identity"] or field.name in FILES) and field.name not in SAME_FOR_ALL


def _parse_value(text: str, word: str, field: dataclasses.Field) -> Value:
    kind: Any = type(field.default)
    try:
        value = BOOLEANS[word.lower()] if kind is bool else kind(word)
    except (KeyError, ValueError):
        value = None
    if not word or value is None or not is_allowed(field, value):
        which = repr(word) if word else "what is empty"
        raise SettingError("set", text, f"{which} must be {allowed_values(field) or KINDS[kind]}")
    return value


def _range_axis(text: str, values: str, field: dataclasses.Field) -> Axis:
    match = RANGE.fullmatch(values)
    if not match:
        forms = "LOW..HIGH by STEP, LOW..HIGH linear NUMBER or LOW..HIGH log NUMBER"
        raise SettingError("set", text, f"a range must be written {forms}")
    low, high = (_parse_value(text, word, field) for word in match.groups()[:2])
    assert isinstance(low, int | float)
    assert isinstance(high, int | float)
    how, number = match.groups()[2:]
    if low >= high:
        raise SettingError("set", text, f"the range must rise, but {low} is not less than {high}")
    if how == "by":
        return Axis(field.name, _steps(text, low, high, number))
    if how == "log" and low <= 0:
        raise SettingError("set", text, f"a range with `log` must begin above 0, not at {low}")
    span = Span(low, high, how == "log", type(field.default) is int)
    return Axis(field.name, _spaced(text, span, number) if number else (), span)


def _steps(text: str, low: float, high: float, word: str | None) -> tuple[Value, ...]:
    """In decimal arithmetic, so that 0..1 by 0.1 has 0.3 in it."""
    kind: Any = type(low)
    try:
        step = Decimal(word or "0")
    except ArithmeticError:
        step = Decimal(0)
    if not step.is_finite() or step <= 0 or (kind is int and step % 1):
        raise SettingError("set", text, f"the step after `by` must be {KINDS[kind]} above 0")
    start = Decimal(str(low))
    width = Decimal(str(high)) - start
    if width > step * MOST:
        raise SettingError("set", text, f"these are more than {MOST:,} values")
    return tuple(kind(start + place * step) for place in range(int(width / step) + 1))


def _spaced(text: str, span: Span, word: str) -> tuple[Value, ...]:
    if not word.isdecimal() or not 2 <= int(word) <= MOST:
        raise SettingError("set", text, f"the number of values must be an integer from 2 to {MOST}")
    last = int(word) - 1
    values = tuple(between(span, place / last) for place in range(last + 1))
    if len(set(values)) < len(values):
        raise SettingError("set", text, f"there are no {word} different values so spaced in this range")
    return values
