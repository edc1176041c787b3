"""What the networks of a sweep are tested on, in the words of the runs themselves."""

from collections.abc import Iterable, Mapping

from lstm_jax.runs import string_tables
from lstm_jax.settings import Value

SEVERAL = "what each run is tested on"


def judged_on(runs: Iterable[Mapping[str, Value]]) -> str:
    """What an error is one of, such as `unseen strings`; no more than that where runs differ in it.

    Args:
        runs: all settings of each run.
    """
    kinds = {_judged_on(settings) for settings in runs}
    return kinds.pop() if len(kinds) == 1 else SEVERAL


def _judged_on(settings: Mapping[str, Value]) -> str:
    if "tokens" not in settings:
        return string_tables.tested({"config": settings})
    tokens = settings["tokens"]
    return f"held-out {tokens}" if settings["held_out"] else f"{tokens} of the text that was learned"
