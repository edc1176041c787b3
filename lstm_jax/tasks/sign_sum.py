"""The sign game: what is the sum of a string of signs?

`+` adds one, `-` takes one away, `0` does nothing, `I` inverts the meaning of what follows, and a second `I` undoes it.
The string `-I--` has the sums -1, -1, 0, 1 after each of its signs, and so the sum 1.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, override

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
    recipe: ClassVar[Mapping[str, Any]] = {
        "seq_len": 6,
        "train_size": 1_024,
        "readout": "number",
        "num_steps": 4_000,
        "batch_size": 1_024,
        "order": "in_turn",
        "reduction": "sum",
        "learning_rate": 1e-3,
        "lr_schedule": "constant",
        "clip_norm": 0.0,
        "kernel_init": "normal",
        "kernel_mean": -0.2,
        "kernel_stddev": 0.1,
        "readout_stddev": 1.0,
        "readout_bias": 0.1,
    }
    variants: ClassVar[Mapping[str, tuple[Any, ...]]] = {"cell": ("flax_lstm",)}
    """The cell that the tutorial's framework has, in the place of the one written out."""

    @override
    def published(self, chosen: Mapping[str, Any]) -> dict[str, Any]:
        """What the tutorial reports for LSTM 24 and 1,024 of the 4,096 strings of 6 signs, an epoch an update."""
        if chosen["cell"] == "flax_lstm":
            what = "the tutorial, with the cell of its framework"
            return {"error": 0.013, "what": what, "by_epoch": {4_000: "1.3%"}, "curve": {4_000: 0.013}}
        curve = {20: 0.774, 100: 0.743, 200: 0.667, 500: 0.362, 1_000: 0.117, 2_000: 0.028, 3_000: 0.018, 4_000: 0.016}
        return {
            "error": 0.016,
            "what": "the tutorial",
            "by_epoch": {epoch: f"{100 * share:.1f}%" for epoch, share in curve.items()},
            "curve": curve,
            "squared_error": {4_000: 133.4 / (len(self.alphabet) ** 6 - 1_024)},
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
