"""What is computed in which type: inputs, parameters, states, gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from tests.recurrent.cases import assert_close, expected, make, probes_for, random_state, value_and_gradients

# Inputs, dtype, param_dtype -> outputs; states are in at least float32.
TYPES = [
    ("float32", None, "float32", "float32"),
    ("bfloat16", None, "bfloat16", "bfloat16"),
    ("bfloat16", None, "float32", "float32"),
    ("float32", None, "bfloat16", "float32"),
    ("float32", "bfloat16", "float32", "bfloat16"),
    ("float32", "float16", "float32", "float16"),
    ("float32", "float32", "bfloat16", "float32"),
    ("int32", None, "float32", "float32"),
    ("int8", "bfloat16", "bfloat16", "bfloat16"),
    ("bool", None, "float32", "float32"),
]


@pytest.mark.parametrize(
    ("kind", "impl", "inputs", "dtype", "param_dtype", "outputs"),
    [("lstm", "fused", *types) for types in TYPES] + [("gru", "fused", *TYPES[4]), ("rnn", "scan", *TYPES[4])],
)
def test_types_of_outputs_states_parameters_and_gradients(kind, impl, inputs, dtype, param_dtype, outputs):
    rnn = make(kind, 2, 3, 2, impl=impl, dtype=dtype and jnp.dtype(dtype), param_dtype=jnp.dtype(param_dtype))
    graph, params, rest = nnx.split(rnn, nnx.Param, ...)
    found = {}

    def loss(params, inputs):
        rnn = nnx.merge(graph, params, rest)
        found["whole"] = jax.tree.map(jnp.result_type, rnn(inputs))
        found["step"] = jax.tree.map(jnp.result_type, rnn.step(inputs[:, 0], rnn.initial_state(4)))
        return jnp.sum(rnn(inputs)[0].astype(jnp.float32))

    gradients = jax.eval_shape(jax.grad(loss), params, jax.ShapeDtypeStruct((4, 5, 2), inputs))
    assert found["whole"] == found["step"]
    assert found["whole"][0] == jnp.dtype(outputs)
    assert set(jax.tree.leaves(found["whole"][1])) == {jnp.dtype("float32")}
    assert {leaf.dtype for leaf in jax.tree.leaves((params, gradients))} == {jnp.dtype(param_dtype)}


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(("inputs", "dtype", "param_dtype"), [("float64", None, "float32"), ("int64", "float64", None)])
def test_double_precision_is_that_of_the_widest(inputs, dtype, param_dtype):
    rnn = make("lstm", 2, 3, dtype=dtype and jnp.float64, param_dtype=jnp.dtype(param_dtype or "float32"))
    outputs, state = rnn(jnp.ones((1, 2, 2), inputs))
    assert {leaf.dtype for leaf in jax.tree.leaves((outputs, state))} == {jnp.dtype("float64")}
    assert_close((outputs, state), expected(rnn, np.ones((1, 2, 2))), rtol=1e-12)


@pytest.mark.parametrize(("impl", "param_dtype"), [("scan", "float32"), ("fused", "float32"), ("fused", "bfloat16")])
def test_an_lstm_in_bfloat16_counts_to_a_thousand(impl, param_dtype):
    # Open gates, and tanh(50) = 1 added at every symbol: in bfloat16 256 + 1 is 256.
    rnn = make("lstm", 1, 1, impl=impl, dtype=jnp.bfloat16, param_dtype=jnp.dtype(param_dtype))
    cell = rnn.cells[0]
    cell.bias[...] = jnp.array([50, 50, 0, 50], param_dtype)
    cell.input_kernel[...] = jnp.array([[0], [0], [50], [0]], param_dtype)
    cell.hidden_kernel[...] = jnp.zeros((4, 1), param_dtype)
    _, (state,) = rnn(jnp.ones((2, 1000, 1), jnp.bfloat16), lengths=jnp.array([1000, 300]))
    np.testing.assert_array_equal(state.cell[:, 0], [1000, 300])
    carry, _ = nnx.RNN(cell, return_carry=True)(jnp.ones((2, 1000, 1), jnp.bfloat16))
    np.testing.assert_array_equal(carry.cell, 1000)


# One symbol at a time, and as what is left over of a product for eight symbols: XLA treats such loops differently.
@pytest.mark.parametrize(
    ("kind", "time", "units", "batch", "remat"),
    [("lstm", 1, 3, 4, 0), ("gru", 1, 3, 4, 0), ("lstm", 9, 70, 16, 0), ("gru", 3, 3, 4, 2)],
)
def test_gradients_in_bfloat16_differ_by_rounding_only(kind, time, units, batch, remat):
    inputs = np.random.default_rng(0).normal(size=(batch, time, 2)).astype(np.float32)

    def gradients(dtype):
        rnn = make(kind, 2, units, impl="fused", remat=remat, dtype=jnp.dtype(dtype))
        state = jax.tree.map(jnp.float32, random_state(rnn, batch))
        return value_and_gradients(rnn, probes_for(rnn, batch, time))(inputs, state)[1]

    for ours, theirs in zip(*map(jax.tree.leaves, (gradients("bfloat16"), gradients("float32"))), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=0.03 * np.max(np.abs(theirs)))


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_one_feature_in_bfloat16_is_rounded_as_one_of_two(kind):
    narrow, wide = (make(kind, features, 8, impl="fused", dtype=jnp.bfloat16) for features in (1, 2))
    kernel = wide.cells[0].input_kernel
    narrow.cells[0].set_weights(wide.cells[0].weights._replace(input=kernel[...][:, :1]))
    kernel[...] = kernel[...].at[:, 1].set(0)
    inputs = jnp.asarray(np.random.default_rng(0).normal(size=(16, 5, 1)), jnp.float32)
    one, two = (rnn(given)[1] for rnn, given in ((narrow, inputs), (wide, jnp.repeat(inputs, 2, axis=-1))))
    assert_close(one, two, atol=1e-6)
