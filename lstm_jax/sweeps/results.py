"""The table of a sweep on disk: results.csv and results.jsonl, summary.csv and summary.jsonl.

Equal results make equal files, whatever the order in which runs ended: only the last column, `wall_seconds`, differs.
"""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from lstm_jax.runs.files import write_whole
from lstm_jax.settings import Settings, Value
from lstm_jax.sweeps.table import Row, Summary, show, sort_rows, summarize

type Cells = dict[str, Value | None]

RESULTS = (
    "status",
    "reason",
    "test_error",
    "test_mistakes",
    "test_size",
    "test_loss",
    "steps",
    "steps_to_solve",
    "folder",
    "command",
)

SUMMARIES = (
    "seeds",
    "done",
    "mean_error",
    "sd_error",
    "best_error",
    "success_rate",
    "median_steps_to_solve",
    "folder",
    "command",
)

TAKEN = {"experiment", "run", "seed", "wall_seconds", *RESULTS, *SUMMARIES}


def column(setting: str) -> str:
    """The column of a setting: its name, or `setting.NAME` where a result has that name, such as `test_size`."""
    return f"setting.{setting}" if setting in TAKEN else setting


def row_cells(row: Row) -> Cells:
    """A row by its columns: who it is, what varies, what came out, all other settings, and the time."""
    others = {name: value for name, value in row.settings.items() if name not in row.varied}
    return {
        "experiment": row.experiment,
        "run": row.run,
        **_columns(row.varied),
        "seed": row.seed,
        **{name: getattr(row, name) for name in RESULTS},
        **_columns(others),
        "wall_seconds": row.wall_seconds,
    }


def summary_cells(summary: Summary) -> Cells:
    """A summary by its columns: who it is, what varies, what came out, and the time."""
    return {
        "run": summary.run,
        **_columns(summary.varied),
        **{name: getattr(summary, name) for name in SUMMARIES},
        "wall_seconds": summary.wall_seconds,
    }


def _columns(settings: Settings) -> Cells:
    return {column(name): value for name, value in settings.items()}


def csv_text(table: Sequence[Cells]) -> str:
    """Comma-separated values with a header (RFC 4180); a cell is empty where it is None."""
    names = dict.fromkeys(name for cells in table for name in cells if name != "wall_seconds")
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([*names, "wall_seconds"])
    writer.writerows([show(cells.get(name)) for name in (*names, "wall_seconds")] for cells in table)
    return text.getvalue()


def jsonl_text(table: Iterable[Cells]) -> str:
    """One JSON object a line."""
    return "".join(json.dumps(cells, ensure_ascii=False, allow_nan=False) + "\n" for cells in table)


def write_tables(folder: Path, rows: Iterable[Row], threshold: float) -> None:
    """Writes all four files, each whole or not at all.

    Args:
        folder: of the sweep.
        rows: of all runs, in any order.
        threshold: the error (0..1) from which on the task counts as solved.
    """
    rows = sort_rows(rows)
    for name, table in {
        "results": [row_cells(row) for row in rows],
        "summary": [summary_cells(summary) for summary in summarize(rows, threshold)],
    }.items():
        write_whole(folder / f"{name}.csv", csv_text(table))
        write_whole(folder / f"{name}.jsonl", jsonl_text(table))
