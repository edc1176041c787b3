"""The textbook unrolling: one cell, applied along time by an explicit `jax.lax.scan`, differentiated by JAX."""

from typing import Any

import jax
import jax.numpy as jnp

from lstm_jax.axes import Array
from lstm_jax.recurrent.cells import Cell, State, Weights


def unroll(
    cell: Cell,
    weights: Weights,
    inputs: Array,
    state: State,
    resets: Array | None = None,
    *,
    reverse: bool = False,
    copies: int = 1,
) -> tuple[State, State]:
    """Applies a cell to every time step in turn.

    Args:
        cell: the kind of cell.
        weights: its parameters.
        inputs: [T, D, B].
        state: before the first time step, [H, B].
        resets: [T, B], whether the state is set to zero before this time step is read; None: never.
        reverse: read from the last time step to the first.
        copies: how often the step is written out in the body of the loop.

    Returns:
        The state after the time step that is read last, [H, B], and those after each time step, [T, H, B].

    Raises:
        ValueError: weights, inputs and state do not belong together.
    """
    cell.check_fit(weights, inputs, state, resets)

    def step(state: State, input_and_reset: Any) -> tuple[State, State]:
        x, reset = input_and_reset
        if reset is not None:
            state = jax.tree.map(lambda leaf: jnp.where(reset[None], 0, leaf), state)
        state = cell.step(weights, state, x)
        return state, state

    return jax.lax.scan(step, state, (inputs, resets), reverse=reverse, unroll=copies)
