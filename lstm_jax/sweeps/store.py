"""The folder of a sweep: what it holds, and what of it is still to be done.

    sweep.json          what may not change from command to command, the last command, and the time spent
    runs/IDENTITY/      a run's folder, and outcome.json: why seeds failed, and at which step they were dropped
    groups/NAME/        task.json and the checkpoints of runs that are trained together, until all have an outcome
    workers/            what the workers said on standard error
    results.csv ...     the table, the page and the pictures

The outcome is the last that is written of a run: what has one is done. A group is removed after the outcomes of all
its runs; so whatever moment a sweep is killed at, each run is done, or in a group that goes on, or not begun.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from lstm_jax.runs import folder as folders
from lstm_jax.runs.faults import fault_of_machine
from lstm_jax.settings import SettingError
from lstm_jax.sweeps.plan import Run
from lstm_jax.sweeps.table import show
from lstm_jax.sweeps.task import Task, from_data

RUNS, GROUPS, WORKERS, OUTCOME, TASK = "runs", "groups", "workers", "outcome.json", "task.json"


MOST_NAMED = 4
"""Values of a setting that a message names."""


class Ended(NamedTuple):
    """What became of a run, beside its result.json: why seeds failed, at which step seeds were dropped."""

    failures: dict[int, str]
    dropped: dict[int, int]


class Spent(NamedTuple):
    """Wall time, the seconds of all workers together, and the work (`work.estimate`) that was done in them."""

    seconds: float
    worker_seconds: float
    work: float


class Store:
    """The folder of a sweep.

    Args:
        folder: of the sweep.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    def run_folder(self, identity: str) -> Path:
        """Where a run is."""
        return self.folder / RUNS / identity

    def group_folder(self, name: str) -> Path:
        """Where a task's checkpoints are."""
        return self.folder / GROUPS / name

    def worker_folder(self) -> Path:
        """Where workers leave what they say."""
        return self.folder / WORKERS

    def begin(self, experiment: str, halving: int) -> Spent:
        """Checks that the folder is one of a sweep of this kind, or of none; returns what was spent in it before.

        Raises:
            SettingError: it is the folder of a sweep of another kind.
            FolderError: it is the folder of a run, or its sweep.json is not that of a sweep.
        """
        path = self.folder / folders.SWEEP
        if not path.exists():
            if (self.folder / folders.CONFIG).exists():
                raise folders.FolderError(f"--workdir={self.folder} holds a run; a sweep needs a folder of its own")
            return Spent(0.0, 0.0, 0.0)
        there, kind = folders.read_json(path), {"experiment": experiment, "halving": halving}
        lacking = [name for name in (*kind, *Spent._fields) if name not in there]
        if lacking:
            raise folders.FolderError(f"{path} is not that of a sweep: it lacks {', '.join(lacking)}")
        for name, ours in kind.items():
            if there[name] != ours:
                raise SettingError(name, ours, f"the sweep in {self.folder} has --{name}={there[name]}")
        return Spent(*(there[name] for name in Spent._fields))

    def check_same_sweep(self, runs: Sequence[Run]) -> int:
        """Checks that these runs belong to the sweep that is here; returns how many of its runs are not among them.

        Raises:
            FolderError: it has runs, and none of them is among these; the message names settings that differ.
        """
        there = {folder.name: folder for folder in (self.folder / RUNS).glob("*")}
        others = there.keys() - {run.identity for run in runs}
        if not there or len(others) < len(there):
            return len(others)
        records = [folders.read_record(path) for path in there.values() if _has_config(path)]
        differences = _differences([record["settings"] for record in records], runs)
        raise folders.FolderError(
            f"--workdir={self.folder} holds another sweep, of which this command has no run"
            f"{differences and f' ({differences})'}; values are added to those that were given before, "
            "another sweep needs another --workdir"
        )

    def note(self, experiment: str, halving: int, command: str, spent: Spent) -> None:
        """Writes sweep.json."""
        content = {"experiment": experiment, "halving": halving, "command": command, **spent._asdict()}
        folders.write_json(self.folder / folders.SWEEP, content)

    def ended(self, identity: str) -> Ended | None:
        """What became of a run; None while it is not done. A result without an outcome was made by other means."""
        folder = self.run_folder(identity)
        if (folder / OUTCOME).exists():
            content = folders.read_json(folder / OUTCOME)
            return Ended(*({int(seed): note for seed, note in content[name].items()} for name in Ended._fields))
        return Ended({}, {}) if (folder / folders.RESULT).exists() else None

    def end(self, identity: str, failures: Mapping[int, str], dropped: Mapping[int, int]) -> None:
        """Notes what became of a run."""
        folder = self.run_folder(identity)
        folder.mkdir(parents=True, exist_ok=True)
        content = {
            name: {str(seed): note for seed, note in notes.items()}
            for name, notes in zip(Ended._fields, (failures, dropped), strict=True)
        }
        folders.write_json(folder / OUTCOME, content)

    def has_outcome(self, identity: str) -> bool:
        """Whether it is known what became of a run of a group."""
        return (self.run_folder(identity) / OUTCOME).exists()

    def forget(self, identity: str) -> None:
        """Makes a run one that is to be done; what it wrote of its steps goes when it begins anew."""
        for name in (OUTCOME, folders.RESULT):
            (self.run_folder(identity) / name).unlink(missing_ok=True)

    def add_group(self, task: Task) -> None:
        """Makes a task one that goes on whatever happens."""
        folder = self.group_folder(task.name)
        folder.mkdir(parents=True, exist_ok=True)
        folders.write_json(folder / TASK, task.as_data())

    def remove_group(self, name: str) -> None:
        """Removes a task and its checkpoints."""
        shutil.rmtree(self.group_folder(name), ignore_errors=True)

    def unfinished(self, runs: Sequence[Run]) -> list[Task]:
        """The tasks that were begun and are to go on; others that stand in their way are removed.

        Args:
            runs: that are wanted.
        """
        wanted, taken, tasks = {run.identity for run in runs}, set[str](), []
        for folder in sorted((self.folder / GROUPS).glob("*")):
            task = _read_task(folder / TASK)
            if task is None or all(self.has_outcome(identity) for identity in task.identities):
                self.remove_group(folder.name)
            elif task.identities <= wanted - taken:
                tasks.append(task)
                taken |= task.identities
            elif task.identities & wanted:  # its runs are begun anew, in another company
                self.remove_group(folder.name)
        return tasks


def _read_task(path: Path) -> Task | None:
    try:
        content: dict[str, Any] = json.loads(path.read_text())
        return from_data(content)
    except (OSError, ValueError, KeyError, TypeError) as error:
        if fault_of_machine(error) is not None:
            raise  # its checkpoints may be sound, and would be removed
        return None


def _has_config(folder: Path) -> bool:
    return (folder / folders.CONFIG).exists()


def _differences(there: Sequence[Mapping[str, Any]], runs: Sequence[Run]) -> str:
    """The settings that have no value in common, with the values of both sides."""
    ours = [run.config.settings(identity_only=True) for run in runs]
    words = []
    for name in ours[0]:
        before, now = ({own[name] for own in side if name in own} for side in (there, ours))
        if before and not before & now:
            words.append(f"{name}: {_listed(before)} there, {_listed(now)} here")
    return "; ".join(words)


def _listed(values: set[Any]) -> str:
    words = [show(value) for value in sorted(values, key=lambda value: (isinstance(value, str), value))]
    return ", ".join(words if len(words) <= MOST_NAMED else [*words[:MOST_NAMED], "..."])
