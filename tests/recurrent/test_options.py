"""Dropout between layers, types, initial weights."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from lstm_jax.recurrent.cells import LSTMState
from lstm_jax.recurrent.flax_cells import GRUCell, LSTMCell, SimpleCell
from lstm_jax.recurrent.layers import LAYERS

B, T, D, H = 4, 6, 3, 5
INPUTS = jax.random.normal(jax.random.key(0), (B, T, D))


def make(kind="lstm", **arguments):
    return LAYERS[kind](D, H, rngs=nnx.Rngs(0), **arguments)


def test_dropout_lies_between_layers_only():
    one = make(dropout_rate=0.5)
    np.testing.assert_array_equal(one(INPUTS)[0], make()(INPUTS)[0])
    assert not jax.tree.leaves(nnx.state(make(num_layers=3), nnx.RngState))
    two = make(num_layers=2, dropout_rate=0.5)
    two_without = make(num_layers=2)
    for cell, other in zip(two.cells, two_without.cells, strict=True):
        nnx.update(other, nnx.state(cell))
    (_, below), (_, below_without) = two(INPUTS), two_without(INPUTS)
    np.testing.assert_array_equal(below[0].hidden, below_without[0].hidden)
    assert not np.allclose(below[1].hidden, below_without[1].hidden)
    two.eval()
    np.testing.assert_array_equal(two(INPUTS)[0], two_without(INPUTS)[0])


def test_dropout_keeps_the_share_that_it_says_and_the_mean():
    """The layer above passes on what it reads: an Elman cell with tiny weights is nearly linear."""
    rnn = LAYERS["rnn"](D, 200, num_layers=2, dropout_rate=0.3, rngs=nnx.Rngs(0))
    above, scale = rnn.cells[1], 1e-3
    above.input_kernel[...], above.hidden_kernel[...] = scale * jnp.eye(200), jnp.zeros((200, 200))
    inputs = jax.random.normal(jax.random.key(1), (32, 20, D))
    dropped = rnn(inputs)[0] / scale
    rnn.eval()
    whole = rnn(inputs)[0] / scale
    np.testing.assert_allclose(np.mean(dropped == 0), 0.3, atol=0.01)
    np.testing.assert_allclose(dropped[dropped != 0], (whole / 0.7)[dropped != 0], rtol=1e-3)


def test_each_call_under_nnx_jit_drops_others():
    rnn, call = make(num_layers=2, dropout_rate=0.5), nnx.jit(lambda rnn: rnn(INPUTS)[0])
    assert not np.allclose(call(rnn), call(rnn))


@pytest.mark.parametrize("rate", [-0.1, 1.0])
def test_an_impossible_rate_is_refused(rate):
    with pytest.raises(ValueError, match="dropout_rate must be at least 0 and below 1"):
        make(dropout_rate=rate)


@pytest.mark.parametrize("kind", LAYERS)
def test_types(kind):
    rnn = make(kind, num_layers=2, dtype=jnp.bfloat16)
    outputs, state = rnn(INPUTS)
    assert outputs.dtype == jnp.bfloat16
    assert {leaf.dtype for leaf in jax.tree.leaves((state, nnx.state(rnn, nnx.Param)))} == {jnp.dtype(jnp.float32)}
    gradient = jax.grad(lambda rnn: jnp.sum(rnn(INPUTS)[0]).astype(jnp.float32))(rnn)
    assert {leaf.dtype for leaf in jax.tree.leaves(gradient)} == {jnp.dtype(jnp.float32)}
    small = make(kind, param_dtype=jnp.bfloat16)
    assert {leaf.dtype for leaf in jax.tree.leaves(nnx.state(small, nnx.Param))} == {jnp.dtype(jnp.bfloat16)}
    np.testing.assert_allclose(np.float32(outputs), make(kind, num_layers=2)(INPUTS)[0], atol=0.05)


def test_integers_are_inputs_like_others():
    ones = jnp.ones((B, T, D), jnp.int32)
    np.testing.assert_array_equal(make()(ones)[0], make()(ones.astype(jnp.float32))[0])


def test_a_cell_counts_beyond_256_with_products_in_bfloat16():
    """Gates wide open, one added a symbol: a cell state in bfloat16 would stay at 256."""
    rnn = LAYERS["lstm"](1, 1, rngs=nnx.Rngs(0), dtype=jnp.bfloat16)
    cell = rnn.cells[0]
    cell.input_kernel[...], cell.hidden_kernel[...] = jnp.zeros((4, 1)), jnp.zeros((4, 1))
    cell.bias[...] = jnp.full(4, 40.0)
    _, (state,) = rnn(jnp.ones((1, 1000, 1)))
    assert isinstance(state, LSTMState)
    np.testing.assert_allclose(state.cell, 1000)


@pytest.mark.parametrize("cell_type", [LSTMCell, GRUCell, SimpleCell])
def test_initial_weights_are_those_of_the_arguments(cell_type):
    constant = nnx.initializers.constant
    cell = cell_type(
        D,
        H,
        kernel_init=constant(1.0),
        recurrent_kernel_init=constant(2.0),
        bias_init=constant(3.0),
        forget_bias=None,
        rngs=nnx.Rngs(0),
    )
    assert {float(leaf) for leaf in cell.input_kernel[...].ravel()} == {1.0}
    assert {float(leaf) for leaf in cell.hidden_kernel[...].ravel()} == {2.0}
    assert {float(leaf) for leaf in cell.bias[...]} == {3.0}
    both = cell_type(D, H, kernel_init=constant(1.0), rngs=nnx.Rngs(0))
    assert {float(leaf) for leaf in both.hidden_kernel[...].ravel()} == {1.0}


def test_the_forget_bias_is_that_of_the_second_gate():
    bias = LSTMCell(D, H, forget_bias=7.0, bias_init=nnx.initializers.constant(3.0), rngs=nnx.Rngs(0)).bias[...]
    np.testing.assert_array_equal(bias, np.repeat([3.0, 7.0, 3.0, 3.0], H))
