"""The fast path against the textbook: the same values and the same gradients, whatever the shape."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_jax.recurrent import fused, scan
from lstm_jax.recurrent.cells import CELLS, LSTMState, Weights


def textbook(weights, inputs, state):
    return scan.unroll(CELLS["lstm"], weights, inputs, state)


def random_case(time, features, units, batch, seed):
    rng = np.random.default_rng(seed)
    weights = Weights(
        rng.normal(size=(4 * units, features)), rng.normal(size=(4 * units, units)) / units, rng.normal(size=4 * units)
    )
    state = LSTMState(rng.normal(size=(units, batch)), rng.normal(size=(units, batch)))
    return jax.tree.map(jnp.asarray, (weights, rng.normal(size=(time, features, batch)), state))


def value_and_gradients(unroll, case, parts, seed):
    """A loss that looks only at some parts of the result: the final state, all hidden states, all cell states."""
    rng = np.random.default_rng(seed)

    @jax.jit
    def loss(*case):
        final, states = unroll(*case)
        looked_at = {"final": final, "hidden": states.hidden, "cell": states.cell, "last": states.hidden[-1]}
        leaves = jax.tree.leaves([looked_at[part] for part in parts])
        return sum(jnp.sum(leaf * rng.normal(size=leaf.shape)) for leaf in leaves)

    return jax.value_and_grad(loss, argnums=(0, 1, 2))(*case)


sizes = st.tuples(
    st.integers(1, 6), st.integers(1, 3), st.sampled_from([1, 2, 24, 33, 64]), st.sampled_from([1, 5, 19])
)


@settings(max_examples=12)
@given(
    sizes, st.sets(st.sampled_from(["final", "hidden", "cell", "last"]), min_size=1).map(sorted), st.integers(0, 999)
)
def test_values_and_gradients_equal_the_textbook(size, parts, seed):
    with jax.enable_x64(True):
        case = random_case(*size, seed)
        ours = value_and_gradients(fused.unroll_lstm, case, parts, seed)
        theirs = value_and_gradients(textbook, case, parts, seed)
        for our, their in zip(*map(jax.tree.leaves, (ours, theirs)), strict=True):
            scale = float(jnp.max(jnp.abs(their))) + 1e-300
            np.testing.assert_allclose(our / scale, their / scale, atol=1e-10)


def test_float32_differs_by_rounding_only():
    case = jax.tree.map(jnp.float32, random_case(20, 1, 24, 50, 0))
    ours, theirs = fused.unroll_lstm(*case), textbook(*case)
    for our, their in zip(*map(jax.tree.leaves, (ours, theirs)), strict=True):
        np.testing.assert_allclose(our, their, atol=1e-5)


def test_forward_mode_is_refused():
    case = random_case(2, 1, 3, 2, 0)
    with pytest.raises(TypeError):
        jax.jvp(lambda inputs: fused.unroll_lstm(case[0], inputs, case[2])[0].hidden, (case[1],), (case[1],))
