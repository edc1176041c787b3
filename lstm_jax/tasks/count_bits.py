"""Counting: how many ones are in a string of bits?

The string `0110` has the answers 0, 1, 2, 2 after each of its bits, and so the answer 2.
"""

import dataclasses
import math

import numpy as np

from lstm_jax.axes import Array

PUBLISHED = {
    "error": 0.001,
    "time": "3-4 h",
    "at_epoch": {"200": 0.04, "5000": 0.001},
    "note": "LSTM 24 on 10,000 of the 2^20 strings of length 20; 4 % at epoch 200 is a reader's figure",
}
"""What the TensorFlow tutorial and its readers report for strings of 20 bits."""


@dataclasses.dataclass(frozen=True)
class CountBits:
    """The number of ones; see `task.StringTask` for the methods."""

    name: str = "count_bits"
    alphabet: str = "01"
    features: tuple[tuple[float, ...], ...] = ((0.0,), (1.0,))

    def answer_range(self, length: int) -> tuple[int, int]:
        return 0, length

    def start(self, shape: tuple[int, ...]) -> np.ndarray:
        return np.zeros(shape, np.int32)

    def advance(self, state: Array, symbols: Array) -> Array:
        return state + symbols.astype(np.int32)

    def answer(self, state: Array) -> Array:
        return state


def unseen_answer_floor(length: int, trained: np.ndarray) -> tuple[list[int], int]:
    """Which counts never occur in training, and how many strings have them.

    A classifier has no reason to choose a class that it was never shown, so it will miss about all of these.

    Args:
        length: bits a string.
        trained: [length + 1], how often each count occurs in training.

    Returns:
        The counts that never occur, and the number of strings of this length that have one of them.
    """
    never = [count for count in range(length + 1) if trained[count] == 0]
    return never, sum(math.comb(length, count) for count in never)


def majority_error(length: int) -> float:
    """The share of wrong answers of always saying the most frequent count, length // 2."""
    return 1 - math.comb(length, length // 2) / 2**length
