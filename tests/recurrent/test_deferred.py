"""Weight gradients that are left to whoever reads them: the textbook's numbers, and no memory of their own."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax.recurrent import deferred, fused
from lstm_jax.recurrent.deferred import deferred_weight_gradients
from lstm_jax.recurrent.native import passes
from lstm_jax.training.optimizers import TrainSettings, make_optimizer
from tests.recurrent.test_fused import random_case
from tests.recurrent.test_native import by_textbook, gradients
from tests.recurrent.test_native_members import AXES, assert_each_is_what_it_is_alone

pytestmark = pytest.mark.skipif(not passes.available(), reason="no CPU computes here, or the kernel cannot be compiled")


def deferring(function):
    """The function, with its gradients left to their readers."""

    @functools.wraps(function)
    def within(*arguments):
        with deferred_weight_gradients():
            return function(*arguments)

    return within


def passed(function, *arguments):
    """Bytes that a compiled function reads and writes, each of its operations by itself."""
    return jax.jit(function).lower(*arguments).compile().cost_analysis()["bytes accessed"]


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("kind", fused.UNROLL)
@pytest.mark.parametrize("size", [(1, 1, 2, 1), (3, 1, 16, 1), (8, 3, 5, 1), (2, 20, 9, 4), (1, 2, 130, 8)])
@pytest.mark.parametrize("resets", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
def test_they_are_the_textbooks(kind, size, resets, reverse, monkeypatch):
    monkeypatch.setattr(deferred, "WIDE", 1)
    case = random_case(kind, *size, 0, resets=resets)
    unrolls = (functools.partial(unroll, reverse=reverse) for unroll in (fused.UNROLL[kind], by_textbook(kind)))
    ours, theirs = (deferring(gradients)(unroll, *case) for unroll in unrolls)
    jax.tree.map(lambda our, their: np.testing.assert_allclose(our, their, rtol=1e-10, atol=1e-10), ours, theirs)


@pytest.mark.parametrize("kind", fused.UNROLL)
@pytest.mark.parametrize("axes", AXES)
def test_each_of_several_members_is_what_it_is_alone(kind, axes, monkeypatch):
    monkeypatch.setattr(deferred, "WIDE", 1)
    cases = [random_case(kind, 3, 2, 20, 2, seed, resets=True) for seed in range(3)]
    with jax.numpy_rank_promotion("raise"):
        assert_each_is_what_it_is_alone(deferring(functools.partial(gradients, fused.UNROLL[kind])), cases, axes)


@pytest.mark.parametrize("kind", fused.UNROLL)
@pytest.mark.parametrize("optimizer", ["rmsprop", "adam", "sgd"])
def test_an_update_keeps_no_gradient(kind, optimizer):
    weights, inputs, state, _ = jax.tree.map(jnp.float32, random_case(kind, 3, 1, 128, 1, 0))
    rule = make_optimizer(TrainSettings(optimizer=optimizer, clip_norm=0), 0.1, 0)

    def update(weights, state_of_rule):
        def loss(weights):
            return jnp.sum(fused.UNROLL[kind](weights, inputs, state)[0].hidden ** 2)

        gradient = jax.grad(loss)(weights)
        updates, state_of_rule = rule.update(gradient, state_of_rule, weights)
        return jax.tree.map(jnp.add, weights, updates), state_of_rule

    arguments = weights, rule.init(weights)
    saved = passed(update, *arguments) - passed(deferring(update), *arguments)
    assert saved > 0.8 * weights.hidden.nbytes


@pytest.mark.parametrize(("units", "time", "batch"), [(127, 3, 1), (128, 9, 1), (128, 5, 2), (128, 3, 0)])
def test_they_are_written_where_that_is_faster(units, time, batch):
    weights = random_case("lstm", time, 1, units, batch, 0)[0]
    with deferred_weight_gradients():
        assert not deferred.is_preferred(weights, time, batch)
        assert deferred.is_preferred(random_case("lstm", 8, 1, 128, 1, 0)[0], 8, 1)
    assert not deferred.is_preferred(random_case("lstm", 8, 1, 128, 1, 0)[0], 8, 1)
