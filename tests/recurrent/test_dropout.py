"""Dropout between layers, made visible by weights that are set by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import lstm_jax
from lstm_jax.recurrent.flax_builtin import FlaxLSTM
from tests.recurrent.cases import assert_close, expected, make

B, T, H = 40, 15, 10
INPUTS = jnp.zeros((B, T, 1))
SCALE = 0.01


def make_visible(rate):
    """Two Elman layers: all outputs of the lower are 0.5, and the upper gives tanh(SCALE · what reaches it)."""
    zeros = nnx.initializers.zeros
    rnn = make("rnn", 1, H, 2, dropout_rate=rate, kernel_init=zeros, recurrent_kernel_init=zeros, bias_init=zeros)
    rnn.cells[0].bias[...] = jnp.full(H, jnp.arctanh(0.5))
    rnn.cells[1].input_kernel[...] = SCALE * jnp.eye(H)
    return rnn


def what_reaches_the_upper(rnn):
    return np.arctanh(rnn(INPUTS)[0]) / SCALE


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_a_share_is_dropped_and_the_expectation_kept(rate):
    seen = what_reaches_the_upper(make_visible(rate))
    dropped = seen == 0
    np.testing.assert_allclose(seen[~dropped], 0.5 / (1 - rate), rtol=1e-4)
    deviation = np.sqrt(rate * (1 - rate) / dropped.size)
    assert abs(np.mean(dropped) - rate) < 4 * deviation
    assert abs(np.mean(seen) - 0.5) < 4 * deviation * 0.5 / (1 - rate)
    # Sequences, symbols and units are dropped independently of each other.
    for axis in range(3):
        neighbours = np.mean(dropped.take(range(1, dropped.shape[axis]), axis) & dropped.take([0], axis))
        assert abs(neighbours - rate**2) < 0.05


def test_nothing_is_dropped_after_the_last_layer():
    inputs = jax.random.normal(jax.random.key(0), (2, 5, 3))
    run = nnx.jit(lambda rnn: rnn(inputs))
    with pytest.warns(UserWarning):
        alone = make("lstm", 3, 4, 1, True, dropout_rate=0.5)
    assert_close(run(alone), expected(alone, inputs), atol=1e-6)
    assert np.all(run(make("lstm", 3, 4, 2, dropout_rate=0.9))[0] != 0)


def test_evaluation_drops_nothing():
    rnn = make("gru", 3, 4, 2, True, dropout_rate=0.5)
    inputs = jax.random.normal(jax.random.key(0), (2, 5, 3))
    run, theirs = nnx.jit(lambda rnn: rnn(inputs)), expected(rnn, inputs)
    assert np.max(np.abs(run(rnn)[0] - theirs[0])) > 0.01
    rnn.eval()
    assert_close(run(rnn), theirs, atol=1e-6)
    rnn.train()
    assert np.max(np.abs(run(rnn)[0] - theirs[0])) > 0.01


def test_every_call_draws_anew_under_nnx_jit_and_none_under_jax_jit():
    def dropped(rnn):
        return rnn(INPUTS)[0] == 0

    rnn = make_visible(0.5)
    run = nnx.jit(dropped)
    first, second = run(rnn), run(rnn)
    assert 0.4 < np.mean(first != second) < 0.6
    graph, state = nnx.split(rnn)
    pure = jax.jit(lambda state: dropped(nnx.merge(graph, state)))
    np.testing.assert_array_equal(pure(state), pure(state))


def test_boundaries_between_layers_do_not_share_their_numbers():
    rnn = make("rnn", 1, 2, 4, dropout_rate=0.5)
    keys = [jax.random.key_data(dropout.rngs.key[...]).tolist() for dropout in rnn.dropouts]
    assert len(keys) == 3
    assert len({tuple(key) for key in keys}) == 3


@pytest.mark.parametrize("layer", [lstm_jax.LSTM, lstm_jax.GRU, lstm_jax.SimpleRNN, FlaxLSTM])
def test_a_single_layer_says_where_it_is_made_that_nothing_is_dropped(layer):
    with pytest.warns(UserWarning, match=r"dropout_rate=0.5 has no effect with num_layers=1.*num_layers=2") as said:
        rnn = layer(1, 2, dropout_rate=0.5, rngs=nnx.Rngs(0))
    assert [warning.filename for warning in said] == [__file__]
    assert not jax.tree.leaves(nnx.state(rnn, nnx.RngState))


def test_without_a_rate_there_is_no_random_state():
    assert not jax.tree.leaves(nnx.state(make("lstm", 1, 2, 3, dropout_rate=0.0), nnx.RngState))


def test_the_weights_do_not_depend_on_the_rate():
    with_, without = (nnx.state(make("lstm", 1, 2, 3, dropout_rate=rate), nnx.Param) for rate in (0.5, 0.0))
    jax.tree.map(np.testing.assert_array_equal, with_, without)


def test_step_drops_between_layers_too():
    rnn = make_visible(0.5)
    outputs, _ = rnn.step(INPUTS[:, 0], rnn.initial_state(B))
    assert 0.4 < np.mean(outputs == 0) < 0.6
    rnn.eval()
    np.testing.assert_allclose(rnn.step(INPUTS[:, 0], rnn.initial_state(B))[0], np.tanh(0.5 * SCALE), rtol=1e-5)
