"""Layers with random weights, sequences for them, and what the loops of `references` make of both."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from lstm_jax.recurrent.cells import Weights
from lstm_jax.recurrent.layers import LAYERS
from tests import references

PATHS = [("lstm", "scan"), ("lstm", "auto"), ("gru", "scan"), ("gru", "auto"), ("rnn", "scan")]
"""Kinds of cells and implementations that differ."""


def drawn(key, shape, dtype=jnp.float32):
    """An initialiser that draws with NumPy, so that no shape has to be compiled for."""
    rng = np.random.default_rng(np.asarray(jax.random.key_data(key)))
    return jnp.asarray(rng.normal(scale=0.5 if len(shape) == 1 else shape[0] ** -0.5, size=shape), dtype)


def make(kind="lstm", features=3, units=4, *sizes, seed=0, **options):
    """A layer none of whose weights is zero."""
    defaults = {"kernel_init": drawn, "recurrent_kernel_init": drawn, "bias_init": drawn, "rngs": nnx.Rngs(seed)}
    return LAYERS[kind](features, units, *sizes, **defaults | options)


def weights_of(rnn):
    """Its weights in double precision, one a layer and direction."""
    return [Weights(*(np.asarray(leaf, np.float64) for leaf in cell.weights)) for cell in rnn.cells]


def random_state(rnn, batch, seed=0):
    """One state a layer and direction, [B, H] each, in double precision."""
    rng = np.random.default_rng(seed)
    return jax.tree.map(lambda leaf: rng.normal(size=leaf.shape), rnn.initial_state(batch))


def expected(rnn, inputs, state=None, lengths=None, resets=None, weights=None):
    """Outputs [B, T, ...] and final states of a layer, by NumPy loops over each sequence alone.

    Args:
        rnn: the layer, for its weights and their order.
        inputs: [B, T, D].
        state: one a layer and direction, [B, H] each; None: zeros.
        lengths: [B]; None: all symbols count.
        resets: [B, T]; None: nowhere.
        weights: in place of the layer's own.
    """
    kind, (batch, time) = rnn.cells[0].kind, inputs.shape[:2]
    weights = weights_of(rnn) if weights is None else weights
    state = jax.tree.map(np.zeros_like, random_state(rnn, batch)) if state is None else state
    lengths = np.full(batch, time) if lengths is None else lengths
    resets = np.zeros((batch, time), bool) if resets is None else resets
    outputs, finals = [], []
    for row in range(batch):
        starts = [tuple(np.asarray(leaf[row], np.float64) for leaf in one) for one in state]
        symbols = np.asarray(inputs[row], np.float64)
        found = references.stack(
            kind, weights, rnn.num_directions, symbols, starts, int(lengths[row]), np.asarray(resets[row])
        )
        outputs.append(found[0])
        finals.append(found[1])
    return np.stack(outputs), jax.tree.map(lambda *rows: np.stack(rows), *finals)


def value_and_gradients(rnn, probes):
    """A jitted function of (inputs, state, lengths, resets): the probed sum, and its gradients.

    The sum is that of outputs times probes[0] and of final states times probes[1:]. It is differentiated by the weights
    (one Weights a layer and direction), the inputs and the state.
    """
    graph, params, rest = nnx.split(rnn, nnx.Param, ...)

    def loss(params, inputs, state, lengths, resets):
        results = nnx.merge(graph, params, rest)(inputs, state, lengths, resets)
        return sum(jnp.sum(leaf * probe) for leaf, probe in zip(jax.tree.leaves(results), probes, strict=True))

    @jax.jit
    def compute(inputs, state, lengths=None, resets=None):
        value, gradients = jax.value_and_grad(loss, argnums=(0, 1, 2))(params, inputs, state, lengths, resets)
        by_weights = [cell.weights for cell in nnx.merge(graph, gradients[0], rest).cells]
        return value, (by_weights, *gradients[1:])

    return compute


def expected_sum(rnn, probes, weights, inputs, state, lengths=None, resets=None):
    """The same sum, by NumPy loops."""
    leaves = jax.tree.leaves(expected(rnn, inputs, state, lengths, resets, weights))
    return sum(np.sum(leaf * probe) for leaf, probe in zip(leaves, probes, strict=True))


def probes_for(rnn, batch, time, seed=9):
    """Random weights of a sum over outputs and final states."""
    rng = np.random.default_rng(seed)
    width = rnn.cells[0].hidden_features
    leaves = len(jax.tree.leaves(rnn.initial_state(batch)))
    return [rng.normal(size=(batch, time, width * rnn.num_directions)), *rng.normal(size=(leaves, batch, width))]


def assert_close(ours, theirs, **tolerance):
    """All leaves of two trees are close."""
    for our, their in zip(*map(jax.tree.leaves, (ours, theirs)), strict=True):
        np.testing.assert_allclose(np.asarray(our, np.float64), np.asarray(their, np.float64), **tolerance)
