"""How the values of flags are read."""

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
