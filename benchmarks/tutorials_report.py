"""What `benchmarks.tutorials` says of the times that it measured, and of what was learned meanwhile."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks import tables

INTRODUCTION = """The tutorials' recipes as graphs of TensorFlow 1 that Python feeds once an update, and in turn with
them our paper presets, compiled anew. Whole processes, from start to end, medians; where only a share of the updates
was made, the time of all is extrapolated."""


def median(runs: Sequence[Mapping[str, Mapping[str, float]]], side: str, what: str) -> float:
    """Over the repetitions, of `theirs` or `ours`."""
    return statistics.median(run[side][what] for run in runs)


def describe(content: dict[str, Any]) -> str:
    """The results in words and a table."""
    rows = [["program", "updates", "TensorFlow", "an update", "ours", "an update", "times as fast"]]
    learned = []
    for name, program in content["programs"].items():
        runs, wholes = program["runs"], [program["seconds"], program["our_seconds"]]
        updates = [tables.duration(median(runs, side, "update")) for side in ("theirs", "ours")]
        times = [part for whole, update in zip(wholes, updates, strict=True) for part in (f"{whole:.1f} s", update)]
        ratios = [run["theirs"]["whole"] / run["ours"]["whole"] for run in runs]
        spread = f"{statistics.median(ratios):.1f} ({min(ratios):.1f}-{max(ratios):.1f})"
        rows.append([name, f"{program['updates']:,}", *times, spread])
        learned += accuracies(name, program)
    host = content["machine"]
    conditions = [
        f"Machine: {host['cores']} cores of {host['processor']}",
        f"Versions: {', '.join(f'{package} {version}' for package, version in host['versions'].items())}",
        f"Measured on {content['date']} with: {content['command']}",
    ]
    return "\n\n".join(
        [INTRODUCTION, as_list(conditions), tables.as_markdown(rows), *([as_list(learned)] * bool(learned))]
    )


def accuracies(name: str, program: Mapping[str, Any]) -> list[str]:
    """A line on the right answers while training, where a program was run to its end and both sides count them."""
    runs = program["runs"]
    if any(run["theirs"]["measured"] < program["updates"] for run in runs) or "accuracy" not in runs[0]["theirs"]:
        return []
    sides = [sorted(run[side]["accuracy"] for run in runs) for side in ("theirs", "ours")]
    theirs, ours = (f"{statistics.fmean(side):.1%} ({side[0]:.1%} to {side[-1]:.1%})" for side in sides)
    return [
        f"{name}: right while training, over the last 1,000 updates, mean and range: TensorFlow {theirs}, ours {ours}"
    ]


def as_list(lines: Sequence[str]) -> str:
    """Lines of Markdown."""
    return "\n".join(f"- {line}" for line in lines)
