"""What the folders of a sweep's runs hold, put together."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lstm_jax.runs import folder as folders

type Curve = list[tuple[int, float]]
"""(updates, error on what is tested) at each evaluation, in order."""


def read_result(folder: Path) -> dict[str, Any] | None:
    """A run's result.json; None while there is none.

    Raises:
        FolderError: it is there and is not JSON.
    """
    path = folder / folders.RESULT
    return folders.read_json(path) if path.exists() else None


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run's metrics.jsonl; a line that a killed process left unfinished is skipped."""
    path, rows = folder / folders.METRICS, []
    for line in path.read_text().splitlines() if path.exists() else ():
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return rows


def curves(metrics: Iterable[Mapping[str, Any]]) -> dict[int, Curve]:
    """The learning curve of each seed.

    Args:
        metrics: the lines of one run's metrics.jsonl.
    """
    found: dict[int, dict[int, float]] = {}
    for row in metrics:
        if row["split"] == "test":
            found.setdefault(row["seed"], {})[row["step"]] = row["error"]
    return {seed: sorted(errors.items()) for seed, errors in sorted(found.items())}


def steps_to_reach(metrics: Iterable[Mapping[str, Any]], threshold: float) -> int | None:
    """The updates at the first evaluation with at most this error; None if there is none.

    Args:
        metrics: lines of metrics.jsonl, of one seed.
        threshold: the error (0..1).
    """
    reached = [row["step"] for row in metrics if row["split"] == "test" and row["error"] <= threshold]
    return min(reached, default=None)
