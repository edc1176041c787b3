"""Small runs for the tests of training."""

import contextlib
from collections.abc import Iterator

import jax
import numpy as np
import pytest

from lstm_jax.runs.config import RunConfig
from lstm_jax.runs.setup import Setup, make_setup
from lstm_jax.tasks.count_bits import CountBits
from lstm_jax.training import optimizers, population
from lstm_jax.training.mesh import MEMBERS
from lstm_jax.training.population import initializer, train_chunk
from lstm_jax.training.step import Member

SMALL = {"seq_len": 6, "train_size": 40, "batch_size": 16, "hidden_size": 5, "num_steps": 12, "cpu_devices": 2}


def small_config(**settings) -> RunConfig:
    config = RunConfig(CountBits()).replace({**SMALL, **settings})
    config.check()
    return config


def start(setup: Setup) -> Member:
    members = initializer(setup.program)(np.array(setup.seeds, np.uint32), setup.hyper)
    return jax.device_put(members, setup.program.layout.sharding(MEMBERS))


def train(setup: Setup, members: Member, stop: int, fresh: bool = False) -> Member:
    numbers = setup.data, setup.hyper, setup.common, np.int32(stop), np.bool(fresh)
    return jax.block_until_ready(train_chunk(setup.program, members, *numbers))


def trained(stop: int = 12, **settings) -> tuple[Setup, Member]:
    setup = make_setup(small_config(**settings))
    return setup, train(setup, start(setup), stop)


@contextlib.contextmanager
def few_weights(most: int) -> Iterator[None]:
    """Networks of at most so many weights are small ones; what was compiled under another limit is forgotten."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (optimizers, population):
            patch.setattr(module, "FEW_WEIGHTS", most)
        forget()
        yield
    forget()


def forget() -> None:
    population.initializer.cache_clear()
    jax.clear_caches()


def leaves_of(tree, number: int) -> list[np.ndarray]:
    return [np.asarray(leaf[number]) for leaf in jax.tree.leaves(tree)]
