"""The fast path against the textbook: the same values and the same gradients, whatever the shape."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_jax.recurrent import fused, scan
from lstm_jax.recurrent.cells import CELLS, Weights
from lstm_jax.recurrent.native import passes


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


def both_paths(kind, reverse, parts):
    """A jitted function of (case, seed): values and gradients by the fast path and by the textbook.

    The loss looks only at some parts of the result: the final state, the first or last field over time.
    """

    def loss(unroll, floats, resets, seed):
        final, states = unroll(*floats, resets, reverse=reverse)
        looked_at = {"final": final, "hidden": states[0], "cell": states[-1], "last": states.hidden[-1]}
        leaves = jax.tree.leaves([looked_at[part] for part in parts])
        return sum(jnp.sum(leaf * jnp.sin(seed + jnp.arange(leaf.size)).reshape(leaf.shape)) for leaf in leaves)

    @jax.jit
    def compute(case, seed):
        paths = functools.partial(fused.unroll, kind), functools.partial(scan.unroll, CELLS[kind])
        return [jax.value_and_grad(loss, argnums=1)(unroll, case[:3], case[3], seed) for unroll in paths]

    return compute


@pytest.fixture(params=["kernel", "xla"])
def computed_by(request, monkeypatch):
    """Runs a test twice: with the kernel where it computes what is asked for, and without it."""
    if request.param == "xla":
        monkeypatch.setattr(passes, "available", lambda: False)
    elif not passes.available():
        pytest.skip("no CPU computes here, or the kernel cannot be compiled")
    return request.param


# Between them: sizes of one, more symbols than the fast path puts into one product, batches that are filled up and that
# are few, units on both sides of 63 and so many that no core's cache holds their weights, more inputs than lanes of a
# vector, both directions of time, and every part of the result looked at alone and with others.
PROGRAMS = [
    ("lstm", (1, 1, 1, 1), False, False, ["hidden"]),
    ("gru", (1, 1, 1, 1), True, True, ["final"]),
    ("gru", (19, 2, 70, 19), True, True, ["final", "hidden"]),
    ("lstm", (19, 2, 64, 19), False, True, ["cell", "last"]),
    ("lstm", (300, 1, 3, 1), True, False, ["hidden"]),
    ("lstm", (6, 3, 24, 5), True, True, ["final"]),
    ("gru", (5, 1, 33, 19), False, False, ["last"]),
    ("lstm", (4, 1, 33, 19), True, False, ["cell", "final"]),
    ("lstm", (3, 14, 7, 150), False, True, ["cell", "hidden", "final"]),
    ("gru", (40, 1, 65, 9), True, False, ["hidden"]),
    ("gru", (70, 20, 17, 2), True, True, ["hidden"]),
    ("lstm", (3, 18, 130, 7), True, False, ["cell", "final"]),
    ("lstm", (3, 1, 200, 40), True, False, ["hidden"]),
    ("gru", (3, 2, 190, 21), False, True, ["final", "hidden"]),
]


@pytest.mark.usefixtures("float64", "computed_by")
@pytest.mark.parametrize(("kind", "size", "resets", "reverse", "parts"), PROGRAMS)
def test_values_and_gradients_equal_the_textbook(kind, size, resets, reverse, parts):
    compute = both_paths(kind, reverse, parts)

    @settings(max_examples=5)
    @given(st.integers(0, 999))
    def check(seed):
        ours, theirs = compute(random_case(kind, *size, seed, resets), seed)
        for our, their in zip(*map(jax.tree.leaves, (ours, theirs)), strict=True):
            scale = float(jnp.max(jnp.abs(their))) + 1e-300
            np.testing.assert_allclose(our / scale, their / scale, atol=1e-10)

    check()


@pytest.mark.usefixtures("computed_by")
@pytest.mark.parametrize(
    ("kind", "dtype", "tolerance"),
    [("lstm", jnp.float32, 1e-5), ("gru", jnp.float32, 1e-5), ("gru", jnp.bfloat16, 0.05)],
)
def test_lower_precision_differs_by_rounding_only(kind, dtype, tolerance):
    weights, inputs, state, _ = jax.tree.map(jnp.float32, random_case(kind, 20, 1, 24, 50, 0))
    weights = weights._replace(input=weights.input.astype(dtype), hidden=weights.hidden.astype(dtype))
    case = weights, inputs.astype(dtype), state, None
    ours, theirs = both_paths(kind, False, ["last"])(case, 0)
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


@pytest.mark.parametrize("batch", [2, 10])  # by XLA, and where the kernel computes the first ones
@pytest.mark.parametrize("kind", fused.UNROLL)
def test_second_derivatives_equal_the_textbook(kind, batch, float64):
    weights, inputs, state, _ = random_case(kind, 3, 1, 3, batch, 0)

    def hessian(unroll):
        return jax.jit(jax.hessian(lambda inputs: jnp.sum(unroll(weights, inputs, state)[0].hidden ** 2)))(inputs)

    ours = hessian(lambda *case: fused.unroll(kind, *case))
    np.testing.assert_allclose(ours, hessian(lambda *case: scan.unroll(CELLS[kind], *case)), atol=1e-10)
