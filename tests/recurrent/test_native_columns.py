"""Columns of a matrix, some of them several times, against NumPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_jax.recurrent.native import columns, passes
from lstm_jax.recurrent.native.columns import take
from tests.recurrent.test_transformations import on_two_devices


@pytest.fixture(params=[True, False])
def by_kernel(request, monkeypatch):
    if request.param and not passes.available():
        pytest.skip("no CPU computes here, or the kernel cannot be compiled")
    if not request.param:
        monkeypatch.setattr(passes, "available", lambda: False)


def random_case(lead, width, count, seed=0, dtype=np.float32):
    rng = np.random.default_rng(seed)
    matrix, derivative = rng.normal(size=(*lead, width)), rng.normal(size=(*lead, count))
    return matrix.astype(dtype), rng.integers(0, width, count), derivative.astype(dtype)


def check(matrix, places, derivative):
    taken, pull = jax.vjp(lambda matrix: take(matrix, places), jnp.asarray(matrix))
    np.testing.assert_array_equal(taken, matrix[..., places])
    sums = np.zeros_like(matrix)
    np.add.at(sums, (..., places), derivative)
    (ours,) = pull(jnp.asarray(derivative))
    assert taken.dtype == ours.dtype == matrix.dtype
    np.testing.assert_allclose(ours, sums, rtol=1e-5, atol=1e-5)


@pytest.mark.usefixtures("by_kernel")
@pytest.mark.parametrize("lead", [(), (1,), (3,), (4,), (9,), (2, 3, 5)])
@pytest.mark.parametrize(("width", "count"), [(1, 1), (1, 40), (7, 1), (16, 1000), (300, 5)])
def test_columns_and_their_sums_are_those_of_numpy(lead, width, count):
    check(*random_case(lead, width, count))


@given(st.integers(1, 9), st.integers(1, 70), st.integers(1, 70), st.integers(0, 2**16))
def test_columns_of_any_shape(rows, width, count, seed):
    check(*random_case((rows,), width, count, seed))


@pytest.mark.usefixtures("by_kernel", "float64")
def test_columns_in_double_precision():
    check(*random_case((5,), 6, 50, dtype=np.float64))


@pytest.mark.usefixtures("by_kernel")
def test_a_place_that_is_not_there_is_taken_for_the_nearest():
    taken = take(jnp.arange(4.0)[None], jnp.array([-7, 0, 3, 4, 2**31 - 1]))
    np.testing.assert_array_equal(taken, [[0, 0, 3, 3, 3]])


def test_other_types_are_left_to_xla():
    for dtype in (jnp.int32, jnp.bfloat16):
        np.testing.assert_array_equal(take(jnp.arange(4, dtype=dtype), jnp.array([3, 1])), [3, 1])


@pytest.mark.usefixtures("by_kernel")
def test_several_matrices_and_places_under_vmap():
    matrices, _, derivatives = random_case((3, 5), 8, 20)
    places = np.random.default_rng(1).integers(0, 8, (3, 20))

    def gradient(matrix, places, derivative):
        return jax.vjp(lambda matrix: take(matrix, places), matrix)[1](derivative)[0]

    together = jax.jit(jax.vmap(gradient))(matrices, places, derivatives)
    for number in range(3):
        np.testing.assert_allclose(together[number], gradient(matrices[number], places[number], derivatives[number]))
    shared = jax.vmap(take, (None, 0))(matrices[0], places)
    np.testing.assert_array_equal(shared, np.stack([matrices[0][:, row] for row in places]))


@pytest.mark.usefixtures("by_kernel")
def test_columns_on_two_devices():
    matrix, places, derivative = random_case((5,), 8, 20)
    whole, split = jax.sharding.PartitionSpec(), jax.sharding.PartitionSpec("batch")

    def gradient(matrix, places, derivative):
        return jax.grad(lambda matrix: jnp.sum(take(matrix, places) * derivative.T))(matrix)

    ours = on_two_devices(gradient, (whole, split, split), whole)(matrix, places, derivative.T)
    sums = np.zeros_like(matrix)
    np.add.at(sums, (..., places), derivative)
    np.testing.assert_allclose(ours, sums, rtol=1e-5, atol=1e-5)


@pytest.mark.skipif(not passes.available(), reason="no CPU computes here, or the kernel cannot be compiled")
def test_the_kernel_takes_the_columns_where_it_can(monkeypatch):
    calls, call = [], columns._call
    monkeypatch.setattr(columns, "_call", lambda target, *rest: calls.append(target) or call(target, *rest))
    jax.grad(lambda matrix: jnp.sum(take(matrix, jnp.array([0, 0]))))(jnp.ones((2, 3)))
    assert calls == ["take_columns", "add_columns"]
