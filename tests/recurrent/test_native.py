"""The kernel: neither threads nor blocks nor transformations change what it computes."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax.recurrent import fused, fused_passes, scan
from lstm_jax.recurrent.cells import CELLS, Weights
from lstm_jax.recurrent.native import kept, passes
from tests.recurrent.test_fused import random_case

pytestmark = pytest.mark.skipif(not passes.available(), reason="no CPU computes here, or the kernel cannot be compiled")


def gradients(unroll, weights, inputs, state, resets=None):
    """By weights, inputs and state, of a sum over all states and the final one."""

    def loss(*floats):
        final, states = unroll(*floats, resets)
        leaves = jax.tree.leaves((final, states))
        return sum(jnp.sum(leaf * jnp.cos(jnp.arange(leaf.size)).reshape(leaf.shape)) for leaf in leaves)

    return jax.jit(jax.value_and_grad(loss, argnums=(0, 1, 2)))(weights, inputs, state)


def by_textbook(kind):
    return functools.partial(scan.unroll, CELLS[kind])


def is_called(function, *arguments):
    return "lstm_jax_" in jax.jit(function).lower(*arguments).as_text()


def assert_equal(ours, theirs):
    jax.tree.map(np.testing.assert_array_equal, ours, theirs)


@pytest.mark.parametrize("kind", fused.UNROLL)
@pytest.mark.parametrize(("batch", "units"), [(1, 130), (3, 40), (20, 7), (400, 15), (200, 129)])
def test_no_bit_depends_on_the_number_of_threads(kind, batch, units, monkeypatch):
    case = jax.tree.map(jnp.float32, random_case(kind, 9, 2, units, batch, 0)[:3])
    resets = random_case(kind, 9, 2, units, batch, 0, resets=True)[3]
    results = []
    for threads in (1, 2, 5):  # at most as many as there are cores; `test_native_team.py` has five everywhere
        monkeypatch.setattr(passes, "_threads", lambda threads=threads: threads)
        for name in ("STEP", "STEP_OF_FEW"):
            monkeypatch.setattr(passes, name, 1)  # however little there is to do
        results.append([gradients(fused.UNROLL[kind], *case, resets) for _ in range(3)])
    for repeated in results:
        for result in repeated:
            assert_equal(result, results[0][0])


@pytest.mark.parametrize(("columns", "blocks"), [(95, 1), (96, 2), (383, 2), (384, 4), (1000, 8)])
def test_blocks_can_be_shared_evenly_and_threads_beyond_them_share_units(columns, blocks):
    assert passes._division(24, columns, 1) == (blocks, blocks)
    assert passes._division(512, 8192, 512)[0] == 4  # 64 would have half a GiB of sums
    found, useful = passes._division(256, columns, 64)
    assert found == blocks
    assert useful > 2 * blocks


@pytest.mark.parametrize("kind", fused.UNROLL)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
# [h; x; 1] has up to 5 rows more than vectors of 8 or 16 hold: what the bias needs, symbols, or units as well.
@pytest.mark.parametrize(
    ("features", "units"), [(1, 1), (1, 2), (1, 7), (2, 7), (1, 15), (1, 17), (2, 17), (3, 17), (3, 31)]
)
def test_rows_that_would_fill_little_of_a_vector_have_the_textbooks_gradient(kind, dtype, features, units):
    with jax.enable_x64(dtype == "float64"):
        case = random_case(kind, 11, features, units, 70, 0, resets=True)
        floats = jax.tree.map(lambda leaf: leaf.astype(dtype), case[:3])
        ours, theirs = (gradients(unroll, *floats, case[3])[1][0] for unroll in (fused.UNROLL[kind], by_textbook(kind)))
        for our, their in zip(ours, theirs, strict=True):
            tolerance = (1e-12 if dtype == "float64" else 1e-5) * np.max(np.abs(their))
            np.testing.assert_allclose(our, their, atol=tolerance, rtol=0)


@pytest.mark.parametrize("kind", fused.UNROLL)
def test_it_is_called_where_it_can_compute_what_is_asked_for(kind):
    weights, inputs, state, _ = jax.tree.map(jnp.float32, random_case(kind, 2, 1, 3, 9, 0))
    assert is_called(fused.UNROLL[kind], weights, inputs, state)
    assert not is_called(fused.UNROLL[kind], weights, *jax.tree.map(lambda leaf: leaf[..., 9:], (inputs, state)))
    assert not is_called(fused.UNROLL[kind], weights, inputs.astype(jnp.bfloat16), state)
    several = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), weights)
    assert is_called(jax.vmap(fused.UNROLL[kind], (0, None, None)), several, inputs, state)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("kind", fused.UNROLL)
@pytest.mark.parametrize("size", [(4, 3, 70, 1), (9, 2, 37, 4), (150, 20, 6, 3), (3, 5, 66, 8), (3, 2, 66, 20)])
@pytest.mark.parametrize("reverse", [False, True])
def test_what_is_zero_or_not_asked_for_is_left_out_and_nothing_else(kind, size, reverse):
    weights, inputs, state, resets = random_case(kind, *size, 0, resets=True)
    nothing = jax.tree.map(jnp.zeros_like, state)

    def by_weights(unroll, resets):
        def loss(weights):
            final, states = unroll(weights, inputs, nothing, resets, reverse=reverse)
            return sum(jnp.sum(leaf * jnp.cos(leaf)) for leaf in jax.tree.leaves((final, states)))

        return jax.jit(jax.grad(loss))(weights)

    for which in (resets, None):
        ours, theirs = (by_weights(unroll, which) for unroll in (fused.UNROLL[kind], by_textbook(kind)))
        jax.tree.map(lambda our, their: np.testing.assert_allclose(our, their, rtol=1e-9, atol=1e-9), ours, theirs)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("kind", fused.UNROLL)
@pytest.mark.parametrize("batch", [1, 3, 8, 37, 201])
def test_what_is_kept_is_what_xla_keeps_in_another_order(kind, batch):
    case = random_case(kind, 3, 2, 5, batch, 0, resets=True)
    by_xla = functools.partial(fused_passes.forward, kind, False)
    rows = by_xla(*case)[2]
    found = passes.forward(kind, False, True, by_xla, *case)[2]
    lanes = passes._lanes(case[2])
    assert bool(lanes) == (batch > passes.FEW)
    assert found.shape == kept.shape(3, 5, batch, lanes) == kept.from_rows(rows, lanes).shape
    again = kept.to_rows(kind, found, batch, lanes)
    jax.tree.map(lambda our, their: np.testing.assert_allclose(our, their, atol=1e-14), again, rows)
    assert_equal(kept.to_rows(kind, kept.from_rows(rows, lanes), batch, lanes), rows)


def test_tanh_is_right_to_rounding_wherever_it_is_asked_for():
    # One unit whose weights pass the input on to the candidate; all gates are open, and the cell's tanh is undone.
    x = np.concatenate([np.linspace(-12, 12, 5001), np.geomspace(1e-30, 1, 300)]).astype(np.float32)
    weights = jnp.asarray([[0], [0], [1], [0]], jnp.float32)
    big = jnp.asarray([100, -100, 0, 100], jnp.float32)
    state = CELLS["lstm"].zero_state(1, x.size)
    _, states = fused.UNROLL["lstm"](Weights(weights, jnp.zeros((4, 1)), big), jnp.asarray(x)[None, None], state)
    np.testing.assert_allclose(states.cell[0, 0], np.tanh(x.astype(np.float64)), rtol=5e-7)


def test_millions_of_columns():
    batch = 2_300_000  # times the number of blocks it is more than 32 bits hold
    inputs = jnp.linspace(-1, 1, batch, dtype=jnp.float32)[None, None]
    weights = Weights(jnp.ones((4, 1)), jnp.ones((4, 1)), jnp.zeros(4))
    state = CELLS["lstm"].zero_state(1, batch)
    ours, theirs = (jax.jit(unroll)(weights, inputs, state) for unroll in (fused.UNROLL["lstm"], by_textbook("lstm")))
    jax.tree.map(lambda our, their: np.testing.assert_allclose(our, their, rtol=1e-6, atol=1e-7), ours, theirs)
