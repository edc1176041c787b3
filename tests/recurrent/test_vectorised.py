"""A kernel for one layer at a time, and what computes in its place where there are several."""

import jax
import jax.numpy as jnp
import pytest

from lstm_jax.recurrent.vectorised import in_turn, side_by_side, unless_vectorised

MARKS = {"kernel": 10.0, "XLA": 20.0}


def computed(by):
    def add(pair, nothing, other):
        assert pair[0].shape == other.shape == (2,) and nothing is None
        return {"sum": pair[0] - pair[1] + other, "mark": MARKS[by] * other}

    return add


@pytest.mark.parametrize(
    ("count", "several", "mark"),
    [
        (1, side_by_side(computed("XLA")), "kernel"),
        (3, side_by_side(computed("XLA")), "XLA"),
        (3, in_turn(computed("kernel")), "kernel"),
    ],
)
@pytest.mark.parametrize("axes", [(0, 0), (0, None), (None, 0)])
def test_the_kernel_is_for_one_alone_or_for_one_after_another(count, several, mark, axes):
    choose = unless_vectorised(computed("kernel"), several)
    one, other = (jnp.arange(2.0 * count).reshape(count, 2) if axis == 0 else jnp.arange(5.0, 7.0) for axis in axes)
    result = jax.jit(jax.vmap(choose, in_axes=((axes[0], axes[0]), None, axes[1])))((one, 2 * one), None, 3 * other)
    assert result["sum"].shape == (count, 2)
    assert bool(jnp.all(result["sum"] == 3 * other - one))
    assert bool(jnp.all(result["mark"] == 3 * other * MARKS[mark]))


def test_without_vmap_and_under_two_the_kernel_computes_for_one():
    choose = unless_vectorised(lambda leaf: leaf + 1, side_by_side(lambda leaf: leaf - 1))
    assert choose(jnp.float32(1)) == 2
    assert jax.vmap(jax.vmap(choose))(jnp.ones((1, 1)))[0, 0] == 2
    assert jax.vmap(jax.vmap(choose))(jnp.ones((1, 2)))[0, 0] == 0
