"""Contestants take turns: repetition 1 of everyone, repetition 2 of everyone, so that a slow minute hits all alike."""

import contextlib
import dataclasses
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.participants import MATMUL, PEERS, Peer
from benchmarks.process import Contestant, NotMeasuredError
from benchmarks.results import Measurement, compare
from benchmarks.work import Shape, draw

MATMUL_REPETITIONS = 5


@dataclasses.dataclass(frozen=True)
class Conditions:
    """What holds for all contestants, and how often each is measured."""

    platform: str = "auto"
    dtype: str = "float32"
    matmul_precision: str = "default"
    repetitions: int = 7
    starts: int = 1
    torch_python: str = sys.executable

    def tolerance(self, platform: str) -> float:
        """The largest relative difference between two losses that rounding explains."""
        if self.dtype == "bfloat16":
            return 5e-2
        # An accelerator may round the operands of a product to ten bits (TF32) unless it is told not to.
        return 1e-3 if platform == "cpu" or self.matmul_precision == "highest" else 1e-2


class Tournament:
    """The processes of all contestants, those of the matrix product included.

    Args:
        names: of the peers, from PEERS.
        conditions: what holds for all of them.
        folder: for weights, inputs and what the processes write on standard error.

    To be used as a context, which ends the processes.
    """

    def __init__(self, names: Sequence[str], conditions: Conditions, folder: Path):
        self.names, self.conditions, self._folder = list(names), conditions, folder
        self.about: dict[str, dict[str, Any]] = {}
        self.missing: dict[str, str] = {}
        self._processes: dict[str, Contestant] = {}

    def __enter__(self) -> "Tournament":
        self._start({**self._peers, **MATMUL})
        for name in self.names:
            if name in self.about and self.about[name]["platform"] != self.platform:
                self.missing[name] = f"it computes on the {self.about[name]['platform']}, others on the {self.platform}"
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes.values():
            process.close()

    @property
    def _peers(self) -> dict[str, Peer]:
        return {name: PEERS[name] for name in self.names}

    def _start(self, peers: Mapping[str, Peer]) -> None:
        for number, (name, peer) in enumerate(peers.items()):
            shared = {"platform": self.conditions.platform, "matmul_precision": self.conditions.matmul_precision}
            python = self.conditions.torch_python if name == "torch" else sys.executable
            with self._noting(name):
                self._processes[name] = Contestant(
                    python, peer.module, {**shared, **dict(peer.options)}, self._folder / f"{number}.err"
                )
        for name, process in list(self._processes.items()):
            with self._noting(name):
                self.about[name] = process.answer()

    @property
    def platform(self) -> str:
        """What is computed on: `cpu`, `gpu` or `tpu`.

        Raises:
            NotMeasuredError: JAX can compute on nothing of what was asked for.
        """
        for name in MATMUL:
            if name in self.about:
                return self.about[name]["platform"]
        raise NotMeasuredError(next(iter(self.missing.values())))

    def matmul_gflops(self, size: int) -> dict[str, float | None]:
        """The best rate of a large matrix product for each way to do it, in operations a nanosecond.

        None where it could not be measured; `missing` has the reason.
        """
        best: dict[str, float | None] = dict.fromkeys(MATMUL)
        for name in best:
            for part in sorted({size, max(1, size // 2)}):  # the larger one may not fit into the memory
                try:
                    request = {"pass": "matmul", "size": part, "dtype": self.conditions.dtype, "arrays": None}
                    self._ask(name, do="prepare", **request)
                    for _ in range(MATMUL_REPETITIONS):
                        seconds = self._ask(name, do="repeat", calls=1)["seconds"]
                        best[name] = max(best[name] or 0.0, 2 * part**3 / seconds / 1e9)
                except NotMeasuredError as error:
                    if best[name] is None:
                        self.missing[name] = str(error)
        return best

    def measure(self, cell: str, which: str, shape: Shape, told: Callable[[str], None]) -> list[Measurement]:
        """Starts all peers, prepares one after another, lets them take turns; and begins again, as often as wanted.

        Where a process has its memory follows from what it has computed before, and from chance: PyTorch takes 2.0 ms
        for one sequence of 3 time steps, 512 units, in one process of five, and 4.3 in the others. Nobody's time may
        depend on which other shapes are measured, or on a single process.

        Args:
            cell: `lstm` or `gru`.
            which: `forward` or `both`.
            shape: of the layer and its inputs.
            told: hears what is being done.

        Returns:
            One measurement a peer that has the cell.
        """
        arrays = self._folder / "arrays.npz"
        np.savez(arrays, **draw(cell, shape))  # type: ignore[arg-type]
        rows = [Measurement(cell, which, shape, name) for name in self.names if cell in PEERS[name].cells]
        request = {"cell": cell, "pass": which, "dtype": self.conditions.dtype, "arrays": str(arrays)}
        turns, starts = self.conditions.repetitions, self.conditions.starts
        for start in range(starts):
            told("all start")
            self._start_anew()
            for row in rows:
                if row.measured:
                    told(f"{row.peer} prepares")
                    with self._noting(row.peer, row):
                        row.prepared(self._ask(row.peer, do="prepare", **request))
            for number in range(turns * start // starts, turns * (start + 1) // starts):
                for row in rows:
                    if row.measured:
                        told(f"repetition {number + 1} of {turns}: {row.peer}")
                        with self._noting(row.peer, row):
                            row.seconds.append(self._ask(row.peer, do="repeat", calls=row.calls)["seconds"])
        compare(rows, self.conditions.tolerance(self.platform))
        return rows

    def _start_anew(self) -> None:
        """Ends all processes and starts the peers' again."""
        self.__exit__()
        self._processes.clear()
        self._start(self._peers)

    def _ask(self, name: str, **request: Any) -> dict[str, Any]:
        if name in self.missing:
            raise NotMeasuredError(self.missing[name])
        return self._processes[name].ask(**request)

    @contextlib.contextmanager
    def _noting(self, name: str, row: Measurement | None = None) -> Iterator[None]:
        """Keeps the reason why something is not measured; without a row it holds for all that is to come."""
        try:
            yield
        except NotMeasuredError as error:
            if row is None:
                self.missing[name] = str(error)
            else:
                row.not_measured = str(error)
