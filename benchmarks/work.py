"""What is computed: shapes, weights and inputs that all contestants share, and how many operations that takes."""

import dataclasses
import re

import numpy as np

from lstm_jax.settings import SettingError

CELLS = ("lstm", "gru")
PASSES = {"forward": "forward", "both": "forward + backward"}

NUM_GATES = {"lstm": 4, "gru": 3}
PASS_FACTOR = {"forward": 1, "both": 3}
"""Each product of the forward pass has two in the backward pass: for the weights, and for what they are applied to."""


@dataclasses.dataclass(frozen=True)
class Shape:
    """The size of a layer and of what it reads: B, T, D and H of `lstm_jax.axes`."""

    batch: int
    time: int
    features: int
    hidden: int

    def __str__(self) -> str:
        return f"B{self.batch} T{self.time} D{self.features} H{self.hidden}"


def parse_shape(text: str) -> Shape:
    """Reads a shape such as `B1000,T20,D1,H24`; the order of the letters is free.

    Raises:
        ValueError: something else was written.
    """
    found = [re.fullmatch(r"([BTDH])([1-9]\d{0,6})", part.strip()) for part in text.split(",")]
    sizes = {match[1]: int(match[2]) for match in found if match}
    if len(sizes) != 4 or len(found) != 4:
        raise ValueError(text)
    return Shape(*(sizes[letter] for letter in "BTDH"))


def parse_shapes(name: str, text: str) -> list[Shape]:
    """Reads shapes separated by semicolons.

    Raises:
        SettingError: names the flag `name`.
    """
    try:
        return [parse_shape(part) for part in text.split(";")]
    except ValueError:
        allowed = "must be shapes like B1000,T20,D1,H24, separated by semicolons, each number at least 1"
        raise SettingError(name, text, allowed) from None


def flop(cell: str, which: str, shape: Shape) -> int:
    """Floating-point operations in the matrix products of one pass: additions and multiplications.

    LSTM: 24·B·T·H·(H + D) forward and backward, a third of it forward; a GRU has three gates instead of four. The
    derivative by the inputs is counted, too, which a layer on top of another must compute.
    """
    forward = 2 * NUM_GATES[cell] * shape.batch * shape.time * shape.hidden * (shape.hidden + shape.features)
    return PASS_FACTOR[which] * forward


def draw(cell: str, shape: Shape, seed: int = 0) -> dict[str, np.ndarray]:
    """Weights and inputs, float32.

    The candidate of a GRU sees each unit's own state only (a diagonal matrix): then it does not matter whether the
    reset gate comes before or after the product, which libraries do differently. Times do not depend on it.

    Returns:
        input_kernel [G·H, D], hidden_kernel [G·H, H], bias [G·H], gate order i, f, g, o or r, z, n; inputs [B, T, D].
    """
    rng = np.random.default_rng(seed)
    gates, limit = NUM_GATES[cell] * shape.hidden, 1 / np.sqrt(shape.hidden)
    arrays = {
        "input_kernel": rng.uniform(-limit, limit, (gates, shape.features)),
        "hidden_kernel": rng.uniform(-limit, limit, (gates, shape.hidden)),
        "bias": rng.uniform(-limit, limit, gates),
        "inputs": rng.standard_normal((shape.batch, shape.time, shape.features)),
    }
    if cell == "gru":
        arrays["hidden_kernel"][2 * shape.hidden :] = np.diag(rng.uniform(-1, 1, shape.hidden))
    return {name: array.astype(np.float32) for name, array in arrays.items()}
