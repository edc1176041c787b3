"""The gate equations against NumPy loops, Flax's cells, finite differences and a network set by hand."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from lstm_jax.recurrent import scan
from lstm_jax.recurrent.cells import CELLS, HiddenState, LSTMState, Weights
from tests import references

T, D, H, B = 7, 3, 5, 4


def random_case(kind, seed=0):
    rng = np.random.default_rng(seed)
    cell = CELLS[kind]
    weights = Weights(
        rng.normal(size=(cell.num_gates * H, D)),
        rng.normal(size=(cell.num_gates * H, H)),
        rng.normal(size=cell.num_biases * H),
    )
    state = cell.state_type(*(rng.normal(size=(H, B)) for _ in cell.state_type._fields))
    return weights, rng.normal(size=(T, D, B)), state


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("kind", CELLS)
def test_scan_equals_a_numpy_loop(kind):
    weights, inputs, start = random_case(kind)
    final, states = scan.unroll(CELLS[kind], weights, inputs, start)
    for row in range(B):
        reference = {"lstm": references.lstm, "gru": references.gru, "rnn": references.elman}[kind]
        expected = reference(weights, inputs[:, :, row], *(leaf[:, row] for leaf in start))
        expected = expected if isinstance(expected, tuple) else (expected,)
        for ours, theirs, last in zip(states, expected, final, strict=True):
            np.testing.assert_allclose(ours[:, :, row], theirs, rtol=1e-12)
            np.testing.assert_array_equal(last, ours[-1])


def flax_blocks(dense, count):
    return jnp.split(dense.T, count)


def test_lstm_equals_flax_with_copied_weights():
    theirs = nnx.OptimizedLSTMCell(D, H, rngs=nnx.Rngs(0))
    weights = Weights(
        theirs.dense_i.kernel[...].T, theirs.dense_h.kernel[...].T, theirs.dense_h.bias[...] + 0.1 * jnp.arange(4 * H)
    )
    theirs.dense_h.bias[...] = weights.bias
    inputs = jax.random.normal(jax.random.key(1), (T, D, B))
    state = (jnp.zeros((B, H)), jnp.zeros((B, H)))
    _, ours = scan.unroll(CELLS["lstm"], weights, inputs, CELLS["lstm"].zero_state(H, B))
    for step in range(T):
        state, output = theirs(state, inputs[step].T)
        np.testing.assert_allclose(ours.hidden[step].T, output, rtol=2e-5, atol=2e-6)
        np.testing.assert_allclose(ours.cell[step].T, state[0], rtol=2e-5, atol=2e-6)


def test_gru_equals_flax_with_copied_weights():
    theirs = nnx.GRUCell(D, H, rngs=nnx.Rngs(0))
    weights = Weights(
        theirs.dense_i.kernel[...].T,
        theirs.dense_h.kernel[...].T,
        jnp.concatenate([theirs.dense_i.bias[...], jnp.zeros(H)]),
    )
    inputs = jax.random.normal(jax.random.key(1), (T, D, B))
    carry = jnp.zeros((B, H))
    _, ours = scan.unroll(CELLS["gru"], weights, inputs, CELLS["gru"].zero_state(H, B))
    for step in range(T):
        carry, output = theirs(carry, inputs[step].T)
        np.testing.assert_allclose(ours.hidden[step].T, output, rtol=2e-5, atol=2e-6)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("kind", CELLS)
def test_gradients_equal_finite_differences(kind):
    weights, inputs, start = random_case(kind, seed=1)
    probe = np.random.default_rng(2).normal(size=(T, H, B))

    @jax.jit
    def loss(arguments):
        weights, inputs, start = arguments
        return jnp.sum(scan.unroll(CELLS[kind], weights, inputs, start)[1].hidden * probe)

    point = jax.tree.map(jnp.asarray, (weights, inputs, start))
    gradient = jax.jit(jax.grad(loss))(point)
    rng = np.random.default_rng(3)
    for _ in range(5):
        direction = jax.tree.map(lambda leaf: rng.normal(size=leaf.shape), point)
        moved = [jax.tree.map(lambda p, d, s=s: p + s * 1e-6 * d, point, direction) for s in (1, -1)]
        numeric = (loss(moved[0]) - loss(moved[1])) / 2e-6
        analytic = sum(jnp.vdot(g, d) for g, d in zip(*map(jax.tree.leaves, (gradient, direction)), strict=True))
        np.testing.assert_allclose(analytic, numeric, rtol=1e-6)


@pytest.mark.parametrize("kind", CELLS)
def test_a_state_depends_on_what_came_before_it_and_on_nothing_after(kind):
    weights, inputs, start = jax.tree.map(jnp.float32, random_case(kind))

    def hidden_sums(inputs):
        return jnp.sum(scan.unroll(CELLS[kind], weights, inputs, start)[1].hidden, axis=(1, 2))

    influence = np.abs(jax.jit(jax.jacrev(hidden_sums))(inputs)).sum(axis=(2, 3))  # [T of a state, T of an input]
    np.testing.assert_array_equal(influence > 0, np.tri(T, dtype=bool))


def test_an_lstm_set_by_hand_counts_every_string_of_twelve_bits():
    # All gates open, so that the cell adds tanh(0.1 x) at every step: an exact counter up to its scale.
    open_gate, scale = 50.0, float(np.tanh(0.1))
    weights = Weights(
        jnp.array([[0.0], [0.0], [0.1], [0.0]]), jnp.zeros((4, 1)), jnp.array([open_gate, open_gate, 0.0, open_gate])
    )
    strings = np.array(list(itertools.product([0, 1], repeat=12)))
    inputs = jnp.asarray(strings.T[:, None, :], jnp.float32)
    final, _ = scan.unroll(CELLS["lstm"], weights, inputs, CELLS["lstm"].zero_state(1, len(strings)))
    np.testing.assert_array_equal(np.round(final.cell[0] / scale), strings.sum(axis=1))
    np.testing.assert_array_equal(np.round(np.arctanh(final.hidden[0]) / scale), strings.sum(axis=1))


def test_states_are_named():
    assert LSTMState._fields == ("hidden", "cell")
    assert HiddenState._fields == ("hidden",)
