"""Weight gradients that are not written: sums of a few outer products, computed where an optimizer reads them.

A layer of 512 units has 4 MiB of weights. An update by a single sequence of 3 time steps reads them five times, in and
out of a core's cache, and does little else: a gradient that is written once and read twice is a third of its time.
Measured on two cores, updates of `next_word` with RMSProp, written and deferred: 512 units and 3 time steps 0.94 and
0.69 ms, 8 time steps 1.57 and 1.34, 16 time steps 2.4 and 2.2; 256 units 0.36 and 0.28; 128 units 0.21 and 0.19; 64
units 0.06 and 0.10; two layers of 256 units and 8 time steps 0.99 and 0.80, but one that reads embeddings of 512
numbers 1.24 and 1.37, for a reason that is not known (4 time steps: no difference). A gradient that is wanted for
itself is better written: of 128 units in 0.07 instead of 0.13 ms.
"""

import contextlib
import contextvars
import functools
import itertools
import operator
from collections.abc import Iterator

import jax.numpy as jnp
from jax import lax

from lstm_jax.axes import Array
from lstm_jax.recurrent.cells import State, Weights

MOST_TERMS = 8
"""Outer products that are added up wherever the gradient is read; more are longer to compile and gain less."""

WIDE = 128
"""Units from which on it pays."""

INPUT_BLOCKS = {"lstm": (0, 1, 2, 3), "gru": (0, 1, 2)}
HIDDEN_BLOCKS = {"lstm": (0, 1, 2, 3), "gru": (0, 1, 3)}
"""Blocks of H rows, in the order of the bias, in which the inputs and the hidden state have a part."""

_deferring = contextvars.ContextVar("deferring", default=False)


@contextlib.contextmanager
def deferred_weight_gradients() -> Iterator[None]:
    """What is differentiated within has gradients that an optimizer will read, number by number.

    For functions that are traced within: one that `jax.jit` has compiled before stays as it is.
    """
    token = _deferring.set(True)
    try:
        yield
    finally:
        _deferring.reset(token)


def is_preferred(weights: Weights, time: int, columns: int) -> bool:
    """Whether the gradient of a layer that read so many columns for so many time steps should be left as terms."""
    return _deferring.get() and 0 < time * columns <= MOST_TERMS and weights.hidden.shape[-1] >= WIDE


def weight_gradient(
    kind: str, reverse: bool, d_rows: Array, inputs: Array, state: State, states: State, resets: Array | None
) -> Weights:
    """The gradient as an expression, which XLA computes in each operation that reads it.

    Args:
        kind: `lstm` or `gru`.
        reverse: read from the last time step to the first.
        d_rows: derivatives by the sums of the gates, in the order of the bias, [T, 4·H, B].
        inputs: [T, D, B].
        state: before the time step that was read first, [H, B].
        states: after each time step, [T, H, B].
        resets: [T, B], or None.
    """
    before = _before(reverse, state, states, resets)
    blocks = jnp.split(d_rows, 4, axis=-2)
    of_inputs, of_hidden = (
        jnp.concatenate([blocks[number] for number in numbers[kind]], axis=-2)
        for numbers in (INPUT_BLOCKS, HIDDEN_BLOCKS)
    )
    return Weights(_sum_of_products(of_inputs, inputs), _sum_of_products(of_hidden, before), d_rows.sum(axis=(-3, -1)))


def _before(reverse: bool, state: State, states: State, resets: Array | None) -> Array:
    """The hidden state before each time step, [T, H, B]."""
    after = states.hidden
    # Of several layers that are computed in one call, all may begin with the same state.
    start = jnp.broadcast_to(state.hidden[..., None, :, :], after[..., :1, :, :].shape)
    before = jnp.concatenate([after[..., 1:, :, :], start] if reverse else [start, after[..., :-1, :, :]], axis=-3)
    return before if resets is None else jnp.where(jnp.broadcast_to(resets[..., None, :], before.shape), 0, before)


def _sum_of_products(rows: Array, read: Array) -> Array:
    """The sum of rows [T, R, B] times what was read [T, D, B], over time and columns: [R, D]."""
    *members, time, _, columns = rows.shape
    read = jnp.broadcast_to(read, (*members, *read.shape[-3:]))
    terms = (
        rows[..., t, :, None, b] * read[..., t, None, :, b] for t, b in itertools.product(range(time), range(columns))
    )
    # XLA writes a sum of arrays that is read twice, as to compute it twice would read them twice: it does not see that
    # these are not read but made of vectors. A product with a number it does compute twice, if it may not be 1.
    return functools.reduce(operator.add, terms) * lax.optimization_barrier(jnp.ones((), rows.dtype))
