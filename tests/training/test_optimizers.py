"""Optimizers and schedules against optax used directly."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lstm_jax.training.optimizers import (
    OPTIMIZERS,
    SCHEDULES,
    TrainSettings,
    learning_rate_course,
    make_optimizer,
)

PLAIN = {
    "adam": optax.adam(0.1),
    "adamw": optax.adamw(0.1, weight_decay=1e-4),
    "rmsprop": optax.rmsprop(0.1, decay=0.9, eps=1e-10, initial_scale=1.0),
    "adagrad": optax.adagrad(0.1),
    "sgd": optax.sgd(0.1),
}


def walk(optimizer, steps=5):
    """Where an optimizer goes in a bowl that is steeper in one direction."""
    params = jnp.array([1.0, -2.0])
    state = optimizer.init(params)
    for _ in range(steps):
        updates, state = optimizer.update(params * jnp.array([1.0, 9.0]), state, params)
        params = optax.apply_updates(params, updates)
    return np.asarray(params)


def ours(name, clip=0.0, **settings):
    chosen = TrainSettings(optimizer=name, clip_norm=clip, **settings)
    return make_optimizer(chosen, jnp.float32(0.1), jnp.float32(clip))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_is_the_one_of_its_name(name):
    np.testing.assert_allclose(walk(ours(name)), walk(PLAIN[name]), rtol=1e-5)


def test_b2_reaches_adam():
    np.testing.assert_allclose(walk(ours("adam", adam_b2=0.9)), walk(optax.adam(0.1, b2=0.9)), rtol=1e-5)


@pytest.mark.parametrize("clip", [0.01, 1.0])
def test_the_gradient_is_clipped_by_its_norm(clip):
    plain = optax.chain(optax.clip_by_global_norm(clip), optax.sgd(0.1))
    np.testing.assert_allclose(walk(ours("sgd", clip)), walk(plain), rtol=1e-5)


@pytest.mark.parametrize("steps", [1, 2, 3, 10, 100])
@pytest.mark.parametrize("name", SCHEDULES)
def test_a_course_has_a_finite_share_for_every_step(name, steps):
    course = np.asarray(learning_rate_course(TrainSettings(num_steps=steps, lr_schedule=name)))
    assert course.shape == (steps,)
    assert np.all(np.isfinite(course))
    assert np.all((course >= 0) & (course <= 1.000001))


def test_the_onecycle_course_rises_and_falls():
    course = np.asarray(learning_rate_course(TrainSettings(num_steps=1000, lr_schedule="onecycle", warmup=0.2)))
    expected = [optax.cosine_onecycle_schedule(1000, 1.0, 0.2)(step) for step in (0, 100, 200, 600, 999)]
    np.testing.assert_allclose(course[[0, 100, 200, 600, 999]], expected, rtol=1e-4, atol=1e-7)
    assert course.argmax() == 200
