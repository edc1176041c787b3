"""A kernel for one layer at a time, and what computes in its place where there are several."""

import jax
import jax.numpy as jnp
import pytest

from lstm_jax.recurrent.vectorised import unless_vectorised


@pytest.mark.parametrize(
    ("count", "otherwise", "marked"),
    [(1, True, "by kernel"), (3, True, "by XLA"), (1, False, "by kernel"), (3, False, "by kernel")],
)
@pytest.mark.parametrize("axes", [(0, 0), (0, None), (None, 0)])
def test_the_kernel_is_for_one_alone_or_for_one_after_another(count, otherwise, marked, axes):
    mark = {"by kernel": 10.0, "by XLA": 20.0}

    def computed(by):
        def add(pair, nothing, other):
            assert pair[0].shape == other.shape == (2,) and nothing is None
            return {"sum": pair[0] - pair[1] + other, "mark": mark[by] * other}

        return add

    choose = unless_vectorised(computed("by kernel"), computed("by XLA") if otherwise else None)
    one, other = (jnp.arange(2.0 * count).reshape(count, 2) if axis == 0 else jnp.arange(5.0, 7.0) for axis in axes)
    result = jax.jit(jax.vmap(choose, in_axes=((axes[0], axes[0]), None, axes[1])))((one, 2 * one), None, 3 * other)
    assert result["sum"].shape == (count, 2)
    assert bool(jnp.all(result["sum"] == 3 * other - one))
    assert bool(jnp.all(result["mark"] == 3 * other * mark[marked]))


def test_without_vmap_and_under_two_the_kernel_computes_for_one():
    choose = unless_vectorised(lambda leaf: leaf + 1, lambda leaf: leaf - 1)
    assert choose(jnp.float32(1)) == 2
    assert jax.vmap(jax.vmap(choose))(jnp.ones((1, 1)))[0, 0] == 2
    assert jax.vmap(jax.vmap(choose))(jnp.ones((1, 2)))[0, 0] == 0
