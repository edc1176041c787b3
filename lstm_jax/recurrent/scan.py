"""The textbook unrolling: one cell, applied along time by an explicit `jax.lax.scan`, differentiated by JAX."""

from typing import Any

import jax

from lstm_jax.axes import Array
from lstm_jax.recurrent.cells import Cell, State, Weights


def unroll(cell: Cell, weights: Weights, inputs: Array, state: State) -> tuple[State, State]:
    """Applies a cell to every symbol in turn.

    Args:
        cell: the kind of cell.
        weights: its parameters.
        inputs: [T, D, B].
        state: before the first symbol, [H, B].

    Returns:
        The state after the last symbol, [H, B], and those after each symbol, [T, H, B].
    """

    def step(state: State, symbol: Any) -> tuple[State, State]:
        state = cell.step(weights, state, symbol)
        return state, state

    return jax.lax.scan(step, state, inputs)
