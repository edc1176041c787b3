"""Checkpoints: written whole or not at all, checked when they are read, the newest sound one is used."""

import hashlib
import logging
import time
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import orbax.checkpoint as ocp

from lstm_jax.axes import PyTree

KEPT = 3
"""How many checkpoints are kept: a damaged one must leave an older one."""


class Restored(NamedTuple):
    """What a checkpoint held."""

    step: int
    tree: PyTree
    notes: dict[str, Any]


class CheckpointError(Exception):
    """A checkpoint that cannot be written, or not be used for this run; nothing is lost by it."""


class Checkpoints:
    """The checkpoints of one run.

    Args:
        folder: where they are; made if it is missing.
    """

    def __init__(self, folder: Path):
        logging.getLogger("absl").setLevel(logging.ERROR)  # orbax reports every file at the level of a warning
        self.folder = folder.absolute()
        options = ocp.CheckpointManagerOptions(max_to_keep=KEPT, enable_async_checkpointing=False, create=True)
        self._manager = ocp.CheckpointManager(self.folder, options=options)

    def steps(self) -> list[int]:
        """The steps of the checkpoints that are there, in rising order."""
        return sorted(self._manager.all_steps())

    def save(self, step: int, tree: PyTree, notes: dict[str, Any]) -> None:
        """Writes a checkpoint, unless there is one of this step already.

        Raises:
            CheckpointError: it could not be written, because the disk is full for example.
        """
        if step in self._manager.all_steps():
            return
        arrays = to_arrays(tree)
        notes = {**notes, "digest": digest(arrays)}
        content = ocp.args.Composite(arrays=ocp.args.StandardSave(arrays), notes=ocp.args.JsonSave(notes))
        try:
            self._manager.save(step, args=content)
        except Exception as error:  # orbax and tensorstore raise many kinds; all mean that there is no checkpoint
            last = max(self.steps(), default=None)
            kept = f"the checkpoint of step {last} is kept" if last is not None else "there is none before it"
            raise CheckpointError(f"the checkpoint of step {step} could not be written, {kept}: {error}") from error

    def restore(self, like: PyTree) -> tuple[Restored | None, list[str]]:
        """The newest sound checkpoint.

        Args:
            like: a tree of the same structure and shapes.

        Returns:
            What it held, or None where there is none; and a line for each damaged one. These are set aside, so that
            their step can be saved again.

        Raises:
            CheckpointError: a sound checkpoint is of another structure.
        """
        damaged: list[str] = []
        for step in reversed(self.steps()):
            try:
                arrays, notes = self._read(step)
            except Exception as error:  # whatever is wrong with it, the one before it is tried
                aside = self.folder / f"damaged-{step}-{time.time_ns()}"
                (self.folder / str(step)).rename(aside)
                self._manager.reload()
                reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
                damaged.append(f"the checkpoint of step {step} is damaged and was set aside as {aside.name}: {reason}")
                continue
            try:
                return Restored(step, from_arrays(arrays, like), notes), damaged
            except ValueError as error:
                raise CheckpointError(
                    f"the checkpoint of step {step} in {self.folder} is sound, but of another program: {error}; "
                    "use the version, the platform and the --cpu_devices that wrote it"
                ) from None
        return None, damaged

    def _read(self, step: int) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        # No description of what is expected is given: a damaged file must be noticed here, not shaped to fit.
        content = ocp.args.Composite(arrays=ocp.args.StandardRestore(), notes=ocp.args.JsonRestore())
        restored = self._manager.restore(step, args=content)
        if digest(restored.arrays) != restored.notes["digest"]:
            raise ValueError("its contents do not match their checksum")
        return restored.arrays, restored.notes


def to_arrays(tree: PyTree) -> dict[str, np.ndarray]:
    """The leaves of a tree as NumPy arrays by their path; random keys as the integers that they are made of."""
    arrays = {}
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        plain = jax.random.key_data(leaf) if _is_key(leaf) else leaf
        arrays[jax.tree_util.keystr(path)] = np.asarray(plain)
    return arrays


def from_arrays(arrays: dict[str, np.ndarray], like: PyTree) -> PyTree:
    """The inverse of `to_arrays`: a tree of the structure of `like`.

    Raises:
        ValueError: an array is missing or has another shape or type.
    """

    def pick(path, leaf):
        plain = jax.eval_shape(jax.random.key_data, leaf) if _is_key(leaf) else leaf
        found = arrays.get(jax.tree_util.keystr(path))
        if found is None or (found.shape, found.dtype) != (plain.shape, plain.dtype):
            raise ValueError(f"{jax.tree_util.keystr(path)} is missing or has another shape")
        return jax.random.wrap_key_data(jax.numpy.asarray(found)) if _is_key(leaf) else found

    return jax.tree_util.tree_map_with_path(pick, like)


def digest(arrays: dict[str, np.ndarray]) -> str:
    """A checksum over names, types, shapes and every bit of the contents."""
    total = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        total.update(f"{name} {array.dtype} {array.shape}".encode())
        total.update(array.tobytes())
    return total.hexdigest()


def _is_key(leaf: Any) -> bool:
    return jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key)
