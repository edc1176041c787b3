"""The Flax modules: batch first, several layers, both directions, sequences of different lengths."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import lstm_jax
from lstm_jax.recurrent.cells import LSTMState
from lstm_jax.recurrent.layers import LAYERS

B, T, D, H = 4, 6, 3, 5
INPUTS = jax.random.normal(jax.random.key(0), (B, T, D))


def make(kind="lstm", **arguments):
    return LAYERS[kind](D, H, rngs=nnx.Rngs(0), **arguments)


@pytest.mark.parametrize("kind", ["lstm", "flax_lstm"])
def test_two_layers_are_one_on_top_of_the_other(kind):
    rnn = make(kind, num_layers=2)

    @jax.jit
    def compute(rnn):
        below = nnx.RNN(rnn.cells[0])(INPUTS)
        return below, nnx.RNN(rnn.cells[1])(below), rnn(INPUTS)

    below, expected, (outputs, state) = compute(rnn)
    assert outputs.shape == (B, T, H)
    np.testing.assert_allclose(outputs, expected, atol=1e-6)
    np.testing.assert_allclose(state[1].hidden, expected[:, -1], atol=1e-6)
    np.testing.assert_allclose(state[0].hidden, below[:, -1], atol=1e-6)


def test_a_plain_tuple_serves_as_a_state():
    state = (jnp.ones((B, H)), jnp.ones((B, H)))
    np.testing.assert_array_equal(make()(INPUTS, (state,))[0], make()(INPUTS, (LSTMState(*state),))[0])


@pytest.mark.parametrize(("kind", "has_one"), [("lstm", True), ("gru", True), ("rnn", False)])
def test_the_fast_path_is_taken_by_default_and_left_on_request(kind, has_one):
    def is_taken(**arguments):
        return "custom_vjp" in str(jax.make_jaxpr(lambda inputs: make(kind, **arguments)(inputs)[0])(INPUTS))

    assert is_taken() == has_one
    assert not is_taken(impl="scan")


def test_initial_weights_are_what_tensorflow_draws():
    cell = lstm_jax.LSTMCell(D, 200, rngs=nnx.Rngs(0))
    limit = np.sqrt(6 / (D + 200 + 800))
    kernel = np.concatenate([cell.input_kernel[...].ravel(), cell.hidden_kernel[...].ravel()])
    assert np.abs(kernel).max() <= limit
    np.testing.assert_allclose(kernel.std(), limit / np.sqrt(3), rtol=0.01)
    np.testing.assert_array_equal(cell.bias[...], np.repeat([0.0, 1.0, 0.0, 0.0], 200))


def test_works_under_jit_vmap_and_grad():
    graph, params = nnx.split(make())

    def loss(params, inputs):
        return jnp.sum(nnx.merge(graph, params)(inputs)[0] ** 2)

    many = jnp.stack([INPUTS, 2 * INPUTS])
    gradients = jax.jit(jax.vmap(jax.grad(loss), (None, 0)))(params, many)
    alone = jax.jit(jax.grad(loss))(params, many[1])
    for ours, theirs in zip(*map(jax.tree.leaves, (gradients, alone)), strict=True):
        np.testing.assert_allclose(ours[1], theirs, rtol=1e-4, atol=1e-5)
