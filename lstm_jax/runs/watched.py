"""A run that somebody else may be training: its checkpoints are read without a lock and left as they are.

The trainer writes a checkpoint whole before it removes the oldest. So there is always a sound one, and what fails while
others come and go says nothing of the checkpoint that was read.
"""

import contextlib
from pathlib import Path
from typing import Any, override

import numpy as np

from lstm_jax.runs.checkpoint import CheckpointError, Checkpoints
from lstm_jax.runs.faults import first_line
from lstm_jax.runs.session import Session

TRIES = 20
"""How often reading begins again because the trainer was faster."""


class WatchedCheckpoints(Checkpoints):
    """The checkpoints of one run for somebody who only reads; see `Checkpoints`."""

    @override
    def _open(self) -> None:
        for _ in range(TRIES):
            with contextlib.suppress(FileNotFoundError):  # orbax looks at a folder that was there when it listed them
                self._manager = self._manage(read_only=True)
                return
        raise self._overtaken()

    @override
    def _newest_sound(self, arrays: dict[str, np.ndarray]) -> tuple[int | None, dict[str, Any], list[str]]:
        for _ in range(TRIES):
            there, damaged = self._there(), list[str]()
            for step in sorted(there, reverse=True):
                try:
                    found, notes = self._read(step)
                except Exception as error:  # whatever is wrong with its content, the one before it is tried
                    if self._there() != there:
                        break
                    self._refuse_fault(step, error)
                    damaged.append(f"the checkpoint of step {step} is damaged: {first_line(error)}")
                    continue
                arrays.update(found)
                return step, notes, damaged
            else:
                return None, {}, damaged
        raise self._overtaken()

    def _overtaken(self) -> CheckpointError:
        return CheckpointError(
            f"the checkpoints in {self.folder} are replaced faster than they can be read: ask again, or when the run "
            "has ended; --checkpoint_every says how often they are written"
        )

    def _there(self) -> set[int]:
        """The steps that are there now; orbax remembers those that were."""
        folder: Path = self.folder
        return {int(path.name) for path in folder.iterdir() if path.name.isdigit()} if folder.exists() else set()


class WatchedSession(Session):
    """The members of a run as its newest sound checkpoint has them; the folder need not be locked."""

    checkpoints_type = WatchedCheckpoints
