"""The built-in LSTM of Flax as a stack: the values of this library's, its own initial weights, and its limits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from lstm_jax.network.inputs import FixedFeatures
from lstm_jax.network.model import SequenceModel
from lstm_jax.network.settings import ModelSettings
from lstm_jax.recurrent.flax_builtin import FlaxLSTM
from lstm_jax.recurrent.flax_weights import from_flax
from lstm_jax.tasks.sign_sum import SignSum
from tests.recurrent.cases import assert_close, make, probes_for, random_state, value_and_gradients

B, T, D, H = 3, 6, 2, 4
INPUTS = np.random.default_rng(0).normal(size=(B, T, D))


@pytest.mark.usefixtures("float64")
def test_it_computes_what_our_lstm_does_with_its_weights():
    sizes = (D, H, 1, True)
    theirs = make("flax_lstm", *sizes, remat=2, truncate=3, param_dtype=jnp.float64)
    ours = make("lstm", *sizes, truncate=3, param_dtype=jnp.float64)
    for our, their in zip(ours.cells, theirs.cells, strict=True):
        our.set_weights(from_flax(their.built_in).weights)
    lengths, resets = np.array([T, 0, 4]), np.random.default_rng(1).random((B, T)) < 0.3
    given, probes = (INPUTS, random_state(ours, B), lengths, resets), probes_for(ours, B, T)
    found = [value_and_gradients(rnn, probes)(*given) for rnn in (ours, theirs)]
    assert_close(*found, rtol=1e-10, atol=1e-12)


def test_it_takes_our_weights():
    theirs, weights = make("flax_lstm", D, H), make("lstm", D, H, seed=1).cells[0].weights
    theirs.cells[0].set_weights(weights)
    assert_close(theirs.cells[0].weights, weights, rtol=0)
    assert_close(from_flax(theirs.cells[0].built_in).weights, weights, rtol=0)


def test_initial_weights_are_those_of_flax():
    own = nnx.OptimizedLSTMCell(D, H, rngs=nnx.Rngs(0))
    cell = FlaxLSTM(D, H, rngs=nnx.Rngs(0)).cells[0]
    jax.tree.map(np.testing.assert_array_equal, nnx.state(cell.built_in), nnx.state(own))
    cell = FlaxLSTM(D, H, forget_bias=2.0, rngs=nnx.Rngs(0)).cells[0]
    np.testing.assert_array_equal(cell.bias[...], np.repeat([0.0, 2.0, 0.0, 0.0], H))
    ones = nnx.initializers.ones
    cell = FlaxLSTM(D, H, recurrent_kernel_init=ones, rngs=nnx.Rngs(0)).cells[0]
    np.testing.assert_array_equal(cell.weights.hidden, 1)
    np.testing.assert_array_equal(cell.built_in.dense_i.kernel, own.dense_i.kernel)


def test_one_initialiser_draws_both_matrices_as_one():
    def number(key, shape, dtype):
        assert shape == (D + H, 4 * H)
        return jnp.arange(np.prod(shape), dtype=dtype).reshape(shape)

    weights = FlaxLSTM(D, H, kernel_init=number, rngs=nnx.Rngs(0)).cells[0].weights
    both = np.concatenate([weights.input, weights.hidden], 1)
    np.testing.assert_array_equal(both.T.ravel(), np.arange(both.size))


def test_the_recipe_of_the_sign_game_begins_with_the_same_network_as_with_our_cell():
    recipe = {"hidden_size": 24, "kernel_init": "normal", "kernel_mean": -0.2, "kernel_stddev": 0.1}
    inputs, models = FixedFeatures(SignSum().features), {}
    for cell in ("lstm", "flax_lstm"):
        models[cell] = SequenceModel(ModelSettings(cell=cell, num_layers=2, **recipe), inputs, 1, rngs=nnx.Rngs(7))
    ours, theirs = models["lstm"], models["flax_lstm"]
    for layer in theirs.recurrent.cells:
        for weights in layer.weights[:2]:
            assert np.abs(weights + 0.2).max() <= 0.2 + 1e-6, "cut off at two deviations"
            assert abs(np.mean(weights) + 0.2) < 0.02
        np.testing.assert_array_equal(layer.bias[...], np.repeat([0.0, 1.0, 0.0, 0.0], 24))
    cells = zip(ours.recurrent.cells, theirs.recurrent.cells, strict=True)
    for our, their in [*((a.weights, b.weights) for a, b in cells), (ours.readout_kernel, theirs.readout_kernel)]:
        jax.tree.map(np.testing.assert_array_equal, our, their)


def test_products_in_low_precision_leave_the_state_in_float32():
    rnn = make("flax_lstm", D, H, 2, dtype=jnp.bfloat16)
    exact = make("flax_lstm", D, H, 2)
    outputs, state = jax.jit(rnn)(jnp.float32(INPUTS))
    assert outputs.dtype == jnp.bfloat16
    assert {leaf.dtype for leaf in jax.tree.leaves(state)} == {jnp.dtype("float32")}
    assert_close((outputs, state), jax.jit(exact)(jnp.float32(INPUTS)), atol=0.05)


def test_what_it_cannot_do_is_refused():
    with pytest.raises(ValueError, match='the built-in cell of Flax has no fused path: use impl="scan"'):
        make("flax_lstm", impl="fused")
    with pytest.raises(ValueError, match="hidden_features must be at least 1"):
        make("flax_lstm", D, 0)
    with pytest.raises(TypeError, match="gate_fn"):
        make("flax_lstm", gate_fn=jnp.tanh)
