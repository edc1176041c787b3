"""What is written down while a run goes on: metrics.jsonl, and event files for TensorBoard."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import tensorboardX

from lstm_jax.runs.folder import METRICS, TENSORBOARD

type Row = dict[str, Any]


class Writer:
    """Writes one run's metrics.

    Args:
        folder: the run's folder.
        step: what is recorded of later steps is dropped: a resumed run will record it again.
    """

    def __init__(self, folder: Path, step: int):
        self._metrics = folder / METRICS
        _drop_rows_after(self._metrics, step)
        self._file = open(self._metrics, "a")  # noqa: SIM115 - open as long as the run goes on
        purge = step + 1 if step else None
        self._boards = {
            split: tensorboardX.SummaryWriter(str(folder / TENSORBOARD / split), purge_step=purge, flush_secs=10)
            for split in ("train", "test")
        }

    def rows(self, rows: list[Row]) -> None:
        """Writes one row a member, all of one step and split: scalars of the members' mean, and of each if several."""
        for row in rows:
            self._file.write(json.dumps(row) + "\n")
        self._file.flush()
        board, step = self._boards[rows[0]["split"]], rows[0]["step"]
        for name in rows[0].keys() - {"step", "split", "seed"}:
            board.add_scalar(name, np.mean([row[name] for row in rows]), step)
            if len(rows) > 1:
                for row in rows:
                    board.add_scalar(f"{name}_by_seed/{row['seed']}", row[name], step)

    def scalars(self, split: str, group: str, values: dict[str, float], step: int) -> None:
        """Writes named values as one group of charts."""
        for name, value in values.items():
            self._boards[split].add_scalar(f"{group}/{name}", value, step)

    def text(self, name: str, markdown: str, step: int) -> None:
        """Writes a text to the test board."""
        self._boards["test"].add_text(name, markdown, step)

    def image(self, name: str, pixels: np.ndarray, step: int) -> None:
        """Writes a picture, [height, width, 3] bytes, to the test board."""
        self._boards["test"].add_image(name, pixels, step, dataformats="HWC")

    def hyperparameters(self, settings: dict[str, Any], metrics: dict[str, float], step: int) -> None:
        """Writes the settings with the final metrics for the HParams tab."""
        # Under the name "." they belong to this run; under any other TensorBoard shows them as a run of their own.
        self._boards["test"].add_hparams(settings, metrics, name=".", global_step=step)

    def flush(self) -> None:
        """Makes sure that all is on disk: called before each checkpoint, which stands for all that came before it."""
        self._file.flush()
        for board in self._boards.values():
            board.flush()

    def close(self) -> None:
        """Ends the files."""
        self._file.close()
        for board in self._boards.values():
            board.close()


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
    temporary = path.with_name(path.name + ".new")
    temporary.write_text("".join(kept))
    temporary.replace(path)
