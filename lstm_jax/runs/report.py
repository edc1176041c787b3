"""A finished run in words and tables, of whatever kind it is."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lstm_jax.runs.problem import Table, View
from lstm_jax.runs.published import attribution


def describe(tables: list[Table], remarks: list[str]) -> str:
    """The result as a person wants to read it in a terminal, wall time apart."""
    return "\n\n".join([*map(aligned, tables), "\n".join(remarks)])


def as_markdown(tables: list[Table], remarks: list[str]) -> str:
    """The same in Markdown, for TensorBoard."""
    parts = []
    for header, *rows in tables:
        lines = [header, [_rule(column) for column in zip(*rows, strict=True)], *rows]
        parts.append("\n".join(f"| {' | '.join(cells)} |" for cells in lines))
    return "\n\n".join([*parts, "\n".join(f"- {remark}" for remark in remarks)])


def _rule(cells: Sequence[str]) -> str:
    """Words stand to the left of their column, numbers to the right."""
    return "---" if cells[0][:1].isalpha() else "---:"


def aligned(table: Table) -> str:
    """A table whose columns stand below each other."""
    widths = [max(len(cell) for cell in column) for column in zip(*table, strict=True)]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in table)


def counted(number: int, noun: str) -> str:
    """A number of things, such as `1 word` or `2,000 words`."""
    return f"{number:,} {noun}{'s' if number != 1 else ''}"


def remarks(view: View, result: dict[str, Any]) -> list[str]:
    """A line for each seed that the result is without, and what the view says of it."""
    failed = result.get("failed", [])  # runs of earlier versions ended with the first such seed
    return [*(f"Without seed {one['seed']}: {one['reason']}." for one in failed), *view.remarks(result)]


def closing_line(result: dict[str, Any]) -> str:
    """Wall time beside what was published."""
    updates = counted(result["steps"], "update")
    here = f"Wall time {result['wall_seconds']:.1f} s for {updates}, with starting, compiling and testing."
    published = result["published"]
    if not published or "accuracy" in published:  # that of a text is not an error on what is tested here
        return here
    after = f" after {published['time']}" if "time" in published else ""
    return f"{here} Published ({attribution(published)}): {published['error']:.1%}{after}."


def seed_lines(seeds: list[dict[str, Any]], tested: str) -> list[str]:
    """The error of each seed, and mean and spread of several.

    Args:
        seeds: as in result.json.
        tested: what the networks were tested on, such as `unseen strings`.
    """
    lines = [_seed_line(seed, tested) for seed in seeds]
    if len(seeds) > 1:
        errors = [seed["test_error"] for seed in seeds]
        best = seeds[int(np.argmin(errors))]
        lines.append(
            f"{len(seeds)} seeds: mean {np.mean(errors):.4%}, standard deviation {np.std(errors, ddof=1):.4%}, "
            f"best {best['test_error']:.4%} (seed {best['seed']})"
        )
    return lines


def _seed_line(seed: dict[str, Any], tested: str) -> str:
    size = f"{seed['test_size']:,} sampled" if seed["sampled"] else f"all {seed['test_size']:,}"
    if seed["test_size"] == 1:
        size = "one of the" if seed["sampled"] else "the only one of the"
    mistakes = counted(seed["test_mistakes"], "mistake")
    line = f"Seed {seed['seed']}: error {seed['test_error']:.4%}, {mistakes} on {size} {tested}"
    if seed["sampled"]:
        low, high = seed["interval_95"]
        line += f" (95% confidence: {low:.4%} to {high:.4%})"
    return line
