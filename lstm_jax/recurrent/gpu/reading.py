"""What a kernel reads of the inputs at each time step, and their part in the blocks that it makes of it."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import lax

from lstm_jax.axes import Array
from lstm_jax.recurrent.cells import Weights
from lstm_jax.recurrent.gpu.cells import Blocks
from lstm_jax.recurrent.gpu.tile import Tile

NARROW = 4
"""Features up to which a kernel multiplies the inputs itself, a few operations a number, instead of reading four
numbers a unit, sequence and time step which another kernel has written."""


class InputReader(NamedTuple):
    """The inputs as a kernel reads them.

    Fields:
        weights: those of the inputs, [G·H, D], if the kernel is to multiply; else None.
        sequence: what is multiplied, [B, T, D], or the products, [B, T, G·H].
        bias: [G·H], of a GRU [4·H].
    """

    weights: Any
    sequence: Any
    bias: Any

    def read(self, tile: Tile, count: int) -> tuple[Callable[[Array], Any], Callable[[Any], Blocks]]:
        """Two functions: one reads what there is of a time step, the other makes of that `count` blocks of the tile."""
        bias = [tile.load_unit(self.bias, block) for block in range(count)]
        if self.weights is None:
            return lambda time: tile.load_blocks(self.sequence, time), lambda found: _add(found, bias)
        features = range(self.weights.shape[1])
        weights = [[tile.load_unit(self.weights, block, feature) for feature in features] for block in range(count)]

        def fetch(time: Array) -> list[Array]:
            return [tile.load_sequence(self.sequence, time, feature) for feature in features]

        def multiply(found: list[Array]) -> Blocks:
            products = [[_float(one) * _float(other) for one, other in zip(row, found, strict=True)] for row in weights]
            return _add([sum(row[1:], row[0]) for row in products], bias)

        return fetch, multiply


def reader(weights: Weights, inputs: Array, dtype: Any) -> InputReader:
    """The inputs, [T, D, B], as a kernel is to read them; `dtype` is that of the state."""
    batch_first = jnp.moveaxis(inputs, -1, 0)
    if 0 < inputs.shape[1] <= NARROW:
        return InputReader(weights.input, batch_first, weights.bias)
    products = lax.dot_general(batch_first, weights.input, (((2,), (1,)), ((), ())), preferred_element_type=dtype)
    return InputReader(None, products, weights.bias)


def _add(blocks: Blocks, bias: Blocks) -> Blocks:
    return [block + more for block, more in zip(blocks, bias, strict=True)]


def _float(array: Array) -> Array:
    return array.astype(jnp.promote_types(array.dtype, jnp.float32))
