"""Several layers in one call of the kernel: what `jax.vmap` makes of them, and of their derivatives."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax.recurrent import fused
from lstm_jax.recurrent.native import passes
from tests.recurrent.test_fused import random_case
from tests.recurrent.test_native import assert_equal, by_textbook, gradients

pytestmark = pytest.mark.skipif(not passes.available(), reason="no CPU computes here, or the kernel cannot be compiled")


AXES = [(0, 0, 0, 0), (0, None, None, None), (None, 0, 0, None), (None, 0, None, 0)]
"""Which of weights, inputs, state and resets each member has for itself."""


def assert_each_is_what_it_is_alone(alone, cases, axes):
    """Of the gradients that `alone` finds for each case, and for all of them under `jax.vmap`."""
    cases = [(*jax.tree.map(jnp.float32, case[:3]), case[3]) for case in cases]
    parts = [
        cases[0][number] if axis is None else jax.tree.map(lambda *leaves: jnp.stack(leaves), *parts)
        for number, (axis, parts) in enumerate(zip(axes, zip(*cases, strict=True), strict=True))
    ]
    ours = jax.vmap(alone, axes)(*parts)

    def of(tree, member):
        return jax.tree.map(lambda leaf: leaf[member], tree)

    for member in range(len(cases)):
        own = [of(part, member) if axis == 0 else part for axis, part in zip(axes, parts, strict=True)]
        assert_equal(of(ours[1], member), alone(*own)[1])


@pytest.mark.parametrize("kind", fused.UNROLL)
@pytest.mark.parametrize(("batch", "members"), [(3, 2), (3, 5), (40, 2), (100, 5)])
@pytest.mark.parametrize("axes", AXES)
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_each_of_several_members_is_what_it_is_alone(kind, batch, members, axes, threads, monkeypatch):
    monkeypatch.setattr(passes, "_threads", lambda: threads)
    cases = [random_case(kind, 4, 2, 20, batch, seed, resets=True) for seed in range(members)]
    assert_each_is_what_it_is_alone(functools.partial(gradients, fused.UNROLL[kind]), cases, axes)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("kind", fused.UNROLL)
@pytest.mark.parametrize("batch", [3, 40])
def test_members_of_members(kind, batch):
    weights, inputs, state, _ = random_case(kind, 3, 2, 6, batch, 0)
    factors = jnp.arange(1.0, 4.0), jnp.arange(5.0, 7.0)

    def value(unroll, first, second):
        return gradients(unroll, jax.tree.map(lambda leaf: first * leaf, weights), second * inputs, state)

    ours, theirs = (
        jax.vmap(jax.vmap(functools.partial(value, unroll), (None, 0)), (0, None))(*factors)
        for unroll in (fused.UNROLL[kind], by_textbook(kind))
    )
    jax.tree.map(lambda our, their: np.testing.assert_allclose(our, their, rtol=1e-9, atol=1e-9), ours, theirs)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("kind", fused.UNROLL)
@pytest.mark.parametrize("batch", [3, 10, 37])
def test_members_side_by_side_and_jacobians_equal_the_textbook(kind, batch):
    weights, inputs, state, _ = random_case(kind, 3, 2, 3, batch, 0)
    several = jax.tree.map(lambda leaf: jnp.stack([leaf, 2 * leaf]), weights)
    both = fused.UNROLL[kind], by_textbook(kind)
    ours, theirs = (
        jax.vmap(functools.partial(gradients, unroll), (0, None, None))(several, inputs, state) for unroll in both
    )
    jax.tree.map(lambda our, their: np.testing.assert_allclose(our, their, rtol=1e-9, atol=1e-9), ours, theirs)

    def hidden(unroll, inputs):
        return unroll(weights, inputs, state)[1].hidden

    ours, theirs = (jax.jacrev(functools.partial(hidden, unroll))(inputs) for unroll in both)
    np.testing.assert_allclose(ours, theirs, atol=1e-12)
