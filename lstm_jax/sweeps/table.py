"""What came out of a sweep: a row for each run and seed, and a summary for each run, which is one setting."""

import dataclasses
import math
import shlex
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lstm_jax.settings import Settings, Value
from lstm_jax.sweeps.collect import steps_to_reach

DONE, FAILED, DROPPED = "done", "failed", "dropped"

NOT_OF_A_ROW = ("seed", "num_seeds", "workdir", "progress")
"""Settings of a run that say nothing about one of its seeds, or nothing about results."""


@dataclasses.dataclass(frozen=True)
class Row:
    """One seed of one run. What is not known is None.

    `status` is "done", "failed", or "dropped": successive halving ended it early, and its error is that of then.
    `steps_to_solve` are the updates at the first evaluation that reached the threshold, `wall_seconds` the run's,
    `flags` are what was given by hand besides the seeds; `varied` is the part of `settings` that the sweep varies.
    """

    experiment: str
    run: str
    seed: int
    status: str
    reason: str | None
    test_error: float | None
    test_mistakes: int | None
    test_size: int | None
    test_loss: float | None
    steps: int | None
    steps_to_solve: int | None
    folder: str
    wall_seconds: float | None
    flags: Settings
    varied: Settings
    settings: Settings

    @property
    def command(self) -> str:
        """The command that trains this seed alone."""
        return command(self.experiment, {**self.flags, "seed": self.seed})


@dataclasses.dataclass(frozen=True)
class Summary:
    """All seeds of one run, which is one setting.

    Errors are those of the seeds that are done, and `sd_error` is their standard deviation (of a sample: n - 1);
    `success_rate` is the share of all seeds that are done with an error of at most the threshold;
    `median_steps_to_solve` counts a seed that never reached it as endless, and is None where the median is.
    """

    run: str
    varied: Settings
    seeds: int
    done: int
    dropped: int
    mean_error: float | None
    sd_error: float | None
    best_error: float | None
    success_rate: float
    median_steps_to_solve: float | None
    folder: str
    command: str
    wall_seconds: float | None


def make_rows(
    run: str,
    record: Mapping[str, Any],
    result: Mapping[str, Any] | None,
    metrics: Sequence[Mapping[str, Any]],
    *,
    failures: Mapping[int, str],
    dropped: Mapping[int, int],
    flags: Settings,
    varied: Sequence[str],
    threshold: float,
    folder: str,
) -> list[Row]:
    """The rows of one run, in the order of its seeds.

    Args:
        run: its identity.
        record: its config.json, or what would be in it: `experiment` and `settings`.
        result: its result.json, if it came so far.
        metrics: the lines of its metrics.jsonl.
        failures: why a seed has no result.
        dropped: the step at which successive halving dropped a seed.
        flags: the settings given by hand, `preset` too, but for the seeds.
        varied: names of the settings that the sweep varies.
        threshold: the error (0..1) from which on the task counts as solved.
        folder: the run's, as it is to be shown.
    """
    settings, first = record["settings"], record["settings"]["seed"]
    by_seed = {seed["seed"]: seed for seed in (result or {}).get("seeds", ())}
    rows = []
    for seed in range(first, first + settings["num_seeds"]):
        own = by_seed.get(seed, {})
        status, reason = _status(bool(own), failures.get(seed), dropped.get(seed))
        rows.append(
            Row(
                experiment=record["experiment"],
                run=run,
                seed=seed,
                status=status,
                reason=reason,
                test_error=_finite(own.get("test_error")),
                test_mistakes=own.get("test_mistakes"),
                test_size=own.get("test_size"),
                test_loss=_finite(own.get("test_loss")),
                steps=own.get("steps"),
                steps_to_solve=steps_to_reach([row for row in metrics if row["seed"] == seed], threshold),
                folder=folder,
                wall_seconds=(result or {}).get("wall_seconds"),
                flags=flags,
                varied={name: settings[name] for name in varied},
                settings={name: value for name, value in settings.items() if name not in NOT_OF_A_ROW},
            )
        )
    return rows


def _status(known: bool, failure: str | None, dropped: int | None) -> tuple[str, str | None]:
    if not known:
        return FAILED, failure or "no result"
    return (DONE, None) if dropped is None else (DROPPED, f"dropped at step {dropped:,}")


def sort_rows(rows: Iterable[Row]) -> list[Row]:
    """In the order of the settings that vary, then of seeds, whatever the order in which the runs ended."""

    def key(row: Row) -> tuple[Any, ...]:
        return tuple((isinstance(value, str), value) for value in row.varied.values()), row.run, row.seed

    return sorted(rows, key=key)


def summarize(rows: Iterable[Row], threshold: float) -> list[Summary]:
    """A summary for each run, in the order of sort_rows.

    Args:
        rows: of all runs.
        threshold: the error (0..1) from which on the task counts as solved.
    """
    runs: dict[str, list[Row]] = {}
    for row in sort_rows(rows):
        runs.setdefault(row.run, []).append(row)
    return [_summarize_run(own, threshold) for own in runs.values()]


def _summarize_run(rows: list[Row], threshold: float) -> Summary:
    errors = [row.test_error for row in rows if row.status == DONE and row.test_error is not None]
    median = statistics.median(math.inf if row.steps_to_solve is None else row.steps_to_solve for row in rows)
    first = rows[0]
    return Summary(
        run=first.run,
        varied=first.varied,
        seeds=len(rows),
        done=sum(row.status == DONE for row in rows),
        dropped=sum(row.status == DROPPED for row in rows),
        mean_error=statistics.fmean(errors) if errors else None,
        sd_error=statistics.stdev(errors) if len(errors) > 1 else None,
        best_error=min(errors, default=None),
        success_rate=sum(error <= threshold for error in errors) / len(rows),
        median_steps_to_solve=_finite(median),
        folder=first.folder,
        command=command(first.experiment, {**first.flags, "seed": first.seed, "num_seeds": len(rows)}),
        wall_seconds=max((row.wall_seconds for row in rows if row.wall_seconds is not None), default=None),
    )


def command(experiment: str, flags: Settings) -> str:
    """The command that runs an experiment with these flags, as a shell reads it."""
    words = [f"--{name}={show(value)}" for name, value in flags.items()]
    return shlex.join(["python", "-m", f"experiments.{experiment}", *words])


def show(value: Value | None) -> str:
    """A setting's value as a flag takes it; nothing for None."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
