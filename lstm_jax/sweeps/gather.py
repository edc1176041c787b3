"""From the folders of a sweep's runs to its tables and its report."""

import dataclasses
from typing import Any

from lstm_jax.sweeps.collect import Curve, curves, read_metrics, read_result
from lstm_jax.sweeps.compare import baselines
from lstm_jax.sweeps.figures import Sweep
from lstm_jax.sweeps.plan import Plan
from lstm_jax.sweeps.report import write_report
from lstm_jax.sweeps.results import write_tables
from lstm_jax.sweeps.store import RUNS, Store
from lstm_jax.sweeps.table import Row, make_rows, sort_rows, summarize


@dataclasses.dataclass(frozen=True)
class _Found:
    """What a run that is done left behind."""

    rows: list[Row]
    curves: dict[int, Curve]
    result: dict[str, Any] | None


class Gatherer:
    """Puts together what is done; each run is read once.

    Args:
        plan: the runs of the sweep.
        store: its folder.
        threshold: the error (0..1) from which on the task counts as solved.
    """

    def __init__(self, plan: Plan, store: Store, threshold: float):
        self._plan, self._store, self._threshold = plan, store, threshold
        self._runs = {run.identity: run for run in plan.runs}
        self._found: dict[str, _Found] = {}

    def add(self, identity: str) -> list[Row]:
        """Reads a run; returns its rows, none if it is not done."""
        run, ended = self._runs[identity], self._store.ended(identity)
        if ended is None:
            return []
        folder = self._store.run_folder(identity)
        result, metrics = read_result(folder), read_metrics(folder)
        rows = make_rows(
            identity,
            {"experiment": self._plan.experiment, "settings": run.config.settings()},
            result,
            metrics,
            failures=ended.failures,
            dropped=ended.dropped,
            flags=run.flags,
            varied=self._plan.varied,
            threshold=self._threshold,
            folder=f"{RUNS}/{identity}",
        )
        self._found[identity] = _Found(rows, curves(metrics), result)
        return rows

    @property
    def rows(self) -> list[Row]:
        """Those of all runs that are done, in the order of the table."""
        return sort_rows(row for found in self._found.values() for row in found.rows)

    def write_tables(self) -> None:
        """Writes the tables of what is done."""
        write_tables(self._store.folder, self.rows, self._threshold)

    def write_report(self, command: str, seconds: float) -> None:
        """Writes tables, pictures and the page; the tables first, which nothing that fails after them takes away."""
        self.write_tables()
        rows = self.rows
        results = [
            (self._plan.settings_of(run), found.result)
            for run, found in ((run, self._found.get(run.identity)) for run in self._plan.runs)
            if found is not None and found.result is not None
        ]
        sweep = Sweep(
            rows,
            summarize(rows, self._threshold),
            {identity: found.curves for identity, found in self._found.items()},
            self._plan.varied,
            self._threshold,
            baselines(results),
            self._plan.drawn,
            self._plan.question,
        )
        what = " by ".join(self._plan.varied) or "all seeds"
        title = f"{self._plan.experiment}: {what}"
        write_report(self._store.folder, sweep, title=title, command=command, seconds=seconds)
