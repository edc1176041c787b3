"""The tables of a run on strings: mistakes by answer and by length."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from lstm_jax.runs.problem import Table

MOST_ROWS = 42
"""Longer tables are put together into rows of several answers or lengths."""

SYMBOLS_A_LINE = 25
"""Longer strings are shown in several lines."""


def sum_counts(groups: Iterable[Mapping[Any, Sequence[int]]]) -> dict[int, tuple[int, int]]:
    """Mistakes and strings by answer or length, summed over all seeds."""
    total: dict[int, tuple[int, int]] = {}
    for group in groups:
        for key, (mistakes, size) in group.items():
            before = total.get(int(key), (0, 0))
            total[int(key)] = (before[0] + mistakes, before[1] + size)
    return dict(sorted(total.items()))


def shares(counts: Mapping[int, tuple[int, int]]) -> dict[int, float]:
    """The share of mistakes by answer or length."""
    return {key: mistakes / size for key, (mistakes, size) in counts.items()}


def count(result: dict[str, Any], group: str) -> dict[int, tuple[int, int]]:
    """Mistakes and strings, summed over all seeds; `group` is `by_answer` or `by_length`."""
    return sum_counts(seed[group] for seed in result["seeds"])


def tested(result: dict[str, Any]) -> str:
    """What a network was tested on: strings that it cannot have seen, or any, where all strings may come up."""
    settings = result["config"]
    return "unseen strings" if settings["train_size"] or settings["test_seq_len"] else "strings"


def answer_table(result: dict[str, Any]) -> Table:
    """Mistakes by right answer, and how often that answer was shown."""
    counts, trained = count(result, "by_answer"), _times_in_training(result)
    endless = not result["config"]["train_size"]
    table = [[result["asked"], tested(result), "mistakes", "error", *([] if endless else ["times in training"])]]
    for name, keys in _grouped(sorted(counts.keys() | trained.keys())):
        mistakes, size = _sums(counts, keys)
        error = f"{mistakes / size:.4%}" if size else "-"
        times = [] if endless else [f"{sum(trained.get(key, 0) for key in keys):,}"]
        table.append([name, f"{size:,}", f"{mistakes:,}", error, *times])
    return table


def length_table(result: dict[str, Any]) -> Table:
    """Mistakes by length."""
    counts = count(result, "by_length")
    # Those of different strings may be the same: there are no 30,000 different ones of up to 3 symbols.
    what = "prefixes of test strings" if result["config"]["test_seq_len"] else tested(result)
    table = [["length", what, "mistakes", "accuracy"]]
    for name, keys in _grouped(sorted(counts)):
        mistakes, size = _sums(counts, keys)
        table.append([name, f"{size:,}", f"{mistakes:,}", f"{1 - mistakes / size:.4%}"])
    return table


def _times_in_training(result: dict[str, Any]) -> dict[int, int]:
    trained: dict[int, int] = {}
    for seed in result["seeds"]:
        for answer, times in seed["trained"].items():
            trained[int(answer)] = trained.get(int(answer), 0) + times
    return trained


def _sums(counts: dict[int, tuple[int, int]], keys: list[int]) -> tuple[int, int]:
    pairs = [counts.get(key, (0, 0)) for key in keys]
    return sum(mistakes for mistakes, _ in pairs), sum(size for _, size in pairs)


def _grouped(keys: list[int]) -> list[tuple[str, list[int]]]:
    """The rows of a table: one a key, or one for several neighbours if there are too many."""
    together = -(-len(keys) // MOST_ROWS)
    groups = [keys[start : start + together] for start in range(0, len(keys), together)]
    return [(span(group[0], group[-1]), group) for group in groups]


def span(first: int, last: int) -> str:
    """Neighbours in words, such as `-26 to -25`."""
    return f"{first}" if first == last else f"{first} to {last}"


def floor_lines(result: dict[str, Any]) -> list[str]:
    """Answers that never occur in training; a classifier will miss them."""
    if not result["config"]["train_size"]:
        return []  # strings that are drawn anew have every answer sooner or later
    seeds, floors = result["seeds"], []
    low, high = result["answer_range"]
    answers = sorted({*range(low, high + 1), *count(result, "by_answer")})  # longer strings may have others
    times: dict[int, int] = {}
    for seed in seeds:
        missing = [answer for answer in answers if str(answer) not in seed["trained"]]
        unseen = [seed["by_answer"].get(str(answer), (0, 0))[1] for answer in missing]
        floors.append(sum(unseen) / seed["test_size"])
        for answer in missing:
            times[answer] = times.get(answer, 0) + 1
    if not times:
        return []
    lines = [f"Never in training: {result['asked']} {', '.join(_missing(times, len(seeds)))}."]
    if result["config"]["readout"] == "class":
        spread = " to ".join(dict.fromkeys(f"{floor:.4%}" for floor in (min(floors), max(floors))))
        lines.append(f"A class that is never shown is not learned: this sets a floor of {spread} for the error.")
    return lines


def _missing(times: Mapping[int, int], num_seeds: int) -> list[str]:
    """Answers that so many seeds each never saw, neighbours together: such as `0 to 115` or `7 (1 of 2 seeds)`."""
    spans: list[tuple[int, int]] = []
    for answer in sorted(times):
        if spans and answer == spans[-1][1] + 1 and times[answer] == times[spans[-1][1]]:
            spans[-1] = (spans[-1][0], answer)
        else:
            spans.append((answer, answer))
    some = {first: "" if times[first] == num_seeds else f" ({times[first]} of {num_seeds} seeds)" for first, _ in spans}
    listed = [f"{span(first, last)}{some[first]}" for first, last in spans[:MOST_ROWS]]
    rest = sum(last - first + 1 for first, last in spans[MOST_ROWS:])
    return [*listed, f"and {rest:,} others"] if rest else listed


def length_lines(result: dict[str, Any]) -> list[str]:
    """The first length at which a network makes a mistake, where it was tested beyond those that it learned."""
    settings = result["config"]
    if not settings["test_seq_len"]:
        return []
    lines = []
    for seed in result["seeds"]:
        failing = sorted(int(length) for length, (mistakes, _) in seed["by_length"].items() if mistakes)
        reach = f"first mistake at length {failing[0]}" if failing else f"no mistake up to {settings['test_seq_len']}"
        lines.append(f"Seed {seed['seed']}: trained on up to {settings['seq_len']} symbols, {reach}.")
    return lines


def running_lines(text: str, rows: dict[str, np.ndarray]) -> list[str]:
    """A string with the answers after each symbol below it, in lines of at most so many symbols."""
    names, width = ["", *rows], max(len(name) for name in rows)
    lines = []
    for start in range(0, len(text), SYMBOLS_A_LINE):
        part = slice(start, start + SYMBOLS_A_LINE)
        columns = [list(text[part]), *([str(answer) for answer in row[part]] for row in rows.values())]
        cells = max(len(cell) for column in columns for cell in column)
        for name, column in zip(names, columns, strict=True):
            lines.append(f"    {name:{width}}  {' '.join(cell.rjust(cells) for cell in column)}")
    return lines
