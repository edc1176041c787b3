"""Who takes part: the libraries, and the large matrix product that their rates are related to."""

import dataclasses
from typing import Any

from benchmarks.results import OURS
from benchmarks.work import CELLS


@dataclasses.dataclass(frozen=True)
class Peer:
    """A library to compare: its label, its file in `contestants`, what its process is told, the cells that it has."""

    label: str
    module: str
    options: tuple[tuple[str, Any], ...] = ()
    cells: tuple[str, ...] = CELLS


PEERS = {
    OURS: Peer("lstm_jax", "ours"),
    "torch": Peer("PyTorch", "torch_nn"),
    "flax": Peer("Flax", "flax_rnn"),
    "flax_optimized": Peer("Flax optimized", "flax_rnn", (("optimized", True),), ("lstm",)),
    "equinox": Peer("Equinox", "equinox_cells"),
    "haiku": Peer("Haiku", "haiku_unroll"),
    "keras": Peer("Keras", "keras_layers"),
}

MATMUL = {
    "one device, all threads": Peer("", "matmul", (("all_devices", False),)),
    "split over all devices": Peer("", "matmul", (("all_devices", True),)),
}
"""Two ways to use all cores for a matrix product; the better one is what the machine can do."""
