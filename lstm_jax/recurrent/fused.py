"""The fast path for the LSTM: the numbers of `scan.unroll`, with a hand-written backward pass.

What makes it fast on a CPU, where three products and a tanh of [4·H, B] a time step are about all that is left:
- σ(z) = (1 + tanh(z/2)) / 2: with the rows of i, f and o halved beforehand, one tanh serves all four gates.
- The forward pass keeps the tanh of the gates, so that the backward pass computes no product twice.
- All weight gradients are one product a step, its inner operand [h; x; 1] filled up to a multiple of 16 rows.

Sequences are columns: inputs [T, D, B], states [H, B]. Axes: see `lstm_jax.axes`.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_derivatives import SymbolicZero

from lstm_jax.axes import Array
from lstm_jax.recurrent.cells import LSTMState, Weights

LARGEST_FILLED = 63
"""Up to this many units the operand of the weight gradient is filled up; measured: 7 % faster at 24, slower at 128."""

COLUMNS = 16
"""Larger batches are filled up to a multiple of this, a vector register; measured: 500 columns take 6 % longer than
512, 125 take 30 % longer than 128."""


def unroll_lstm(weights: Weights, inputs: Array, state: LSTMState) -> tuple[LSTMState, LSTMState]:
    """Applies an LSTM to every symbol in turn: the same values and gradients as `scan.unroll`.

    Args:
        weights: input [4·H, D], hidden [4·H, H], bias [4·H].
        inputs: [T, D, B].
        state: before the first symbol, [H, B].

    Returns:
        The state after the last symbol, [H, B], and those after each symbol, [T, H, B].

    Raises:
        TypeError: forward-mode derivatives (`jax.jvp`, `jax.jacfwd`) are asked for; the scan path has them.
    """
    batch = inputs.shape[-1]
    padding = -batch % COLUMNS if batch > COLUMNS else 0
    if not padding:
        return _unroll(weights, inputs, state)
    padded = jax.tree.map(lambda leaf: jnp.pad(leaf, [(0, 0)] * (leaf.ndim - 1) + [(0, padding)]), (inputs, state))
    return jax.tree.map(lambda leaf: leaf[..., :batch], _unroll(weights, *padded))


@jax.custom_vjp
def _unroll(weights: Weights, inputs: Array, state: LSTMState) -> tuple[LSTMState, LSTMState]:
    final, states, _ = _forward(weights, inputs, state)
    return final, states


def _halving(units: int, dtype: Any) -> Array:
    """The factor of each row of the weights: 1/2 for i, f and o, 1 for g; [4·H, 1]."""
    return jnp.full((4, units), 0.5, dtype).at[2].set(1).reshape(-1, 1)


def _scaled(weights: Weights) -> Weights:
    factor = _halving(weights.hidden.shape[1], weights.hidden.dtype)
    return Weights(weights.input * factor, weights.hidden * factor, weights.bias[:, None] * factor)


def _gate_tanh(scaled: Weights, inputs: Array, hidden: Array) -> Array:
    """Tanh of the scaled pre-activations: [4·H, B]. A single feature is a broadcast, not a product."""
    from_inputs = scaled.input * inputs if inputs.shape[0] == 1 else scaled.input @ inputs
    return jnp.tanh(scaled.hidden @ hidden + from_inputs + scaled.bias)


def _forward(weights: Weights, inputs: Array, state: LSTMState) -> tuple[LSTMState, LSTMState, Array]:
    scaled = _scaled(weights)

    def step(state: LSTMState, symbol: Any) -> tuple[LSTMState, tuple[LSTMState, Array]]:
        gates = _gate_tanh(scaled, symbol, state.hidden)
        i, f, g, o = jnp.split(gates, 4)
        cell = (0.5 + 0.5 * f) * state.cell + (0.5 + 0.5 * i) * g
        state = LSTMState((0.5 + 0.5 * o) * jnp.tanh(cell), cell)
        return state, (state, gates)

    final, (states, gates) = lax.scan(step, state, inputs)
    return final, states, gates


def _forward_rule(weights, inputs, state):
    weights, inputs, state = jax.tree.map(
        lambda primal: primal.value, (weights, inputs, state), is_leaf=lambda leaf: hasattr(leaf, "perturbed")
    )
    final, states, gates = _forward(weights, inputs, state)
    return (final, states), (weights, inputs, state, states, gates)


def _backward_rule(residuals, cotangents):
    """Back-propagation through time; the names are the forward pass's, with `d` for the loss's derivative by them."""
    weights, inputs, start, states, gates = residuals
    # Cotangents that are zero by construction come as symbols, so that they cost nothing.
    (d_final_hidden, d_final_cell), (d_hiddens, d_cells) = jax.tree.map(
        lambda leaf: None if isinstance(leaf, SymbolicZero) else leaf,
        cotangents,
        is_leaf=lambda leaf: isinstance(leaf, SymbolicZero),
    )
    scaled = _scaled(weights)
    hidden_transposed = scaled.hidden.T
    (units, batch), features = start.hidden.shape, inputs.shape[1]
    fill = 16 if units <= LARGEST_FILLED else 1
    ones_row = jnp.zeros((fill - (units + features) % fill, batch), inputs.dtype).at[0].set(1)

    def step(carry, time_and_symbol):
        d_hidden, d_cell, d_weights = carry
        time, symbol = time_and_symbol
        before = LSTMState(*(_previous(leaf, time, first) for leaf, first in zip(states, start, strict=True)))
        if d_hiddens is not None:
            d_hidden = d_hidden + _at(d_hiddens, time)
        if d_cells is not None:
            d_cell = d_cell + _at(d_cells, time)
        d_gates, d_cell = _through_gates(_at(gates, time), _at(states.cell, time), before.cell, d_hidden, d_cell)
        d_weights = d_weights + d_gates @ jnp.concatenate([before.hidden, symbol, ones_row]).T
        return (hidden_transposed @ d_gates, d_cell, d_weights), scaled.input.T @ d_gates

    zero = jnp.zeros_like(start.cell)
    d_weights = jnp.zeros((4 * units, units + features + len(ones_row)), weights.hidden.dtype)
    d_final = [zero if leaf is None else leaf for leaf in (d_final_hidden, d_final_cell)]
    times = jnp.arange(inputs.shape[0])
    (d_hidden, d_cell, d_weights), d_inputs = lax.scan(step, (*d_final, d_weights), (times, inputs), reverse=True)
    d_weights = d_weights * _halving(units, d_weights.dtype)
    d_hidden_weights, d_input_weights, d_bias, _ = jnp.split(
        d_weights, [units, units + features, units + features + 1], axis=1
    )
    return Weights(d_input_weights, d_hidden_weights, d_bias[:, 0]), d_inputs, LSTMState(d_hidden, d_cell)


def _through_gates(gates: Array, cell: Array, before: Array, d_hidden: Array, d_cell: Array) -> tuple[Array, Array]:
    """One step back: from the state's derivatives to those of the scaled pre-activations and of the cell before."""
    i, f, g, o = jnp.split(gates, 4)
    cell_tanh = jnp.tanh(cell)
    # Without the barrier XLA computes d_cell anew inside each of the kernels that use it.
    d_cell = lax.optimization_barrier(d_cell + d_hidden * (0.5 + 0.5 * o) * (1 - cell_tanh**2))
    d_gates = [
        0.5 * d_cell * g * (1 - i**2),
        0.5 * d_cell * before * (1 - f**2),
        d_cell * (0.5 + 0.5 * i) * (1 - g**2),
        0.5 * d_hidden * cell_tanh * (1 - o**2),
    ]
    return jnp.concatenate(d_gates), d_cell * (0.5 + 0.5 * f)


def _at(sequence: Array, time: Array) -> Array:
    return lax.dynamic_index_in_dim(sequence, time, keepdims=False)


def _previous(sequence: Array, time: Array, first: Array) -> Array:
    return jnp.where(time == 0, first, _at(sequence, jnp.maximum(time - 1, 0)))


_unroll.defvjp(_forward_rule, _backward_rule, symbolic_zeros=True)
