"""The fast path against the textbook: the same values and the same gradients, whatever the shape."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lstm_jax.recurrent import fused, scan
from lstm_jax.recurrent.cells import CELLS, Weights


def random_case(kind, time, features, units, batch, seed, resets=False):
    """Weights, inputs, state and resets, in float64."""
    rng, cell = np.random.default_rng(seed), CELLS[kind]
    weights = Weights(
        rng.normal(size=(cell.num_gates * units, features)),
        rng.normal(size=(cell.num_gates * units, units)) / units,
        rng.normal(size=cell.num_biases * units),
    )
    state = cell.state_type(*(rng.normal(size=(units, batch)) for _ in cell.state_type._fields))
    case = jax.tree.map(jnp.asarray, (weights, rng.normal(size=(time, features, batch)), state))
    return *case, jnp.asarray(rng.random((time, batch)) < 0.3) if resets else None


def value_and_gradients(unroll, case, parts, seed):
    """A loss that looks only at some parts of the result: the final state, the first or last field over time."""
    rng = np.random.default_rng(seed)
    *floats, resets = case

    @jax.jit
    def loss(*floats):
        final, states = unroll(*floats, resets)
        looked_at = {"final": final, "hidden": states[0], "cell": states[-1], "last": states.hidden[-1]}
        leaves = jax.tree.leaves([looked_at[part] for part in parts])
        return sum(jnp.sum(leaf * rng.normal(size=leaf.shape)) for leaf in leaves)

    return jax.value_and_grad(loss, argnums=(0, 1, 2))(*floats)


kinds = st.sampled_from(sorted(fused.UNROLL))
sizes = st.tuples(
    st.integers(1, 6), st.integers(1, 3), st.sampled_from([1, 2, 24, 33, 64]), st.sampled_from([1, 5, 19])
)
looks = st.sets(st.sampled_from(["final", "hidden", "cell", "last"]), min_size=1).map(sorted)


@settings(max_examples=12)
@given(kinds, sizes, st.booleans(), st.booleans(), looks, st.integers(0, 999))
@example("lstm", (1, 1, 1, 1), False, False, ["hidden"], 0)
@example("gru", (1, 1, 1, 1), True, True, ["final"], 0)
@example("gru", (19, 2, 70, 19), True, True, ["final", "hidden"], 1)
@example("lstm", (19, 2, 70, 19), True, False, ["last", "cell"], 1)
@example("lstm", (300, 1, 3, 1), False, True, ["hidden"], 2)
def test_values_and_gradients_equal_the_textbook(kind, size, resets, reverse, parts, seed):
    with jax.enable_x64(True):
        case = random_case(kind, *size, seed, resets)
        ours = value_and_gradients(lambda *c: fused.unroll(kind, *c, reverse=reverse), case, parts, seed)
        theirs = value_and_gradients(lambda *c: scan.unroll(CELLS[kind], *c, reverse=reverse), case, parts, seed)
        for our, their in zip(*map(jax.tree.leaves, (ours, theirs)), strict=True):
            scale = float(jnp.max(jnp.abs(their))) + 1e-300
            np.testing.assert_allclose(our / scale, their / scale, atol=1e-10)


@pytest.mark.parametrize("kind", fused.UNROLL)
@pytest.mark.parametrize(("dtype", "tolerance"), [(jnp.float32, 1e-5), (jnp.bfloat16, 0.05)])
def test_lower_precision_differs_by_rounding_only(kind, dtype, tolerance):
    weights, inputs, state, _ = jax.tree.map(jnp.float32, random_case(kind, 20, 1, 24, 50, 0))
    weights = weights._replace(input=weights.input.astype(dtype), hidden=weights.hidden.astype(dtype))
    case = weights, inputs.astype(dtype), state, None
    ours = value_and_gradients(lambda *c: fused.unroll(kind, *c), case, ["last"], 0)
    theirs = value_and_gradients(lambda *c: scan.unroll(CELLS[kind], *c), case, ["last"], 0)
    for our, their in zip(*map(jax.tree.leaves, (ours, theirs)), strict=True):
        assert our.dtype == their.dtype
        scale = float(jnp.max(jnp.abs(their)))
        np.testing.assert_allclose(jnp.float32(our) / scale, jnp.float32(their) / scale, atol=tolerance)


def forward_modes(function, x):
    return {
        "jvp": lambda: jax.jvp(function, (x,), (x,)),
        "jit of jvp": lambda: jax.jit(lambda x: jax.jvp(function, (x,), (x,)))(x),
        "jvp of jit": lambda: jax.jvp(jax.jit(function), (x,), (x,)),
        "jacfwd": lambda: jax.jacfwd(function)(x),
        "jit of jacfwd": lambda: jax.jit(jax.jacfwd(function))(x),
    }


@pytest.mark.parametrize("mode", forward_modes(None, None))
@pytest.mark.parametrize("kind", fused.UNROLL)
def test_forward_mode_is_refused_with_the_way_out(kind, mode):
    weights, inputs, state, _ = random_case(kind, 2, 1, 3, 2, 0)
    with pytest.raises(TypeError, match='impl="scan"'):
        forward_modes(lambda inputs: fused.unroll(kind, weights, inputs, state)[0].hidden, inputs)[mode]()


@pytest.mark.parametrize("kind", fused.UNROLL)
def test_second_derivatives_equal_the_textbook(kind, float64):
    weights, inputs, state, _ = random_case(kind, 3, 1, 3, 2, 0)

    def hessian(unroll):
        return jax.hessian(lambda inputs: jnp.sum(unroll(weights, inputs, state)[0].hidden ** 2))(inputs)

    ours = hessian(lambda *case: fused.unroll(kind, *case))
    np.testing.assert_allclose(ours, hessian(lambda *case: scan.unroll(CELLS[kind], *case)), atol=1e-10)
