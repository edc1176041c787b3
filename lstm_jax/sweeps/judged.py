"""What the networks of a sweep are tested on, in the words of the runs themselves."""

from collections.abc import Iterable, Mapping

from lstm_jax.runs.problems import tested_on
from lstm_jax.settings import Value

SEVERAL = "what each run is tested on"


def judged_on(runs: Iterable[Mapping[str, Value]]) -> str:
    """What an error is one of, such as `unseen strings`; no more than that where runs differ in it.

    Args:
        runs: all settings of each run.
    """
    kinds = set(map(tested_on, runs))
    return kinds.pop() if len(kinds) == 1 else SEVERAL
