"""Event files for TensorBoard, written at once: what cannot be written is an error here and now.

tensorboardX's own SummaryWriter hands events to a thread; when that thread meets a full disk it ends, and whoever waits
for it waits for ever. Its building blocks are used without the thread.
"""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from tensorboardX import summary
from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.proto.summary_pb2 import Summary


class Board:
    """One folder of event files.

    Args:
        folder: where; made if it is missing.
        step: what older files there say of later steps is hidden: a resumed run says it again.
    """

    def __init__(self, folder: Path, step: int):
        folder.mkdir(parents=True, exist_ok=True)
        # The name has the time in seconds only; a process that follows quickly must not write into the same file.
        self._events = EventsWriter(str(folder / "events"), f".{os.getpid()}.{time.monotonic_ns()}")
        self._write(Event(session_log=SessionLog(status=SessionLog.START)), step + 1)

    def scalars(self, points: Mapping[str, float], step: int) -> None:
        """A point of each of some curves, by their names; in one event, which takes half as long as one for each."""
        values = [value for name, point in points.items() for value in summary.scalar(name, point).value]
        if values:
            self._write(Event(summary=Summary(value=values)), step)

    def text(self, name: str, markdown: str, step: int) -> None:
        """A text."""
        self._write(Event(summary=summary.text(name, markdown)), step)

    def image(self, name: str, pixels: np.ndarray, step: int) -> None:
        """A picture, [height, width, 3] bytes."""
        self._write(Event(summary=summary.image(name, pixels, dataformats="HWC")), step)

    def hyperparameters(self, settings: dict[str, Any], metrics: dict[str, float], step: int) -> None:
        """The settings with the final metrics, for the HParams tab."""
        for part in summary.hparams(settings, metrics):
            self._write(Event(summary=part), step)
        self.scalars(metrics, step)

    def flush(self) -> None:
        """Makes sure that all is on disk: tensorboardX waits for the disk, too."""
        self._events.flush()

    def close(self) -> None:
        """Ends the file."""
        self._events.close()

    def _write(self, event: Event, step: int) -> None:
        event.step, event.wall_time = step, time.time()
        self._events.write_event(event)
