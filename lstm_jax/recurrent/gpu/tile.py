"""What one program of the kernels in `kernels` reads and writes: axes and names as there."""

from typing import Any

import jax.numpy as jnp
from jax import lax
from jax.experimental.pallas import triton

from lstm_jax.axes import Array
from lstm_jax.recurrent.gpu.cells import Blocks


class Tile:
    """Some units of some strings: a rectangle of arrays [H, B], masked where there is nothing.

    Args:
        whole: H and B.
        shape: of the rectangle, powers of two.
        corner: its first unit and its first string.
    """

    def __init__(self, whole: tuple[int, int], shape: tuple[int, int], corner: tuple[Any, Any]):
        self.units, self.batch = whole
        rows, columns = indices(shape)
        self.rows, self.columns = corner[0] + rows, corner[1] + columns
        self.inside = (self.rows < self.units) & (self.columns < self.batch)

    def load(self, ref: Any, *index: Any) -> Array:
        """From [H, B], or from [..., H, B] at an index."""
        return triton.load(ref.at[*index, self.rows, self.columns], mask=self.inside, other=0)

    def store(self, ref: Any, value: Array, *index: Any) -> None:
        """The same, written."""
        triton.store(ref.at[*index, self.rows, self.columns], jnp.asarray(value, ref.dtype), mask=self.inside)

    def load_blocks(self, ref: Any, time: Array) -> Blocks:
        """From [R, T, B] at one time: R / H blocks."""
        starts = range(0, ref.shape[0], self.units)
        places = [ref.at[self.rows + start, time, self.columns] for start in starts]
        return [triton.load(place, mask=self.inside, other=0) for place in places]

    def store_blocks(self, ref: Any, blocks: Blocks, time: Array) -> None:
        """The same, written."""
        for number, block in enumerate(blocks):
            place = ref.at[self.rows + number * self.units, time, self.columns]
            triton.store(place, jnp.asarray(block, ref.dtype), mask=self.inside)

    def load_reset(self, ref: Any, time: Array) -> Array | None:
        """From [T, B] at one time, the same in all rows."""
        if ref is None:
            return None
        return triton.load(ref.at[time, self.columns], mask=self.columns < self.batch, other=0) != 0

    def load_bias(self, ref: Any) -> Array | None:
        """From [H], the same in all columns."""
        return None if ref is None else triton.load(ref.at[self.rows], mask=self.rows < self.units, other=0)


def indices(shape: tuple[int, int]) -> tuple[Array, Array]:
    """The number of each row and of each column, in all places."""
    return lax.broadcasted_iota(jnp.int32, shape, 0), lax.broadcasted_iota(jnp.int32, shape, 1)


def load_weights(ref: Any, block: Any, units: Array, inputs: Array) -> Array:
    """From [G·H, H] the weights with which units of a block read others; zeros where there is nothing."""
    rows, width = ref.shape
    inside = (block * width < rows) & (units < width) & (inputs < width)
    return triton.load(ref.at[block * width + units, inputs], mask=inside, other=0)
