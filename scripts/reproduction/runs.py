"""Runs the paper presets, each in a process of its own, and reads what they leave behind."""

import dataclasses
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from lstm_jax.runs import folder as folders
from lstm_jax.runs.output import speak
from lstm_jax.sweeps.collect import Curve, read_metrics, read_result
from scripts.reproduction.cases import Case, Claim


class RunFailedError(Exception):
    """A run that ended before it was done; what it said itself stands above. `status`: how its process ended."""

    def __init__(self, command: str, status: int):
        super().__init__(f"status {status} from: {command}")
        self.status = status


@dataclasses.dataclass(frozen=True)
class Budget:
    """How much is run.

    Args:
        workdir: where the folders of the runs are.
        seed: of the first run.
        num_seeds: how many runs of each preset.
        share: of the updates of the preset.
    """

    workdir: Path
    seed: int
    num_seeds: int
    share: float = 1.0

    def steps(self, case: Case) -> int:
        """Updates of each run."""
        return max(1, round(self.share * case.config.training.num_steps))

    def populations(self) -> list[range]:
        """Seeds that are trained in one program: the first alone, because its wall time is measured, then the rest."""
        first, after = range(self.seed, self.seed + 1), range(self.seed + 1, self.seed + self.num_seeds)
        return [first, after] if after else [first]

    def folder(self, case: Case, seeds: range) -> Path:
        """The run's folder: another one for other seeds and other updates."""
        name = f"seed_{seeds[0]}" if len(seeds) == 1 else f"seeds_{seeds[0]}-{seeds[-1]}"
        quick = f"_{self.steps(case)}_updates" if self.share < 1 else ""
        return self.workdir / case.name / f"{name}{quick}"


def run_all(cases: Sequence[Case], budget: Budget) -> None:
    """Runs what is not finished yet; what the runs say is seen as they say it.

    Raises:
        RunFailedError: a run was interrupted or cannot go on.
    """
    for case in cases:
        for seeds in budget.populations():
            settings = {
                "preset": "paper",
                **case.settings,
                "num_steps": budget.steps(case),
                "seed": seeds[0],
                "num_seeds": len(seeds),
                "workdir": budget.folder(case, seeds),
            }
            module = f"experiments.{case.experiment}"
            _run([sys.executable, "-m", module, *(f"--{name}={value}" for name, value in settings.items())])


def _run(command: list[str]) -> None:
    shown = shlex.join([folders.tool("python"), *command[1:]])
    speak(f"\n{shown}")
    # Compiled anew: the wall time is that of somebody's first run.
    with subprocess.Popen(command, env={**os.environ, "JAX_ENABLE_COMPILATION_CACHE": "false"}) as process:
        before = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        try:
            status = process.wait()
        except KeyboardInterrupt:  # Ctrl-C reaches the run as well, which saves
            status = process.wait()
        finally:
            signal.signal(signal.SIGTERM, before)
    if status:
        raise RunFailedError(shown, status)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came out of one preset.

    Args:
        case: the preset.
        values: by quantity and seed, what there is after so many updates.
        seconds: wall time of the first seed's run; None if it was not run to the preset's end.
        total_seconds: wall time of all its runs, one after another.
    """

    case: Case
    values: dict[str, dict[int, Curve]]
    seconds: float | None
    total_seconds: float

    def at(self, claim: Claim) -> list[float]:
        """Our values of a published figure, one a seed; none where the run was too short."""
        if claim.quantity == "times":
            return list(self.case.times_as_fast)
        if claim.quantity == "seconds":
            return [] if self.seconds is None else [self.seconds]
        curves = [dict(curve) for curve in self.values[claim.quantity].values()]
        return [curve[claim.step] for curve in curves if claim.step in curve]


def read_outcome(case: Case, budget: Budget) -> Outcome:
    """Reads what the finished runs of a preset left behind.

    Raises:
        FolderError: a run is missing or not finished.
    """
    values: dict[str, dict[int, Curve]] = {"error": {}, "accuracy": {}, "loss": {}}
    seconds, total = None, 0.0
    for seeds in budget.populations():
        folder = budget.folder(case, seeds)
        result = read_result(folder)
        if result is None:
            raise folders.FolderError(f"--workdir={folder} holds no finished run")
        total += result["wall_seconds"]
        if len(seeds) == 1 and seeds[0] == budget.seed and result["steps"] == case.config.training.num_steps:
            seconds = result["wall_seconds"]
        for row in read_metrics(folder):
            if row["split"] == case.split:
                for name, value in {**row, "accuracy": 1 - row["error"]}.items():
                    if name in values:
                        values[name].setdefault(row["seed"], []).append((row["step"], value))
    return Outcome(case, values, seconds, total)
