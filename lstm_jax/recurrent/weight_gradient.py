"""How the derivatives by the weights are added up over time."""

import jax.numpy as jnp

from lstm_jax.axes import Array
from lstm_jax.recurrent.cells import product
from lstm_jax.recurrent.fused_cells import FusedCell, Rows

LARGEST_FILLED = 63
"""Up to this many units one product serves all weights, its operand filled up; measured: 7 % faster at 24, slower at
128."""


class WeightGradient:
    """The sum over time of d [h; x; 1]ᵀ, where d are the derivatives by the rows, [4·H, B].

    Args:
        cell: says which rows inputs and hidden state have a part in.
        weights: the rows, for their sizes and types.
        batch: B.
    """

    def __init__(self, cell: FusedCell, weights: Rows, batch: int):
        (self.units, self.features), self.dtype = (weights.hidden.shape[1], weights.input.shape[1]), weights.bias.dtype
        self.hidden_rows, self.input_rows = self._rows(cell.hidden_blocks), self._rows(cell.input_blocks)
        width = self.units + self.features
        fill = 16 if self.units <= LARGEST_FILLED else 1
        self.ones_row = jnp.zeros((fill - width % fill, batch), weights.input.dtype).at[0].set(1)
        self.apart = self.hidden_rows != self.input_rows and self.units > LARGEST_FILLED

    def _rows(self, blocks: slice) -> slice:
        return slice(blocks.start * self.units, blocks.stop * self.units)

    def zeros(self) -> tuple[Array, ...]:
        """The sum over no steps."""
        rest = self.features + len(self.ones_row)
        if self.apart:
            return jnp.zeros((3 * self.units, self.units), self.dtype), jnp.zeros((4 * self.units, rest), self.dtype)
        return (jnp.zeros((4 * self.units, self.units + rest), self.dtype),)

    def add(self, total: tuple[Array, ...], d_rows: Array, hidden: Array, symbol: Array) -> tuple[Array, ...]:
        """The sum with one more step: d_rows [4·H, B], hidden [H, B] before the step, symbol [D, B]."""
        hidden = hidden.astype(symbol.dtype)
        rest = [symbol, self.ones_row]
        if not self.apart:
            return (total[0] + _outer(d_rows, jnp.concatenate([hidden, *rest])),)
        d_hidden = d_rows[self.hidden_rows]
        return total[0] + _outer(d_hidden, hidden), total[1] + _outer(d_rows, jnp.concatenate(rest))

    def finish(self, total: tuple[Array, ...]) -> Rows:
        """The sums by the rows of each matrix."""
        if self.apart:
            d_hidden, rest = total
        else:
            d_hidden, rest = total[0][self.hidden_rows, : self.units], total[0][:, self.units :]
        return Rows(rest[self.input_rows, : self.features], d_hidden, rest[:, self.features, None])


def _outer(rows: Array, columns: Array) -> Array:
    """The product d xᵀ, added up over the batch: [R, B], [F, B] to [R, F]."""
    return product(rows.astype(columns.dtype), columns.T)
