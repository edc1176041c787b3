"""What runs are compared with, from their result.json: no learning, counting, what is possible, what was published."""

from collections.abc import Iterable, Mapping
from typing import Any

from lstm_jax.runs.problems import errors_without_learning
from lstm_jax.settings import Settings, Value
from lstm_jax.sweeps.figures import Baseline


def baselines(results: Iterable[tuple[Settings, Mapping[str, Any]]]) -> tuple[Baseline, ...]:
    """What to compare all runs with; each holds for the settings that it depends on.

    Args:
        results: of each run the settings that vary, and its result.json.
    """
    runs = [(varied, errors_without_learning(result)) for varied, result in results]
    names = dict.fromkeys(name for _, errors in runs for name in errors)
    return tuple(one for name in names for one in _few(name, [(varied, errors.get(name)) for varied, errors in runs]))


def _few(name: str, errors: list[tuple[Settings, float | None]]) -> list[Baseline]:
    """One baseline for each combination of those settings that the error, or having one, depends on."""
    kept = list(errors[0][0])
    for setting in errors[0][0]:
        fewer = [other for other in kept if other != setting]
        parts = {(_part(settings, fewer), error) for settings, error in errors}
        if len(parts) == len({part for part, _ in parts}):
            kept = fewer
    distinct = {_part(settings, kept): error for settings, error in errors}
    return [
        Baseline(name, error, dict(zip(kept, values, strict=True)))
        for values, error in distinct.items()
        if error is not None
    ]


def _part(settings: Settings, names: list[str]) -> tuple[Value, ...]:
    return tuple(settings[name] for name in names)
