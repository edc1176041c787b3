"""Checkpoints: written whole or not at all, checked when they are read, the newest sound one is used.

Only what cannot be made out, or does not match its checksum, is damaged. What the machine cannot read just now is not:
it stays where it is, and nobody goes on without it.

In a run of several processes, process 0 writes and reads, and sends what it has read. So only its disk must last: the
others need no file system in common with it, and cannot find another checkpoint than it does.
"""

import logging
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orbax.checkpoint as ocp

from lstm_jax.axes import PyTree
from lstm_jax.runs import processes
from lstm_jax.runs.faults import fault_of_machine, first_line, silence_echoes
from lstm_jax.runs.leaves import digest, from_arrays, to_arrays

KEPT = 3
"""How many checkpoints are kept: a damaged one must leave an older one."""


class Restored(NamedTuple):
    """What a checkpoint held."""

    step: int
    tree: PyTree
    notes: dict[str, Any]


class CheckpointError(Exception):
    """A checkpoint that cannot be written or read, or not be used for this run; nothing is lost by it."""


class Checkpoints:
    """The checkpoints of one run.

    Args:
        folder: where they are; made if it is missing.
        rows: so many rows of each array are kept, those of the members that were asked for; the rows after them only
            fill up devices, and come back as copies of the last one. None: all rows.
    """

    def __init__(self, folder: Path, rows: int | None = None):
        logging.getLogger("absl").setLevel(logging.ERROR)  # orbax reports every file at the level of a warning
        self.folder, self._rows = folder.absolute(), rows
        self._open()

    @processes.by_first(OSError)
    def _open(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._manager = self._manage()

    def _manage(self, *, read_only: bool = False) -> ocp.CheckpointManager:
        options = ocp.CheckpointManagerOptions(
            max_to_keep=KEPT,
            enable_async_checkpointing=False,
            create=False,
            read_only=read_only,
            multiprocessing_options=ocp.options.MultiprocessingOptions(primary_host=0, active_processes={0}),
        )
        return ocp.CheckpointManager(self.folder, options=options)

    @processes.by_first(CheckpointError)
    def steps(self) -> list[int]:
        """The steps of the checkpoints that are there, in rising order."""
        return self._steps()

    def _steps(self) -> list[int]:
        return sorted(self._manager.all_steps())

    def save(self, step: int, tree: PyTree, notes: dict[str, Any]) -> None:
        """Writes a checkpoint, unless there is one of this step already.

        Raises:
            CheckpointError: it could not be written, because the disk is full for example.
        """
        arrays = to_arrays(tree)
        if self._rows is not None:
            arrays = {name: array[: self._rows] for name, array in arrays.items()}
        self._write(step, arrays, notes)

    @processes.by_first(CheckpointError)
    def _write(self, step: int, arrays: dict[str, np.ndarray], notes: dict[str, Any]) -> None:
        if step in self._steps():
            return
        notes = {**notes, "digest": digest(arrays)}
        content = ocp.args.Composite(arrays=ocp.args.StandardSave(arrays), notes=ocp.args.JsonSave(notes))
        try:
            self._manager.save(step, args=content)
        except Exception as error:  # orbax and tensorstore raise many kinds; all mean that there is no checkpoint
            last = max(self._steps(), default=None)
            kept = f"the checkpoint of step {last} is kept" if last is not None else "there is none before it"
            raise CheckpointError(
                f"the checkpoint of step {step} could not be written, {kept}: {first_line(error)}"
            ) from error

    def restore(self, like: PyTree) -> tuple[Restored | None, list[str]]:
        """The newest sound checkpoint.

        Args:
            like: a tree of the same structure and shapes.

        Returns:
            What it held, or None where there is none; and a line for each damaged one. These are set aside, so that
            their step can be saved again.

        Raises:
            CheckpointError: a sound checkpoint is of another structure, or the machine cannot read one now.
        """
        arrays: dict[str, np.ndarray] = {}
        step, notes, damaged = self._newest_sound(arrays)
        if step is None:
            return None, damaged
        try:
            return Restored(step, from_arrays(processes.share(arrays), like, self._rows), notes), damaged
        except ValueError as error:
            raise CheckpointError(
                f"the checkpoint of step {step} in {self.folder} is sound, but of another program: {error}; "
                "use the version, the platform and the --cpu_devices that wrote it"
            ) from None

    @processes.by_first(CheckpointError)
    def _newest_sound(self, arrays: dict[str, np.ndarray]) -> tuple[int | None, dict[str, Any], list[str]]:
        """The step and notes of the newest sound checkpoint, and a line for each damaged one; fills in the arrays."""
        damaged: list[str] = []
        for step in reversed(self._steps()):
            try:
                found, notes = self._read(step)
            except Exception as error:  # whatever is wrong with its content, the one before it is tried
                damaged.append(self._set_aside(step, error))
                continue
            arrays.update(found)
            return step, notes, damaged
        return None, {}, damaged

    def _set_aside(self, step: int, error: Exception) -> str:
        """Makes room for another checkpoint of this step, and says so; not where the machine failed to read it."""
        self._refuse_fault(step, error)
        place, aside = self.folder / str(step), self.folder / f"damaged-{step}-{time.time_ns()}"
        try:
            place.rename(aside)
            self._manager.reload()
        except OSError as failure:
            raise CheckpointError(f"{place} is damaged and cannot be set aside: {first_line(failure)}") from error
        return f"the checkpoint of step {step} is damaged and was set aside as {aside.name}: {first_line(error)}"

    def _refuse_fault(self, step: int, error: Exception) -> None:
        """Raises a CheckpointError where the machine, and not the checkpoint, is to blame for an error."""
        fault = fault_of_machine(error)
        if fault is not None:
            raise CheckpointError(
                f"the checkpoint of step {step} cannot be read now ({fault}), and nothing was changed: try again, or "
                f"move {self.folder / str(step)} away to go on without it"
            ) from error

    def _read(self, step: int) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        # No description of what is expected is given: a damaged file must be noticed here, not shaped to fit.
        content = ocp.args.Composite(arrays=ocp.args.StandardRestore(), notes=ocp.args.JsonRestore())
        silence_echoes()
        restored = self._manager.restore(step, args=content)
        if digest(restored.arrays) != restored.notes["digest"]:
            raise ValueError("its contents do not match their checksum")
        return restored.arrays, restored.notes
