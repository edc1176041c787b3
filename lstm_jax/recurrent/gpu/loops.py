"""The loops over time of `gpu.unroll`, one in each direction, as XLA compiles them: for every size and type.

What XLA does in a time step are launches of kernels, one after another, and on a GPU their number decides: so all that
need not be done step by step is done before or after, and several steps are written out in the body of the loop.
Axes: see `lstm_jax.axes`. Sequences of blocks that go in or come out are [B, T, R]: see `unroll`.
"""

from typing import Any

import jax.numpy as jnp
from jax import lax

from lstm_jax.axes import Array
from lstm_jax.recurrent.cells import State, Weights, product
from lstm_jax.recurrent.gpu.cells import GPU_CELLS, Blocks

UNROLL = 4
"""Steps in the body of the loop; measured on an NVIDIA H200, forward and backward of 512 units: 2.57 ms with one, 1.79
with 4, 1.72 with 8 and 1.69 with 16, which take XLA longer and longer to compile; of 128 units 1.25 ms with 4 and 8."""


def forward(
    kind: str, reverse: bool, keep: bool, weights: Weights, inputs: Array, start: State, resets: Array | None
) -> tuple[State, Array | None]:
    """Goes through all time steps.

    Args:
        kind: a key of GPU_CELLS.
        reverse: read from the last time step to the first.
        keep: whether the way back will need what is kept.
        weights: the cell's parameters.
        inputs: [T, D, B].
        start: the state before the time step that is read first, [H, B].
        resets: [T, B], where the state is set to zero before the time step; None: nowhere.

    Returns:
        The states after each time step, [T, H, B], and what is kept, [B, T, 4·H].
    """
    cell = GPU_CELLS[kind]
    count = len(cell.hidden_blocks)
    rows = len(weights.hidden)
    # The gates first and the features gone: [G·H, D] and [T, D, B] to [G·H, T, B].
    product_of_inputs = lax.dot_general(
        weights.input, inputs, (((1,), (1,)), ((), ())), preferred_element_type=start.hidden.dtype
    )
    projected = product_of_inputs + weights.bias[:rows, None, None]
    recalled = weights.bias[rows:, None] if len(weights.bias) > rows else None

    def multiply(state: Array) -> Blocks:
        parts = jnp.split(product(weights.hidden, state), count)
        return parts if recalled is None else [*parts[:-1], parts[-1] + recalled]

    def step(before: State, now: Any) -> tuple[State, Any]:
        x, reset = now
        after, kept = cell.step(jnp.split(x, count), before, reset, multiply)
        return after, (after, jnp.concatenate(kept) if keep else None)

    sequences = jnp.moveaxis(projected, 1, 0), resets
    _, (states, kept) = lax.scan(step, start, sequences, reverse=reverse, unroll=UNROLL)
    return states, None if kept is None else jnp.moveaxis(kept, 2, 0)


def backward(
    kind: str,
    reverse: bool,
    hidden: Array,
    kept: Array,
    memories: Array,
    start: Array,
    resets: Array | None,
    d_states: list[Array | None],
    d_final: State,
) -> tuple[Array, State]:
    """Goes back through all time steps.

    Args:
        kind: as in `forward`.
        reverse: as in `forward`.
        hidden: the weights of the hidden state, [G·H, H].
        kept: by `forward`, [B, T, 4·H].
        memories: the last field of the states, [T, H, B].
        start: that field before the time step that was read first, [H, B].
        resets: as in `forward`.
        d_states: derivative by each field of the states, [T, H, B]; None: zero.
        d_final: derivative by the final state, [H, B].

    Returns:
        The derivatives by the four blocks, [B, T, 4·H], in the type of the weights; and by the state before the time
        step that was read first, [H, B].
    """
    cell = GPU_CELLS[kind]
    transposed = hidden.T

    def multiply(blocks: Blocks) -> Array:
        return product(transposed, jnp.concatenate(blocks))

    def step(d_after: State, now: Any) -> tuple[State, Array]:
        values, after, before, reset, seen = now
        pairs = zip(d_after, seen, strict=True)
        d_after = type(d_final)(*(leaf if more is None else leaf + more for leaf, more in pairs))
        blocks, d_before = cell.step_back(jnp.split(values, 4), (after, before), reset, d_after, multiply)
        return d_before, jnp.concatenate(blocks).astype(hidden.dtype)

    sequences = jnp.moveaxis(kept, 0, 2), memories, before_each(memories, start, reverse), resets, d_states
    d_start, d_rows = lax.scan(step, d_final, sequences, reverse=not reverse, unroll=UNROLL)
    return jnp.moveaxis(d_rows, 2, 0), d_start


def before_each(sequence: Array, start: Array, reverse: bool) -> Array:
    """What came before each time step: [T, H, B] and the first of all, [H, B], to [T, H, B]."""
    first = start[None]
    return jnp.concatenate([sequence[1:], first] if reverse else [first, sequence[:-1]])
