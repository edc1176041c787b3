"""Counting: how many ones are in a string of bits?

The string `0110` has the answers 0, 1, 2, 2 after each of its bits, and so the answer 2.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, override

import numpy as np

from lstm_jax.axes import Array
from lstm_jax.tasks.task import StringTask


@dataclasses.dataclass(frozen=True)
class CountBits(StringTask):
    """The number of ones; see `task.StringTask` for the methods."""

    name: str = "count_bits"
    alphabet: str = "01"
    features: tuple[tuple[float, ...], ...] = ((0.0,), (1.0,))
    asked: str = "count"
    recipe: ClassVar[Mapping[str, Any]] = {
        "num_steps": 50_000,
        "batch_size": 1_000,
        "order": "in_turn",
        "reduction": "sum",
        "learning_rate": 1e-3,
        "lr_schedule": "constant",
        "clip_norm": 0.0,
        "readout_stddev": 1.0,
        "readout_bias": 0.1,
    }
    variants: ClassVar[Mapping[str, tuple[Any, ...]]] = {}

    @override
    def published(self, chosen: Mapping[str, Any]) -> dict[str, Any]:
        """What the TensorFlow tutorial reports, for LSTM 24 and 10,000 of the 2^20 strings of 20 bits."""
        return {
            "error": 0.001,
            "time": "3-4 h",
            "what": "the TensorFlow tutorial",
            "by_epoch": {200: "4%, by a reader of the tutorial", 5_000: "0.1%, by the tutorial"},
            "curve": {200: 0.04, 5_000: 0.001},
            "seconds": 390.0,
        }

    @override
    def answer_range(self, length: int) -> tuple[int, int]:
        return 0, length

    @override
    def start(self, shape: tuple[int, ...]) -> np.ndarray:
        return np.zeros(shape, np.int32)

    @override
    def advance(self, state: Array, symbols: Array) -> Array:
        return state + symbols.astype(np.int32)

    @override
    def answer(self, state: Array) -> Array:
        return state
