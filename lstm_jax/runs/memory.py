"""Whether the members of a run fit into the memory, found out before anything is drawn or compiled for all of them."""

import math
import os
from pathlib import Path

import jax
import numpy as np

from lstm_jax.axes import PyTree
from lstm_jax.runs.config import RunConfig
from lstm_jax.runs.problem import Problem
from lstm_jax.runs.setup import hyperparameters, make_program
from lstm_jax.settings import SettingError
from lstm_jax.training.mesh import on_cpu
from lstm_jax.training.population import initializer

GIB = 2**30

LIMIT = Path("/sys/fs/cgroup/memory.max")
"""Where Linux says how much of the machine's memory a container may use."""


def check_memory(config: RunConfig, problem: Problem) -> None:
    """Refuses a population that cannot fit, which the system would end without a word when the memory is full.

    Args:
        config: all settings, with several seeds; devices are chosen.
        problem: what is learned from.

    Raises:
        SettingError: weights, the optimizer's state and data together are more than there is; says how many seeds fit.
    """
    one, there = bytes_of_member(config, problem), available() * jax.process_count()
    seeds = config.run.num_seeds
    if one * seeds > there:
        needed = f"needs {one * seeds / GIB:,.1f} GiB for weights, the optimizer's state and data, but there are"
        fewer = f"give at most --num_seeds={there // one}, or " if there >= one else ""
        lower = "--hidden_size or --train_size" if "train_size" in config.settings() else "--hidden_size"
        raise SettingError("num_seeds", seeds, f"{needed} {there / GIB:,.1f} GiB of memory: {fewer}lower {lower}")


def bytes_of_member(config: RunConfig, problem: Problem) -> int:
    """What one member takes at least: the state of its training, and its data."""
    seeds = np.array([config.run.seed], np.uint32)
    program = make_program(config, problem, 1)
    members = jax.eval_shape(initializer(program), seeds, hyperparameters([config]))
    # On the processor the data of each member are there twice: as they were drawn, and put together for all members.
    return _bytes(members) + (2 if on_cpu() else 1) * _bytes(problem.training_data(config.run.seed))


def available() -> int:
    """Bytes of memory that this process has for its arrays: its accelerators', or what the system lets it use."""
    if not on_cpu():
        limits = [(device.memory_stats() or {}).get("bytes_limit") for device in jax.local_devices()]
        if all(limits):
            return sum(map(int, filter(None, limits)))
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = LIMIT.read_text().strip() if LIMIT.exists() else ""
    return min(whole, int(limit)) if limit.isdigit() else whole


def _bytes(tree: PyTree) -> int:
    """A key counts as its two numbers."""
    leaves = jax.tree.leaves(tree)
    return sum(math.prod(leaf.shape) * getattr(leaf.dtype, "itemsize", 8) for leaf in leaves)
