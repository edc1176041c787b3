"""The fast path: the numbers of `scan.unroll`, with a hand-written backward pass.

What makes it fast on a CPU, where three products and a tanh of [4·H, B] a time step are about all that is left:
- One tanh serves all gates (`fused_cells`).
- The forward pass keeps the gates, so that the backward pass computes no product twice.
- All weight gradients are one product a step, its inner operand [h; x; 1] filled up to a multiple of 16 rows.

Sequences are columns: inputs [T, D, B], states [H, B]. Axes: see `lstm_jax.axes`.
"""

import functools
import operator
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_derivatives import SymbolicZero

from lstm_jax.axes import Array, PyTree
from lstm_jax.recurrent.cells import State, Weights, product
from lstm_jax.recurrent.forward_mode import explained, refuse_forward_mode
from lstm_jax.recurrent.fused_cells import FUSED_CELLS
from lstm_jax.recurrent.weight_gradient import WeightGradient

COLUMNS = 16
"""Larger batches are filled up to a multiple of this, a vector register; measured: 500 columns take 6 % longer than
512, 125 take 30 % longer than 128."""


def unroll(
    kind: str, weights: Weights, inputs: Array, state: State, resets: Array | None = None, *, reverse: bool = False
) -> tuple[State, State]:
    """Applies a cell to every symbol in turn: the same values and gradients as `scan.unroll`.

    Args:
        kind: a key of FUSED_CELLS.
        weights: the cell's parameters.
        inputs: [T, D, B].
        state: before the symbol that is read first, [H, B].
        resets: [T, B], whether the state is set to zero before this symbol is read; None: never.
        reverse: read from the last symbol to the first.

    Returns:
        The state after the symbol that is read last, [H, B], and those after each symbol, [T, H, B].

    Raises:
        TypeError: forward-mode derivatives (`jax.jvp`, `jax.jacfwd`) are asked for; the scan path has them.
    """
    batch = inputs.shape[-1]
    padding = -batch % COLUMNS if batch > COLUMNS else 0
    weights, inputs, state = refuse_forward_mode((weights, inputs, state))
    columns = (inputs, state, resets)
    if padding:
        columns = jax.tree.map(lambda leaf: jnp.pad(leaf, [(0, 0)] * (leaf.ndim - 1) + [(0, padding)]), columns)
    with explained():
        results = _unroll(kind, reverse, weights, *columns)
    return jax.tree.map(lambda leaf: leaf[..., :batch], results) if padding else results


UNROLL: dict[str, Callable[..., tuple[State, State]]] = {kind: functools.partial(unroll, kind) for kind in FUSED_CELLS}


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _unroll(
    kind: str, reverse: bool, weights: Weights, inputs: Array, state: State, resets: Array | None
) -> tuple[State, State]:
    final, states, _ = _forward(kind, reverse, weights, inputs, state, resets)
    return final, states


def _forward(
    kind: str, reverse: bool, weights: Weights, inputs: Array, state: State, resets: Array | None
) -> tuple[State, State, PyTree]:
    """The states, and what is kept of every step for the way back, leaves [T, ..., B]."""
    cell = FUSED_CELLS[kind]
    rows = cell.prepare(weights)

    def step(before: State, symbol_and_reset: Any) -> tuple[State, tuple[State, PyTree]]:
        symbol, reset = symbol_and_reset
        before = _without_past(reset, before)
        # A single feature is a broadcast, not a product.
        from_inputs = rows.input * symbol if symbol.shape[0] == 1 else product(rows.input, symbol)
        after, kept = cell.activate(from_inputs, product(rows.hidden, before.hidden), rows.bias, before)
        return after, (after, kept)

    final, (states, kept) = lax.scan(step, state, (inputs, resets), reverse=reverse)
    return final, states, kept


def _forward_rule(kind, reverse, *arguments):
    weights, inputs, state, resets = jax.tree.map(
        lambda primal: primal.value, arguments, is_leaf=lambda leaf: hasattr(leaf, "perturbed")
    )
    final, states, kept = _forward(kind, reverse, weights, inputs, state, resets)
    return (final, states), (weights, inputs, state, resets, states, kept)


def _backward_rule(kind, reverse, residuals, cotangents):
    """Back-propagation through time; the names are the forward pass's, with `d` for the loss's derivative by them."""
    weights, inputs, start, resets, states, kept = residuals
    # Cotangents that are zero by construction come as symbols, so that they cost nothing.
    d_final, d_states = ([None if isinstance(leaf, SymbolicZero) else leaf for leaf in part] for part in cotangents)
    cell, time = FUSED_CELLS[kind], inputs.shape[0]
    rows = cell.prepare(weights)
    input_transposed, hidden_transposed = rows.input.T, rows.hidden.T
    gradient = WeightGradient(cell, rows, inputs.shape[-1])

    def step(carry, time_symbol_reset):
        (d_after, d_weights), (now, symbol, reset) = carry, time_symbol_reset
        before = _without_past(reset, _before(states, start, now, reverse))
        seen = [0 if leaf is None else _at(leaf, now) for leaf in d_states]
        d_after = type(start)(*map(operator.add, d_after, seen))
        d_rows, d_before = cell.differentiate(_at(kept, now), _at(states, now), before, d_after)
        d_hidden = d_before.hidden + product(hidden_transposed, d_rows[gradient.hidden_rows])
        d_before = _without_past(reset, d_before._replace(hidden=d_hidden))
        d_symbol = product(input_transposed, d_rows[gradient.input_rows])
        return (d_before, gradient.add(d_weights, d_rows, before.hidden, symbol)), d_symbol

    d_final = [jnp.zeros_like(like) if leaf is None else leaf for leaf, like in zip(d_final, start, strict=True)]
    sequences = jnp.arange(time), inputs, resets
    (d_start, d_weights), d_inputs = lax.scan(
        step, (type(start)(*d_final), gradient.zeros()), sequences, reverse=not reverse
    )
    d_weights = cell.restore(gradient.finish(d_weights))
    d_weights = jax.tree.map(lambda leaf, like: leaf.astype(like.dtype), d_weights, weights)
    return d_weights, d_inputs.astype(inputs.dtype), d_start, None


def _at(sequences: PyTree, time: Array) -> PyTree:
    return jax.tree.map(lambda leaf: lax.dynamic_index_in_dim(leaf, time, keepdims=False), sequences)


def _before(states: State, start: State, time: Array, reverse: bool) -> State:
    """The state before the symbol of this time was read."""
    length = states.hidden.shape[0]
    first, earlier = (length - 1, time + 1) if reverse else (0, time - 1)
    previous = _at(states, jnp.clip(earlier, 0, length - 1))
    return jax.tree.map(lambda leaf, at_start: jnp.where(time == first, at_start, leaf), previous, start)


def _without_past(reset: Array | None, state: State) -> State:
    """Zeros in the columns in which a new sequence begins."""
    return state if reset is None else jax.tree.map(lambda leaf: jnp.where(reset, 0, leaf), state)


_unroll.defvjp(_forward_rule, _backward_rule, symbolic_zeros=True)
