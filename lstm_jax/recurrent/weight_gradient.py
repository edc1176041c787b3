"""How the derivatives by the weights are added up over time: the sum of d [h; x; 1]ᵀ, d the derivatives by the rows."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import lax

from lstm_jax.axes import Array
from lstm_jax.recurrent.cells import product
from lstm_jax.recurrent.fused_cells import FusedCell, FusedWeights

LARGEST_FILLED = 63
"""Up to this many units one product serves all weights, its operand filled up to a multiple of 16 rows; measured: 7%
faster at 24, slower at 128."""

CONTRACTION = 128
"""Columns that one product contracts: a narrower one is bound by reading and writing the sum. Measured for 512 units,
the whole gradient: 16 sequences take 109 ms step by step and 101 ms in chunks of 8; for 256 units 64 sequences take
144 ms and 140 ms in chunks of 2; for 128 units 128 sequences take 34 ms, and 37 ms in chunks of 2."""


class Kept(NamedTuple):
    """The factors of a product, step by step: rows [4·H, K, B] and operands [H + D + 1, K, B]."""

    rows: Array
    operands: Array


class WeightGradient:
    """Adds up over time, a product for each chunk of K time steps.

    Args:
        cell: says which rows inputs and hidden state have a part in.
        weights: the rows, for their sizes and types.
        time: T.
        batch: B.
    """

    def __init__(self, cell: FusedCell, weights: FusedWeights, time: int, batch: int):
        self.units, self.features = weights.hidden.shape[1], weights.input.shape[1]
        self.dtype, self.batch = weights.input.dtype, batch
        self.hidden_rows, self.input_rows = self._rows(cell.hidden_blocks), self._rows(cell.input_blocks)
        small = self.units <= LARGEST_FILLED
        self.chunk = 1 if small or not batch else max(1, min(time, CONTRACTION // batch))
        self.apart = self.hidden_rows != self.input_rows and not small
        self.ones = (16 if small else 1) - (self.units + self.features) % (16 if small else 1)

    def _rows(self, blocks: slice) -> slice:
        return slice(blocks.start * self.units, blocks.stop * self.units)

    def operand(self, hidden: Array, x: Array) -> Array:
        """What stands at the right of the rows: [h; x; 1; 0 ...], for hidden [H, B] before x [D, B] is read."""
        ones = jnp.zeros((self.ones, self.batch), self.dtype).at[0].set(1)
        return jnp.concatenate([hidden.astype(self.dtype), x, ones])

    def zeros(self, state_dtype: jnp.dtype) -> tuple[Array, ...]:
        """The sum over no time steps."""
        rest = self.features + self.ones
        if self.apart:
            return jnp.zeros((self.units, 3 * self.units), state_dtype), jnp.zeros((rest, 4 * self.units), state_dtype)
        return (jnp.zeros((self.units + rest, 4 * self.units), state_dtype),)

    def nothing_kept(self) -> Kept | None:
        """Room for the factors of one chunk; None where each time step has a product of its own."""
        if self.chunk == 1:
            return None
        sizes = 4 * self.units, self.units + self.features + self.ones
        return Kept(*(jnp.zeros((size, self.chunk, self.batch), self.dtype) for size in sizes))

    def keep(self, kept: Kept, place: Array, rows: Array, operand: Array) -> Kept:
        """The factors with those of one more time step."""
        # Without the barrier XLA writes each part of them in a loop of its own.
        new = lax.optimization_barrier((rows.astype(self.dtype), operand))
        return Kept(
            *(lax.dynamic_update_slice(all_, one[:, None], (0, place, 0)) for all_, one in zip(kept, new, strict=True))
        )

    def add(self, total: tuple[Array, ...], rows: Array, operand: Array) -> tuple[Array, ...]:
        """The sum with the product of rows [4·H, N] and operand [H + D + 1, N]."""
        rows = rows.astype(self.dtype)
        if not self.apart:
            return (total[0] + product(operand, rows.T),)
        hidden, rest = operand[: self.units], operand[self.units :]
        return total[0] + product(hidden, rows[self.hidden_rows].T), total[1] + product(rest, rows.T)

    def finish(self, total: tuple[Array, ...]) -> FusedWeights:
        """The sums by the rows of each matrix."""
        if self.apart:
            d_hidden, rest = total
        else:
            d_hidden, rest = total[0][: self.units, self.hidden_rows], total[0][self.units :]
        return FusedWeights(rest[: self.features, self.input_rows].T, d_hidden.T, rest[self.features, :, None])
