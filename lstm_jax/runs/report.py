"""A finished run in words and tables."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from lstm_jax.training.evaluate import Score

type Table = list[list[str]]

MOST_ROWS = 42
"""Longer tables are put together into rows of several answers or lengths."""


def evaluation_line(step: int, epoch: float, scores: list[Score], by_epoch: dict[int, str]) -> str:
    """One line on how far the members are, with what was published for this epoch."""
    errors = [score.error for score in scores]
    published = f"  (published: {by_epoch[int(epoch)]})" if epoch in by_epoch else ""
    spread = f", from {min(errors):.4%} to {max(errors):.4%}" if len(errors) > 1 else ""
    return f"step {step:7,} (epoch {epoch:7.1f})  test error {np.mean(errors):.4%}{spread}{published}"


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


def _counts(result: dict[str, Any], group: str) -> dict[int, tuple[int, int]]:
    return sum_counts(seed[group] for seed in result["seeds"])


def describe(result: dict[str, Any]) -> str:
    """The result as a person wants to read it in a terminal, wall time apart."""
    tables = [_aligned(table) for table in _tables(result)]
    return "\n\n".join([*tables, "\n".join(_remarks(result))])


def as_markdown(result: dict[str, Any]) -> str:
    """The same in Markdown, for TensorBoard."""
    tables = []
    for header, *rows in _tables(result):
        lines = [header, ["---:"] * len(header), *rows]
        tables.append("\n".join(f"| {' | '.join(cells)} |" for cells in lines))
    return "\n\n".join([*tables, "\n".join(f"- {remark}" for remark in _remarks(result))])


def closing_line(result: dict[str, Any]) -> str:
    """Wall time beside what was published."""
    here = f"Wall time {result['wall_seconds']:.1f} s for {result['steps']:,} updates, from the start of the process."
    published = result["published"]
    if not published:
        return here
    return f"{here} Published ({published['what']}): {published['error']:.1%} after {published['time']}."


def _tables(result: dict[str, Any]) -> list[Table]:
    tables = [_answer_table(result)]
    if len(result["seeds"][0]["by_length"]) > 1:
        tables.append(_length_table(result))
    return tables


def _aligned(table: Table) -> str:
    widths = [max(len(cell) for cell in column) for column in zip(*table, strict=True)]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in table)


def _answer_table(result: dict[str, Any]) -> Table:
    counts, trained = _counts(result, "by_answer"), _times_in_training(result)
    table = [[result["asked"], "unseen strings", "mistakes", "error", "times in training"]]
    for name, keys in _grouped(sorted(counts.keys() | trained.keys())):
        mistakes, size = _sums(counts, keys)
        error = f"{mistakes / size:.4%}" if size else "-"
        table.append([name, f"{size:,}", f"{mistakes:,}", error, f"{sum(trained.get(key, 0) for key in keys):,}"])
    return table


def _length_table(result: dict[str, Any]) -> Table:
    counts = _counts(result, "by_length")
    table = [["length", "unseen strings", "mistakes", "accuracy"]]
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
    return [(f"{group[0]}" if len(group) == 1 else f"{group[0]}-{group[-1]}", group) for group in groups]


def _remarks(result: dict[str, Any]) -> list[str]:
    """The error of each seed, of all, and what they are to be compared with."""
    seeds = result["seeds"]
    lines = [_seed_line(seed) for seed in seeds]
    if len(seeds) > 1:
        errors = [seed["test_error"] for seed in seeds]
        best = seeds[int(np.argmin(errors))]
        lines.append(
            f"{len(seeds)} seeds: mean {np.mean(errors):.4%}, standard deviation {np.std(errors, ddof=1):.4%}, "
            f"best {best['test_error']:.4%} (seed {best['seed']})"
        )
    lines.extend(_floor_lines(result))
    counts = _counts(result, "by_answer")
    majority = max(counts, key=lambda answer: counts[answer][1])
    error = 1 - counts[majority][1] / sum(size for _, size in counts.values())
    lines.append(f"Baseline: always answering {majority} is wrong on {error:.2%}.")
    return lines


def _seed_line(seed: dict[str, Any]) -> str:
    strings = f"{seed['test_size']:,} sampled" if seed["sampled"] else f"all {seed['test_size']:,}"
    error, mistakes = seed["test_error"], seed["test_mistakes"]
    line = f"Seed {seed['seed']}: error {error:.4%}, {mistakes:,} mistakes on {strings} unseen strings"
    if seed["sampled"]:
        low, high = seed["interval_95"]
        line += f" (95 % confidence: {low:.4%} to {high:.4%})"
    return line


def _floor_lines(result: dict[str, Any]) -> list[str]:
    """Answers that never occur in training; a classifier will miss them."""
    seeds, floors = result["seeds"], []
    low, high = result["answer_range"]
    times: dict[int, int] = {}
    for seed in seeds:
        missing = [answer for answer in range(low, high + 1) if str(answer) not in seed["trained"]]
        unseen = [seed["by_answer"].get(str(answer), (0, 0))[1] for answer in missing]
        floors.append(sum(unseen) / seed["test_size"])
        for answer in missing:
            times[answer] = times.get(answer, 0) + 1
    if not times:
        return []
    listed = [
        f"{answer}" if times[answer] == len(seeds) else f"{answer} ({times[answer]} of {len(seeds)} seeds)"
        for answer in sorted(times)[:MOST_ROWS]
    ]
    lines = [f"Never in training: {result['asked']} {', '.join(listed)}{', ...' if len(times) > MOST_ROWS else ''}."]
    if result["config"]["readout"] == "class":
        spread = f"{min(floors):.4%}" + (f" to {max(floors):.4%}" if len(seeds) > 1 else "")
        lines.append(f"A class that is never shown is not learned: this sets a floor of {spread} for the error.")
    return lines
