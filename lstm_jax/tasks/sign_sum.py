"""The sign game: what is the sum of a string of signs?

`+` adds one, `-` takes one away, `0` does nothing, `I` inverts the meaning of what follows, and a second `I` undoes it.
The string `-I--` has the sums -1, -1, 0, 1 after each of its signs, and so the sum 1.
"""

import dataclasses
from typing import Any, override

import numpy as np

from lstm_jax.axes import Array
from lstm_jax.tasks.task import StringTask


@dataclasses.dataclass(frozen=True)
class SignSum(StringTask):
    """The sum of the signs; see `task.StringTask` for the methods. The state is (sum, meaning of `+`: 1 or -1)."""

    name: str = "sign_sum"
    alphabet: str = "0+-I"
    features: tuple[tuple[float, ...], ...] = ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    asked: str = "sum"

    @override
    def published(self, length: int) -> dict[str, Any]:
        """What the tutorial reports for LSTM 24 and 1,024 of the 4,096 strings of 6 signs, an epoch an update."""
        if length != 6:
            return {}
        curve = {20: 0.774, 100: 0.743, 200: 0.667, 500: 0.362, 1_000: 0.117, 2_000: 0.028, 3_000: 0.018, 4_000: 0.016}
        return {
            "error": 0.016,
            "what": "the tutorial",
            "by_epoch": {epoch: f"{100 * share:.1f} %" for epoch, share in curve.items()},
            "curve": curve,
            "curve_flax_lstm": {4_000: 0.013},
            "squared_error": {4_000: 133.4 / (len(self.alphabet) ** length - 1_024)},
            "seconds": 14.5,
        }

    @override
    def answer_range(self, length: int) -> tuple[int, int]:
        return -length, length

    @override
    def start(self, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(shape, np.int32), np.ones(shape, np.int32)

    @override
    def advance(self, state: tuple[Array, Array], symbols: Array) -> tuple[Array, Array]:
        total, meaning = state
        plus, minus, inverts = (symbols == self.alphabet.index(sign) for sign in "+-I")
        step = plus.astype(np.int32) - minus.astype(np.int32)
        return total + meaning * step, meaning * (1 - 2 * inverts.astype(np.int32))

    @override
    def answer(self, state: tuple[Array, Array]) -> Array:
        return state[0]
