"""What stands beyond a sequence's length is never read: not forwards, not in any gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.recurrent.cases import (
    assert_close,
    expected_sum,
    make,
    probes_for,
    random_state,
    value_and_gradients,
    weights_of,
)

B, T, D, H = 4, 5, 2, 3
LENGTHS = np.array([T, 3, 0, 1])
BEYOND = np.arange(T) >= LENGTHS[:, None]
RESETS = np.random.default_rng(0).random((B, T)) < 0.4


def padded_with(values):
    """Inputs [B, T, D] with these numbers, in turn, beyond the lengths."""
    inputs = np.random.default_rng(1).normal(size=(B, T, D))
    inputs[BEYOND] = np.resize(values, (np.sum(BEYOND), D))
    return inputs


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(
    ("kind", "impl", "layers", "bidirectional", "resets"),
    [
        ("lstm", "auto", 1, True, RESETS),
        ("gru", "auto", 2, False, RESETS),
        ("lstm", "scan", 1, True, None),
        ("rnn", "scan", 1, True, RESETS),
    ],
)
def test_gradients_equal_finite_differences_of_the_sequences_alone(kind, impl, layers, bidirectional, resets):
    rnn = make(kind, D, H, layers, bidirectional, impl=impl, param_dtype=jnp.float64)
    probes, state = probes_for(rnn, B, T), random_state(rnn, B)
    compute = value_and_gradients(rnn, probes)
    value, gradients = compute(padded_with([np.nan, np.inf, -np.inf]), state, LENGTHS, resets)
    assert_close(compute(padded_with([7.0]), state, LENGTHS, resets), (value, gradients), rtol=1e-12)
    assert not np.any(np.asarray(gradients[1])[BEYOND])

    point, rng = (weights_of(rnn), padded_with([0.0]), state), np.random.default_rng(2)
    np.testing.assert_allclose(value, expected_sum(rnn, probes, *point, LENGTHS, resets), rtol=1e-12)
    for _ in range(4):
        direction = jax.tree.map(lambda leaf: rng.normal(size=leaf.shape), point)
        moved = [jax.tree.map(lambda leaf, d, s=s: leaf + s * d, point, direction) for s in (1e-6, -1e-6)]
        up, down = (expected_sum(rnn, probes, *one, LENGTHS, resets) for one in moved)
        slope = sum(np.vdot(g, d) for g, d in zip(*map(jax.tree.leaves, (gradients, direction)), strict=True))
        np.testing.assert_allclose(slope, (up - down) / 2e-6, rtol=1e-6)


@pytest.mark.parametrize(
    ("kind", "impl", "dtype", "remat"),
    [("lstm", "auto", "bfloat16", 2), ("gru", "scan", "float32", 2)],
)
def test_padding_never_reaches_a_result_in_lower_precision(kind, impl, dtype, remat):
    rnn = make(kind, D, H, 1, True, impl=impl, dtype=jnp.dtype(dtype), remat=remat)
    compute = value_and_gradients(rnn, probes_for(rnn, B, T))
    state = jax.tree.map(jnp.float32, random_state(rnn, B))
    with_nan, with_zeros = (
        compute(padded_with(values).astype(np.float32), state, LENGTHS, RESETS) for values in ([np.nan, np.inf], [0.0])
    )
    assert np.all(np.isfinite(with_nan[0]))
    jax.tree.map(np.testing.assert_array_equal, with_nan, with_zeros)
