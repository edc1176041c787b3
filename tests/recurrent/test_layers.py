"""The Flax modules: batch first, several layers, both directions, sequences of different lengths."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import lstm_jax
from lstm_jax.recurrent.cells import CELLS, LSTMState
from lstm_jax.recurrent.layers import LAYERS

B, T, D, H = 4, 6, 3, 5
INPUTS = jax.random.normal(jax.random.key(0), (B, T, D))


def make(kind="lstm", **arguments):
    return LAYERS[kind](D, H, rngs=nnx.Rngs(0), **arguments)


@pytest.mark.parametrize("kind", LAYERS)
def test_two_layers_are_one_on_top_of_the_other(kind):
    rnn = make(kind, num_layers=2)
    below = nnx.RNN(rnn.cells[0])(INPUTS)
    expected = nnx.RNN(rnn.cells[1])(below)
    outputs, state = rnn(INPUTS)
    assert outputs.shape == (B, T, H)
    np.testing.assert_allclose(outputs, expected, atol=1e-6)
    np.testing.assert_allclose(state[1].hidden, expected[:, -1], atol=1e-6)
    np.testing.assert_allclose(state[0].hidden, below[:, -1], atol=1e-6)


def test_both_directions_equal_flax():
    rnn = make(bidirectional=True)
    expected = nnx.Bidirectional(nnx.RNN(rnn.cells[0]), nnx.RNN(rnn.cells[1]))(INPUTS)
    np.testing.assert_allclose(rnn(INPUTS)[0], expected, atol=1e-6)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("kind", LAYERS)
def test_a_padded_batch_equals_each_sequence_alone(kind, bidirectional):
    rnn = make(kind, num_layers=2, bidirectional=bidirectional)
    start = tuple(
        jax.tree.map(lambda leaf: leaf + 0.5, cell.initialize_carry((B, D), nnx.Rngs(0))) for cell in rnn.cells
    )
    lengths = jnp.array([T, 3, 1, 0])
    outputs, final = rnn(INPUTS, start, lengths)
    for row, length in enumerate(lengths):
        own_start = jax.tree.map(lambda leaf, row=row: leaf[row : row + 1], start)
        if length == 0:
            expected_final = own_start
        else:
            expected, expected_final = rnn(INPUTS[row : row + 1, :length], own_start)
            np.testing.assert_allclose(outputs[row, :length], expected[0], atol=1e-6)
        own_final = jax.tree.map(lambda leaf, row=row: leaf[row : row + 1], final)
        for ours, theirs in zip(*map(jax.tree.leaves, (own_final, expected_final)), strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_gradients_never_touch_padding():
    rnn = make(num_layers=2, bidirectional=True)
    lengths = jnp.array([T, 3, 1, 2])

    def loss(inputs):
        outputs, final = rnn(inputs, lengths=lengths)
        inside = jnp.arange(T)[:, None] < lengths[:, None, None]
        return jnp.sum(jnp.where(inside, outputs, 0) ** 2) + sum(jnp.sum(leaf) for leaf in jax.tree.leaves(final))

    gradient = np.abs(jax.grad(loss)(INPUTS)).sum(axis=2)
    for row, length in enumerate(lengths):
        assert np.all(gradient[row, :length] > 0)
        assert np.all(gradient[row, length:] == 0)


def test_scan_and_fused_agree():
    outputs, state = make(impl="scan")(INPUTS)
    fast_outputs, fast_state = make(impl="fused")(INPUTS)
    np.testing.assert_allclose(outputs, fast_outputs, atol=1e-6)
    np.testing.assert_allclose(state[0].cell, fast_state[0].cell, atol=1e-6)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("kind", LAYERS)
def test_double_precision_is_kept_and_both_paths_agree_in_it(kind):
    def outputs_and_gradient(impl):
        graph, params = nnx.split(make(kind, impl=impl))
        params = jax.tree.map(jnp.float64, params)
        inputs = jnp.float64(INPUTS)

        def loss(params):
            return jnp.sum(nnx.merge(graph, params)(inputs)[0] ** 2)

        return nnx.merge(graph, params)(inputs)[0], jax.grad(loss)(params)

    ours, theirs = (jax.tree.leaves(outputs_and_gradient(impl)) for impl in ("auto", "scan"))
    for our, their in zip(ours, theirs, strict=True):
        assert our.dtype == jnp.float64
        np.testing.assert_allclose(our, their, rtol=1e-10, atol=1e-12)


def test_lengths_beyond_the_end_count_as_the_whole_sequence():
    rnn = make(bidirectional=True)
    whole, final = rnn(INPUTS)
    beyond, final_beyond = rnn(INPUTS, lengths=jnp.full(B, T + 3))
    np.testing.assert_allclose(whole, beyond, atol=1e-6)
    np.testing.assert_allclose(final[1].cell, final_beyond[1].cell, atol=1e-6)


def test_a_plain_tuple_serves_as_a_state():
    state = (jnp.ones((B, H)), jnp.ones((B, H)))
    np.testing.assert_array_equal(make()(INPUTS, (state,))[0], make()(INPUTS, (LSTMState(*state),))[0])


@pytest.mark.parametrize(("kind", "has_one"), [("lstm", True), ("gru", True), ("rnn", False)])
def test_the_fast_path_is_taken_by_default_and_left_on_request(kind, has_one):
    def is_taken(**arguments):
        return "custom_vjp" in str(jax.make_jaxpr(lambda inputs: make(kind, **arguments)(inputs)[0])(INPUTS))

    assert is_taken() == has_one
    assert not is_taken(impl="scan")


@pytest.mark.parametrize("cell_type", [lstm_jax.LSTMCell, lstm_jax.GRUCell, lstm_jax.SimpleCell])
def test_cells_take_any_number_of_leading_axes(cell_type):
    cell = cell_type(D, H, rngs=nnx.Rngs(0))
    inputs = jax.random.normal(jax.random.key(1), (2, 3, D))
    _, outputs = cell(cell.initialize_carry(inputs.shape, nnx.Rngs(0)), inputs)
    for index in np.ndindex(2, 3):
        _, alone = cell(cell.initialize_carry((D,), nnx.Rngs(0)), inputs[index])
        np.testing.assert_allclose(outputs[index], alone, atol=1e-6)


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
    alone = jax.grad(loss)(params, many[1])
    for ours, theirs in zip(*map(jax.tree.leaves, (gradients, alone)), strict=True):
        np.testing.assert_allclose(ours[1], theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: make()(INPUTS[0]), r"inputs must be \[B, T, D\]"),
        (lambda: make()(INPUTS[:, :, :2]), r"axis -1, D \(features\), has size 2, expected 3"),
        (lambda: make()(INPUTS, initial_state=CELLS["lstm"].zero_state(B, H)), "expected a tuple of 1, one LSTMState"),
        (lambda: make()(INPUTS, initial_state=(CELLS["lstm"].zero_state(B, H + 1),)), r"\[B, H\] = \[4, 5\], not"),
        (
            lambda: make("gru")(INPUTS, initial_state=(CELLS["lstm"].zero_state(B, H),)),
            "expected HiddenState of hidden, not LSTMState of 2",
        ),
        (lambda: make(num_layers=2)(INPUTS, initial_state=(CELLS["lstm"].zero_state(B, H),)), "a tuple of 2"),
        (lambda: make(num_layers=0), "num_layers must be at least 1"),
        (lambda: make(impl="fast"), "impl must be one of"),
        (lambda: make("rnn", impl="fused"), 'use impl="scan"'),
        (lambda: lstm_jax.LSTM(0, H, rngs=nnx.Rngs(0)), "must be at least 1"),
    ],
)
def test_wrong_shapes_and_sizes_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
