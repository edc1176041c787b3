"""Settings: frozen dataclass fields that carry their own help, range and choices.

One declaration serves the flag, its help, its check and the run's record, so they cannot disagree.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

type Value = int | float | str | bool

type Settings = dict[str, Value]
"""Values by the names of their settings."""


class SettingError(ValueError):
    """A setting that cannot be used.

    Args:
        name: the setting, as its flag is spelled without dashes.
        value: what was given.
        allowed: what would have been right, as the end of a sentence.
        remedy: NAME=VALUE of the setting that helps, where the wrong one was not given by hand; empty: unknown.
    """

    def __init__(self, name: str, value: object, allowed: str, remedy: str = ""):
        value = written(value)
        super().__init__(f"--{name}={value}: {allowed}")
        self.name, self.value, self.allowed, self.remedy = name, value, allowed, remedy


def written(value: object) -> str:
    """A value as it is typed after a flag: `true`, and `0` for a number that is whole."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.0f}" if isinstance(value, float) and value.is_integer() and abs(value) < 1e16 else str(value)


def setting(
    default: Value,
    description: str,
    *,
    choices: Sequence[str] | None = None,
    minimum: float | None = None,
    maximum: float | None = None,
    identity: bool = True,
    flag: bool = True,
) -> Any:
    """Declares a field of a settings dataclass.

    Args:
        default: the value where neither a preset nor a flag gives one; its type is the setting's type.
        description: one line for `--help`.
        choices: the allowed words, for a text setting.
        minimum: the smallest allowed number.
        maximum: the largest allowed number.
        identity: False for what may differ when a run is resumed (where it is kept, how it is shown).
        flag: False for what is found out, not chosen.

    Returns:
        The dataclass field.
    """
    rules = {
        "description": description,
        "choices": choices,
        "minimum": minimum,
        "maximum": maximum,
        "identity": identity,
        "flag": flag,
    }
    return dataclasses.field(default=default, metadata=rules)


def allowed_values(field: dataclasses.Field) -> str:
    """The range of a setting in words, such as `a number from 1 to 10,000`; empty where any value is allowed."""
    if field.metadata["choices"]:
        return "one of " + ", ".join(field.metadata["choices"])
    low, high = field.metadata["minimum"], field.metadata["maximum"]
    if low is None and high is None:
        return ""
    kind = "an integer" if type(field.default) is int else "a number"
    if high is None:
        return f"{kind} of at least {_separated(low)}"
    return f"{kind} from {_separated(low)} to {_separated(high)}"


def _separated(bound: float) -> str:
    """A bound of a range with separators, such as `1,000,000`; small ones with all their digits."""
    return f"{int(bound):,}" if bound == int(bound) else str(bound)


def is_allowed(field: dataclasses.Field, value: Value) -> bool:
    """Whether a value of the right type is one of the choices, or a finite number in the range, of a setting."""
    low, high, choices = (field.metadata[rule] for rule in ("minimum", "maximum", "choices"))
    return not (
        (choices and value not in choices)
        or (isinstance(value, float) and not math.isfinite(value))
        or (low is not None and value < low)
        or (high is not None and value > high)
    )


def check_ranges(section: Any) -> None:
    """Checks every field of a settings dataclass against its own declaration.

    Raises:
        SettingError: names the first setting that is outside its range.
    """
    for field in dataclasses.fields(section):
        value = getattr(section, field.name)
        if field.metadata and not is_allowed(field, value):
            raise SettingError(field.name, value, f"must be {allowed_values(field) or 'a finite number'}")
