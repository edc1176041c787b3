"""The two passes of the fast path as XLA computes them.

What makes them fast on a CPU, where three products and a tanh of [4·H, B] a time step are about all that is left:
- One tanh serves all gates (`fused_cells`).
- The forward pass keeps the gates, so that the backward pass computes no product twice.
- All weight gradients are one product with [h; x; 1], for each time step or for a chunk of them (`weight_gradient`).

Sequences are columns: inputs [T, D, B], states [H, B]. Axes: see `lstm_jax.axes`.
"""

import operator
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from lstm_jax.axes import Array, PyTree
from lstm_jax.recurrent.cells import State, Weights, product
from lstm_jax.recurrent.fused_cells import FUSED_CELLS, FusedWeights
from lstm_jax.recurrent.varying import vary_alike
from lstm_jax.recurrent.weight_gradient import WeightGradient


def forward(
    kind: str, reverse: bool, weights: Weights, inputs: Array, state: State, resets: Array | None
) -> tuple[State, State, PyTree]:
    """The final state, the states after each step, and what is kept of each for the way back, leaves [T, ..., B]."""
    cell = FUSED_CELLS[kind]
    rows = cell.prepare(weights)
    wide_input = rows.input.astype(jnp.promote_types(rows.input.dtype, jnp.float32))

    def step(before: State, input_and_reset: Any) -> tuple[State, tuple[State, PyTree]]:
        x, reset = input_and_reset
        before = _without_past(reset, before)
        # A single feature is a broadcast, not a product; in the precision in which products are added up.
        single = x.shape[0] == 1
        from_inputs = wide_input * x.astype(wide_input.dtype) if single else product(rows.input, x)
        after, kept = cell.activate(from_inputs, product(rows.hidden, before.hidden), rows.bias, before)
        return after, (after, kept)

    final, (states, kept) = lax.scan(step, state, (inputs, resets), reverse=reverse)
    return final, states, kept


def backward(
    kind: str,
    reverse: bool,
    problem: tuple[Weights, Array, State, Array | None],
    states: State,
    kept: PyTree,
    d_final: Sequence[Array | None],
    d_states: Sequence[Array | None],
) -> tuple[Weights, Array, State]:
    """Back-propagation through time; the names are the forward pass's, with `d` for the loss's derivative by them.

    Args:
        kind: a key of FUSED_CELLS.
        reverse: whether the forward pass read from the last time step to the first.
        problem: the arguments of `forward`.
        states: its results.
        kept: its results.
        d_final: derivatives by each field of the final state, [H, B]; None: zero.
        d_states: derivatives by each field of the states, [T, H, B]; None: zero.

    Returns:
        The derivatives by the weights, the inputs and the state before the first time step.
    """
    weights, inputs, start, resets = problem
    cell, rows, (time, _, batch) = FUSED_CELLS[kind], FUSED_CELLS[kind].prepare(weights), inputs.shape
    gradient = WeightGradient(cell, rows, time, batch)
    # XLA dissolves a loop over one time step, and on the CPU has no product for a transposed bfloat16 outside a loop.
    dtype = rows.bias.dtype if 1 in (time, time % gradient.chunk) else rows.input.dtype
    # Transposed once: inside the loop XLA would take a slow product for it.
    input_transposed, hidden_transposed = rows.input.T.astype(dtype), rows.hidden.T.astype(dtype)

    def step(d_after: State, now: Array) -> tuple[State, Array, Array, Array]:
        reset = None if resets is None else _at(resets, now)
        before = _without_past(reset, _before(states, start, now, reverse))
        seen = [0 if leaf is None else _at(leaf, now) for leaf in d_states]
        d_after = type(start)(*map(operator.add, d_after, seen))
        d_rows, d_before = cell.differentiate(_at(kept, now), _at(states, now), before, d_after)
        d_hidden = d_before.hidden + product(hidden_transposed, d_rows[gradient.hidden_rows])
        d_before = _without_past(reset, d_before._replace(hidden=d_hidden))
        d_input = product(input_transposed, d_rows[gradient.input_rows])
        return d_before, d_input, d_rows, gradient.operand(before.hidden, _at(inputs, now))

    end = [jnp.zeros_like(like) if leaf is None else leaf for leaf, like in zip(d_final, start, strict=True)]
    d_start, d_inputs, d_rows = _back_in_chunks(step, type(start)(*end), gradient, time, reverse)
    d_weights = jax.tree.map(lambda leaf, like: leaf.astype(like.dtype), cell.restore(d_rows), weights)
    return d_weights, d_inputs.astype(inputs.dtype), d_start


def _back_in_chunks(
    step: Callable[[State, Array], tuple[State, Array, Array, Array]],
    d_state: State,
    gradient: WeightGradient,
    time: int,
    reverse: bool,
) -> tuple[State, Array, FusedWeights]:
    """Goes back through all time steps, a product of the weight gradient for each chunk of them."""

    def one(carry: Any, now: Array) -> tuple[Any, Array]:
        d_state, total, kept = carry
        d_state, d_input, d_rows, operand = step(d_state, now)
        return (d_state, gradient.add(total, d_rows, operand), kept), d_input

    def chunk(carry: Any, times: Array) -> tuple[Any, Array]:
        def keep(carry: Any, place_and_now: Any) -> tuple[Any, Array]:
            (d_state, kept), (place, now) = carry, place_and_now
            d_state, d_input, d_rows, operand = step(d_state, now)
            return (d_state, gradient.keep(kept, place, d_rows, operand)), d_input

        d_state, total, kept = carry
        places = jnp.arange(len(times))
        (d_state, kept), d_inputs = lax.scan(keep, (d_state, kept), (places, times), reverse=not reverse)
        rows, operands = (leaf[:, : len(times)].reshape(len(leaf), -1) for leaf in kept)
        return (d_state, gradient.add(total, rows, operands), kept), d_inputs

    length = gradient.chunk
    carry = vary_alike((d_state, gradient.zeros(d_state.hidden.dtype), gradient.nothing_kept()))
    times = jnp.arange(time)
    if length == 1:
        carry, d_inputs = lax.scan(one, carry, times, reverse=not reverse)
        return carry[0], d_inputs, gradient.finish(carry[1])
    # The chunk that is left over is gone through last.
    rest = time % length
    whole, left = (times[: time - rest], times[time - rest :]) if reverse else (times[rest:], times[:rest])
    carry, d_inputs = lax.scan(chunk, carry, whole.reshape(-1, length), reverse=not reverse)
    d_inputs = d_inputs.reshape(-1, *d_inputs.shape[2:])
    if rest:
        carry, d_left = chunk(carry, left)
        d_inputs = jnp.concatenate([d_inputs, d_left] if reverse else [d_left, d_inputs])
    return carry[0], d_inputs, gradient.finish(carry[1])


def _at(sequences: PyTree, time: Array) -> PyTree:
    return jax.tree.map(lambda leaf: lax.dynamic_index_in_dim(leaf, time, keepdims=False), sequences)


def _before(states: State, start: State, time: Array, reverse: bool) -> State:
    """The state before this time step."""
    length = states.hidden.shape[0]
    first, earlier = (length - 1, time + 1) if reverse else (0, time - 1)
    previous = _at(states, jnp.clip(earlier, 0, length - 1))
    return jax.tree.map(lambda leaf, at_start: jnp.where(time == first, at_start, leaf), previous, start)


def _without_past(reset: Array | None, state: State) -> State:
    """Zeros in the columns in which a new sequence begins."""
    return state if reset is None else jax.tree.map(lambda leaf: jnp.where(reset[None], 0, leaf), state)
