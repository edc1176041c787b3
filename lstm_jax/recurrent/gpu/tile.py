"""What one program of the kernels in `kernels` reads and writes: axes and names as there."""

from typing import Any

import jax.numpy as jnp
from jax import lax
from jax.experimental import pallas
from jax.experimental.pallas import triton

from lstm_jax.axes import Array
from lstm_jax.recurrent.gpu.cells import Blocks
from lstm_jax.recurrent.gpu.loops import filled

COLUMNS = 16
"""Columns of a program, as few as a product takes, so that a small batch occupies more of the chip; measured on an
NVIDIA H200 for 1,000 strings and 24 units, forward and backward: 97 µs a call with 16, 138 with 32."""


class Tile:
    """What a program works on: P rows of one block and COLUMNS columns, masked where there is nothing."""

    def __init__(self, units: int, batch: int):
        shape = filled(units), COLUMNS
        self.units, self.batch = units, batch
        self.rows = lax.broadcasted_iota(jnp.int32, shape, 0)
        self.columns = pallas.program_id(0) * COLUMNS + lax.broadcasted_iota(jnp.int32, shape, 1)
        self.inside = (self.rows < units) & (self.columns < batch)

    def load(self, ref: Any, *time: Array) -> Array:
        """From [H, B], or from [T, H, B] at one time."""
        return triton.load(ref.at[*time, self.rows, self.columns], mask=self.inside, other=0)

    def store(self, ref: Any, value: Array, *time: Array) -> None:
        """The same, written."""
        triton.store(ref.at[*time, self.rows, self.columns], jnp.asarray(value, ref.dtype), mask=self.inside)

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
