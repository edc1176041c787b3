"""Counting: how many ones are in a string of bits?

The string `0110` has the answers 0, 1, 2, 2 after each of its bits, and so the answer 2.
"""

import dataclasses

import numpy as np

from lstm_jax.axes import Array

@dataclasses.dataclass(frozen=True)
class CountBits:
    """The number of ones; see `task.StringTask` for the methods."""

    name: str = "count_bits"
    alphabet: str = "01"
    features: tuple[tuple[float, ...], ...] = ((0.0,), (1.0,))
    asked: str = "count"

    def published(self, length: int) -> dict[str, str | float]:
        """What the TensorFlow tutorial reports, for LSTM 24 and 10,000 of the 2^20 strings of 20 bits."""
        return {"error": 0.001, "time": "3-4 h", "what": "the TensorFlow tutorial"} if length == 20 else {}

    def answer_range(self, length: int) -> tuple[int, int]:
        return 0, length

    def start(self, shape: tuple[int, ...]) -> np.ndarray:
        return np.zeros(shape, np.int32)

    def advance(self, state: Array, symbols: Array) -> Array:
        return state + symbols.astype(np.int32)

    def answer(self, state: Array) -> Array:
        return state
