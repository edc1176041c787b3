"""How flags are read, and what is said of those that there are not."""

import difflib
import re
import sys
from collections.abc import Mapping
from typing import Any

from absl import flags

from lstm_jax.settings import written

PARSERS: dict[type, Any] = {
    int: flags.IntegerParser,
    float: flags.FloatParser,
    str: flags.ArgumentParser,
    bool: flags.BooleanParser,
}


def explaining(kind: type, allowed: str, *, may_be_empty: bool = False) -> flags.ArgumentParser:
    """A parser of values of one type that says what is allowed when it cannot read one."""

    class Parser(PARSERS[kind]):  # type: ignore[misc,valid-type]
        def parse(self, argument: Any) -> Any:
            if argument == "" and not may_be_empty:
                raise ValueError("is empty: give a value, or leave the flag out")
            try:
                return super().parse(argument)
            except (TypeError, ValueError):
                raise ValueError(f"must be {allowed or 'true or false'}") from None

    parser = Parser()
    parser.syntactic_help = ""  # the flag's own text says what is allowed
    return parser


def define_choice(name: str, choices: list[str], text: str, default: str = "") -> None:
    """Defines a flag that is one of some words, with messages and help as the settings have them."""

    class Choice(flags.ArgumentParser):
        def parse(self, argument: str) -> str:
            if argument not in choices:
                raise ValueError(f"must be {allowed}")
            return argument

    allowed = f"one of {', '.join(choices)}"
    described = f"; default {default}" if default else ""
    flags.DEFINE(Choice(), name, default or None, f"{text}; {allowed}{described}", module_name=sys.argv[0])
    flags.FLAGS[name].default_as_str = None  # or the help has a second line for it


def describe_default(default: Any) -> str:
    """A default in words, as it is typed; none where it is empty, which the setting's own text explains."""
    return "" if default == "" else f"default {written(default)}"


def describe_defaults(by_preset: Mapping[str, Any]) -> str:
    """The defaults of a setting in words: one for all presets, or each with its presets."""
    presets: dict[Any, list[str]] = {}
    for preset, value in by_preset.items():
        presets.setdefault(value, []).append(preset)
    if len(presets) == 1:
        return describe_default(next(iter(presets)))
    return "default " + ", ".join(f"{written(value)} ({', '.join(names)})" for value, names in presets.items())


def wrong_flag(error: flags.Error) -> str:
    """What to say of a flag whose value cannot be used."""
    message = str(error).splitlines()[0].removeprefix("flag ")
    # What absl says of a boolean is the text of a Python tuple.
    return re.sub(r"\('Non-boolean argument.*", "must be true or false", message)


def unknown_flag(name: str, advice: str) -> str:
    """What to say of a flag that there is not.

    Args:
        name: as it was given.
        advice: what to do instead, if that is known; otherwise a flag that is almost the same is named.
    """
    ours = {flag.name for flag in flags.FLAGS.get_key_flags_for_module(sys.argv[0])}
    near = difflib.get_close_matches(name, ours, n=1, cutoff=0.8)
    instead = advice or (f"the nearest is --{near[0]}" if near else "--help lists them")
    return f"--{name}: there is no such flag; {instead}"
