"""How flags are read, and what is said of those that there are not."""

import difflib
import re
import sys
from typing import Any

from absl import flags

PARSERS: dict[type, Any] = {
    int: flags.IntegerParser,
    float: flags.FloatParser,
    str: flags.ArgumentParser,
    bool: flags.BooleanParser,
}


def explaining(kind: type, allowed: str) -> flags.ArgumentParser:
    """A parser of values of one type that says what is allowed when it cannot read one."""

    class Parser(PARSERS[kind]):  # type: ignore[misc,valid-type]
        def parse(self, argument: Any) -> Any:
            try:
                return super().parse(argument)
            except (TypeError, ValueError):
                raise ValueError(f"must be {allowed or 'true or false'}") from None

    parser = Parser()
    parser.syntactic_help = ""  # the flag's own text says what is allowed
    return parser


def define_choice(name: str, choices: list[str], text: str, default: str) -> None:
    """Defines a flag that is one of some words, with messages and help as the settings have them."""

    class Choice(flags.ArgumentParser):
        def parse(self, argument: str) -> str:
            if argument not in choices:
                raise ValueError(f"must be {allowed}")
            return argument

    allowed = f"one of {', '.join(choices)}"
    said = f"{text}; {allowed}; default {default!r}"
    flags.DEFINE(Choice(), name, default, said, module_name=sys.argv[0])


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
