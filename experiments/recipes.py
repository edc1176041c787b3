"""What the presets of an experiment give, checked: a name that is no setting would change nothing, without a word."""

import contextlib
import difflib
from collections.abc import Collection, Iterator, Mapping

from lstm_jax.runs.config import RunConfig, setting_fields
from lstm_jax.settings import SettingError, Value

type Presets = Mapping[str, Mapping[str, Value]]


def follow(base: RunConfig, presets: Presets, preset: str) -> RunConfig:
    """The experiment with the recipe of a preset.

    Args:
        base: the experiment with its defaults.
        presets: settings by name, for each preset.
        preset: which of them.

    Raises:
        SettingError: one of the presets, this or another, names a setting that there is not, or has a wrong value.
    """
    for name, settings in presets.items():
        _check(name, settings, base)
    return base.replace(dict(presets[preset]))


@contextlib.contextmanager
def blaming(presets: Presets, preset: str, chosen: bool, given: Collection[str], flag: str = "--") -> Iterator[None]:
    """Where what cannot be used comes from a preset and not from a flag, the error says so.

    Args:
        presets: settings by name, for each preset.
        preset: which of them is followed.
        chosen: whether it was given by hand.
        given: names of the settings that were.
        flag: what is written before NAME=VALUE of a setting.
    """
    try:
        yield
    except SettingError as error:
        if error.name in given or error.name not in presets[preset]:
            raise
        whose = "has" if chosen else "which is the default, has"
        remedy = f"; add {flag}{error.remedy}" if error.remedy else ""
        said = f"{whose} --{error.name}={error.value}, which {error.allowed}{remedy}"
        raise SettingError("preset", preset, said) from None


def _check(preset: str, settings: Mapping[str, Value], base: RunConfig) -> None:
    fields = setting_fields(base)
    for name, value in settings.items():
        if name not in fields:
            near = difflib.get_close_matches(name, fields, n=1, cutoff=0)[0]
            raise SettingError("preset", preset, f"there is no setting {name}; the nearest: {near}")
        kind = type(fields[name].default)
        if type(value) is not kind and (kind, type(value)) != (float, int):
            raise SettingError("preset", preset, f"its {name} must be of type {kind.__name__}, not {value!r}")
