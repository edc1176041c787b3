"""What is written down while a run goes on: metrics.jsonl, and event files for TensorBoard."""

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lstm_jax.runs.board import Board
from lstm_jax.runs.files import write_whole
from lstm_jax.runs.folder import METRICS, TENSORBOARD

type Row = dict[str, Any]


class Writer:
    """Writes one run's metrics.

    Args:
        folder: the run's folder.
        step: what is recorded of later steps is dropped: a resumed run will record it again.
        num_seeds: members of the population.
        train_tags: what TensorBoard calls numbers of the training, where not as metrics.jsonl does.
    """

    def __init__(self, folder: Path, step: int, num_seeds: int, train_tags: Mapping[str, str] | None = None):
        self._metrics = folder / METRICS
        self._num_seeds, self._train_tags = num_seeds, train_tags or {}
        _drop_rows_after(self._metrics, step)
        self._file = open(self._metrics, "a")  # noqa: SIM115 - open as long as the run goes on
        self.train = Board(folder / TENSORBOARD / "train", step)
        self.test = Board(folder / TENSORBOARD / "test", step)

    def rows(self, rows: list[Row]) -> None:
        """Writes one row a member, all of one step and split: scalars of the members' mean, and of each if several."""
        for row in rows:
            self._file.write(json.dumps(row) + "\n")
        self._file.flush()
        trains, step = rows[0]["split"] == "train", rows[0]["step"]
        board, tags = (self.train, self._train_tags) if trains else (self.test, {})
        points = {}
        for name in sorted(rows[0].keys() - {"step", "split", "seed", "size"}):
            tag = tags.get(name, name)
            points[tag] = float(np.mean([row[name] for row in rows]))
            if self._num_seeds > 1:
                points |= {f"{tag}_by_seed/{row['seed']}": row[name] for row in rows}
        board.scalars(points, step)

    def flush(self) -> None:
        """Makes sure that all is on disk: called before each checkpoint, which stands for all that came before it."""
        self._file.flush()  # to the system alone; what follows takes 0.2 ms more, of the 45 that a checkpoint takes
        os.fsync(self._file.fileno())
        self.train.flush()
        self.test.flush()

    def close(self) -> None:
        """Ends the files, each of them even if another cannot be written to."""
        with contextlib.ExitStack() as files:
            for file in (self._file, self.train, self.test):
                files.callback(file.close)


def _drop_rows_after(path: Path, step: int) -> None:
    if not path.exists():
        return
    kept = []
    for line in path.read_text().splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue  # the last line of a process that was killed while it wrote
        if row["step"] <= step:
            kept.append(line + "\n")
    write_whole(path, "".join(kept))
