"""What runs are compared with, from their result.json: no learning, counting, what is possible, what was published."""

import statistics
from collections.abc import Iterable, Mapping
from typing import Any

from lstm_jax.settings import Value
from lstm_jax.sweeps.figures import Baseline
from lstm_jax.sweeps.table import Settings

MAJORITY, FLOOR, PUBLISHED = "most frequent answer", "answers never in training", "published"

CEILING = "best possible"
"""Of a text, where the context that is seen does not always decide what follows."""


def baselines(results: Iterable[tuple[Settings, Mapping[str, Any]]]) -> tuple[Baseline, ...]:
    """What to compare all runs with; each holds for the settings that it depends on.

    Args:
        results: of each run the settings that vary, and its result.json.
    """
    runs = [(varied, errors_without_learning(result)) for varied, result in results]
    names = dict.fromkeys(name for _, errors in runs for name in errors)
    return tuple(one for name in names for one in _few(name, [(varied, errors.get(name)) for varied, errors in runs]))


def errors_without_learning(result: Mapping[str, Any]) -> dict[str, float]:
    """The errors (0..1) to compare one run with, over all its seeds, by name.

    Args:
        result: its result.json.
    """
    found = errors_of_counting(result) if "ngrams" in result else errors_on_strings(result)
    if result["published"]:
        found[PUBLISHED] = result["published"]["error"]
    return found


def errors_of_counting(result: Mapping[str, Any]) -> dict[str, float]:
    """Of a run on a text: counted n-grams by their order, and the ceiling where the context decides what can be known.

    Beyond the ceiling itself, which counts what it is tested on, nobody can be right more often.
    """
    found = {f"{gram['order']}-gram": 1 - gram["accuracy"] for gram in result["ngrams"]}
    ceiling = result["ceiling"]  # None with --stateful: all that came before is seen, and nothing bounds that
    if ceiling and ceiling["windows"]:
        found[CEILING] = 1 - ceiling["right"] / ceiling["windows"]
    return found


def errors_on_strings(result: Mapping[str, Any]) -> dict[str, float]:
    """Of a run on strings: always giving the most frequent answer, and being wrong where no answer was ever shown."""
    times: dict[str, int] = {}
    floors = []
    for seed in result["seeds"]:
        sizes = {answer: size for answer, (_, size) in seed["by_answer"].items()}
        floors.append(sum(size for answer, size in sizes.items() if answer not in seed["trained"]) / seed["test_size"])
        for answer, size in sizes.items():
            times[answer] = times.get(answer, 0) + size
    found = {MAJORITY: 1 - max(times.values()) / sum(times.values())}
    if result["config"]["readout"] == "class" and any(floors):
        found[FLOOR] = statistics.fmean(floors)
    return found


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
