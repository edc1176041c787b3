"""The cells as the fast path computes them: gates forwards, their derivatives backwards, one time step each.

σ(a) = (1 + tanh(a/2)) / 2: the rows of the sigmoid gates are halved beforehand, so that a tanh serves all gates. What
is kept of a gate is that tanh, written with a small letter here: the gate itself is (1 + i) / 2.

Rows are the blocks of H pre-activations. Those of the inputs and those of the hidden state overlap: in the LSTM all
are sums of both; in the GRU, in the order n, r, z, hn, the first three have a part from the inputs, and the last three
one from the hidden state.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import lax

from lstm_jax.axes import Array
from lstm_jax.recurrent.cells import HiddenState, LSTMState, Weights


class FusedWeights(NamedTuple):
    """Weights in the order and scale of the fast path: input [R, D], hidden [R, H], bias [4·H, 1]."""

    input: Array
    hidden: Array
    bias: Array


class FusedCell(NamedTuple):
    """One kind of cell, step by step in both directions of time.

    Fields:
        input_blocks: blocks of H rows in which the inputs have a part.
        hidden_blocks: blocks of H rows in which the hidden state has a part.
        prepare: parameters to rows.
        restore: derivatives by rows to derivatives by parameters.
        activate: (inputs' part, hidden state's part, bias, state before) -> (state after, what is kept of the gates).
        differentiate: (what was kept, state after, state before, derivative by the state after) -> (derivative by the
            rows [4·H, B], and by the state before as far as it does not pass through the rows).
    """

    input_blocks: slice
    hidden_blocks: slice
    prepare: Callable[[Weights], FusedWeights]
    restore: Callable[[FusedWeights], Weights]
    activate: Callable[[Array, Array, Array, Any], tuple[Any, Any]]
    differentiate: Callable[[Any, Any, Any, Any], tuple[Array, Any]]


def _halve(blocks: Array, *which: bool) -> Array:
    """Halves some of the blocks of rows of [G·H, ...]."""
    factors = jnp.array([0.5 if half else 1.0 for half in which], blocks.dtype)
    return blocks * jnp.repeat(factors, blocks.shape[0] // len(which))[:, None]


def _order(blocks: Array, *order: int) -> Array:
    """Puts the blocks of rows of [G·H, ...] in another order."""
    pieces = jnp.split(blocks, len(order))
    return jnp.concatenate([pieces[number] for number in order])


def _prepare_lstm(weights: Weights) -> FusedWeights:
    return FusedWeights(*(_halve(part, True, True, False, True) for part in (*weights[:2], weights.bias[:, None])))


def _restore_lstm(rows: FusedWeights) -> Weights:
    scaled = [_halve(part, True, True, False, True) for part in rows]
    return Weights(scaled[0], scaled[1], scaled[2][:, 0])


def _activate_lstm(from_inputs: Array, from_hidden: Array, bias: Array, before: LSTMState) -> tuple[LSTMState, Array]:
    gates = jnp.tanh(from_inputs + from_hidden + bias)
    i, f, g, o = jnp.split(gates, 4)
    cell = (0.5 + 0.5 * f) * before.cell + (0.5 + 0.5 * i) * g
    return LSTMState((0.5 + 0.5 * o) * jnp.tanh(cell), cell), gates


def _differentiate_lstm(
    gates: Array, after: LSTMState, before: LSTMState, d_after: LSTMState
) -> tuple[Array, LSTMState]:
    i, f, g, o = jnp.split(gates, 4)
    d_hidden, cell_tanh = d_after.hidden, jnp.tanh(after.cell)
    # Without the barrier XLA computes d_cell anew inside each of the kernels that use it.
    d_cell = lax.optimization_barrier(d_after.cell + d_hidden * (0.5 + 0.5 * o) * (1 - cell_tanh**2))
    rows = [
        0.5 * d_cell * g * (1 - i**2),
        0.5 * d_cell * before.cell * (1 - f**2),
        d_cell * (0.5 + 0.5 * i) * (1 - g**2),
        0.5 * d_hidden * cell_tanh * (1 - o**2),
    ]
    return jnp.concatenate(rows), LSTMState(jnp.zeros_like(d_hidden), d_cell * (0.5 + 0.5 * f))


def _prepare_gru(weights: Weights) -> FusedWeights:
    return FusedWeights(
        _order(_halve(weights.input, True, True, False), 2, 0, 1),
        _halve(weights.hidden, True, True, False),
        _order(_halve(weights.bias[:, None], True, True, False, False), 2, 0, 1, 3),
    )


def _restore_gru(rows: FusedWeights) -> Weights:
    return Weights(
        _halve(_order(rows.input, 1, 2, 0), True, True, False),
        _halve(rows.hidden, True, True, False),
        _halve(_order(rows.bias, 1, 2, 0, 3), True, True, False, False)[:, 0],
    )


def _activate_gru(
    from_inputs: Array, from_hidden: Array, bias: Array, before: HiddenState
) -> tuple[HiddenState, tuple[Array, ...]]:
    units = before.hidden.shape[0]
    # Without the barriers XLA computes each tanh anew for each of its uses.
    gates = lax.optimization_barrier(jnp.tanh(from_inputs[units:] + from_hidden[: 2 * units] + bias[units : 3 * units]))
    r, z = jnp.split(gates, 2)
    recalled = from_hidden[2 * units :] + bias[3 * units :]
    n = lax.optimization_barrier(jnp.tanh(from_inputs[:units] + bias[:units] + (0.5 + 0.5 * r) * recalled))
    hidden = n + (0.5 + 0.5 * z) * (before.hidden - n)
    return HiddenState(hidden), (n, gates, recalled)


def _differentiate_gru(
    kept: tuple[Array, ...], after: HiddenState, before: HiddenState, d_after: HiddenState
) -> tuple[Array, HiddenState]:
    n, gates, recalled = kept
    r, z = jnp.split(gates, 2)
    d_hidden = d_after.hidden
    d_n = lax.optimization_barrier(d_hidden * (0.5 - 0.5 * z) * (1 - n**2))
    rows = [
        d_n,
        0.5 * d_n * recalled * (1 - r**2),
        0.5 * d_hidden * (before.hidden - n) * (1 - z**2),
        d_n * (0.5 + 0.5 * r),
    ]
    return jnp.concatenate(rows), HiddenState(d_hidden * (0.5 + 0.5 * z))


FUSED_CELLS = {
    "lstm": FusedCell(slice(0, 4), slice(0, 4), _prepare_lstm, _restore_lstm, _activate_lstm, _differentiate_lstm),
    "gru": FusedCell(slice(0, 3), slice(1, 4), _prepare_gru, _restore_gru, _activate_gru, _differentiate_gru),
}
