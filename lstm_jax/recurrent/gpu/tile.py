"""What one program of the kernels in `kernels` reads and writes: axes and names as there."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental.pallas import triton

from lstm_jax.axes import Array
from lstm_jax.recurrent.gpu.cells import Blocks

NOT_YET = -1
"""The bits of a number that nobody has written yet: those of a NaN which no operation of a GPU results in."""


class Tile:
    """Some units of some sequences: a rectangle [H, B] of arrays that have the sequences first and the units last.

    What lies beyond the units or the sequences is masked: zeros are read there, and nothing is written.

    Args:
        whole: H and B.
        shape: of the rectangle, powers of two.
        corner: its first unit and its first sequence.
    """

    def __init__(self, whole: tuple[int, int], shape: tuple[int, int], corner: tuple[Any, Any]):
        self.units, self.batch = whole
        self._row, self._column = (first + jnp.arange(size) for first, size in zip(corner, shape, strict=True))
        rows, columns = indices(shape)
        self.rows, self.columns = corner[0] + rows, corner[1] + columns
        self.inside = (self.rows < self.units) & (self.columns < self.batch)

    def load(self, ref: Any, *index: Any, where: Any = True, volatile: bool = False) -> Array:
        """From [B, H], or from [B, ..., H] at an index; zeros unless `where`."""
        place = ref.at[self.columns, *index, self.rows]
        return triton.load(place, mask=self.inside & where, other=0, volatile=volatile)

    def zeros(self, dtype: Any) -> Array:
        """As if all of it were zero."""
        return jnp.zeros(self.rows.shape, dtype)

    def store(self, ref: Any, value: Array, *index: Any) -> None:
        """The same, written."""
        place = ref.at[self.columns, *index, self.rows]
        triton.store(place, jnp.asarray(value, ref.dtype), mask=self.inside)

    def wait_for(self, ref: Any, *index: Any, where: Any) -> Array:
        """The same, read again and again until other programs have written all of it."""

        def is_missing(found: Array) -> Array:
            bits = lax.bitcast_convert_type(found, _integers(found.dtype))
            return jnp.max(jnp.where(bits == NOT_YET, 1, 0)) > 0

        def look() -> Array:
            return self.load(ref, *index, where=where, volatile=True)

        return lax.while_loop(is_missing, lambda _: look(), look())

    def load_blocks(self, ref: Any, time: Array) -> Blocks:
        """From [B, T, R] at one time: R / H blocks."""
        starts = range(0, ref.shape[-1], self.units)
        places = [ref.at[self.columns, time, start + self.rows] for start in starts]
        return [triton.load(place, mask=self.inside, other=0) for place in places]

    def store_blocks(self, ref: Any, blocks: Blocks, time: Array) -> None:
        """The same, written."""
        for number, block in enumerate(blocks):
            place = ref.at[self.columns, time, number * self.units + self.rows]
            triton.store(place, jnp.asarray(block, ref.dtype), mask=self.inside)

    def load_sequence(self, ref: Any, *index: Any) -> Array:
        """From [B, ...] at an index, the same for all units: [1, B]."""
        return triton.load(ref.at[self._column, *index], mask=self._column < self.batch, other=0)[None]

    def load_unit(self, ref: Any, block: int, *index: Any) -> Array:
        """From [R, ...] at an index, the units of one block, the same for all sequences: [H, 1]."""
        place = ref.at[block * self.units + self._row, *index]
        return triton.load(place, mask=self._row < self.units, other=0)[:, None]

    def load_reset(self, ref: Any, time: Array) -> Array | None:
        """From [B, T] at one time, the same for all units: [1, B]."""
        return None if ref is None else self.load_sequence(ref, time) != 0


def indices(shape: tuple[int, int]) -> tuple[Array, Array]:
    """The number of each row and of each column, in all places."""
    return lax.broadcasted_iota(jnp.int32, shape, 0), lax.broadcasted_iota(jnp.int32, shape, 1)


def load_weights(ref: Any, block: Any, units: Array, inputs: Array) -> Array:
    """From [G·H, H] the weights with which units of a block read others; zeros where there is nothing."""
    rows, width = ref.shape
    inside = (block * width < rows) & (units < width) & (inputs < width)
    return triton.load(ref.at[block * width + units, inputs], mask=inside, other=0)


def unwritten(like: jax.ShapeDtypeStruct) -> Array:
    """An array of which nothing is written yet."""
    return lax.bitcast_convert_type(jnp.full(like.shape, NOT_YET, _integers(like.dtype)), like.dtype)


def _integers(dtype: Any) -> Any:
    """The integers with as many bits."""
    return jnp.dtype(f"int{8 * jnp.dtype(dtype).itemsize}")
