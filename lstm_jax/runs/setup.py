"""From settings to what is trained: members, device layout, program."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np

from lstm_jax.axes import PyTree
from lstm_jax.network.settings import ModelSettings, Scales
from lstm_jax.recurrent.cells import CELLS
from lstm_jax.runs.config import RunConfig
from lstm_jax.runs.problem import Problem
from lstm_jax.runs.problems import make_problem
from lstm_jax.training.cuts import Cut, choose_cut
from lstm_jax.training.mesh import MEMBERS, count_devices, on_cpu, place, plan_layout
from lstm_jax.training.optimizers import TrainSettings, learning_rate_course
from lstm_jax.training.step import Common, Hyperparameters, Program

TRACED = ("learning_rate", "clip_norm", *Scales._fields)
"""Settings that are numbers in a program: runs that differ in nothing else are trained together."""


class Setup(NamedTuple):
    """All that training needs besides its state.

    `runs` and `seeds` say of each member whose it is, those included that only fill up devices.
    """

    program: Program
    problem: Problem
    runs: list[int]
    seeds: list[int]
    data: PyTree
    hyper: Hyperparameters
    common: Common


def make_setup(*configs: RunConfig) -> Setup:
    """Makes the members of one or several runs, one a seed, and spreads the work over the devices.

    Args:
        *configs: runs that differ in traced settings at most.
    """
    first = configs[0]
    problem = make_problem(first)
    pairs = [(run, seed) for run, config in enumerate(configs) for seed in config.run.seeds]
    program = make_program(first, problem, len(pairs))
    layout = program.layout
    last_run, last_seed = pairs[-1]
    pairs += [(last_run, last_seed + 1 + extra) for extra in range(layout.padded_members - len(pairs))]
    runs, seeds = [run for run, _ in pairs], [seed for _, seed in pairs]
    members = [problem.training_data(seed) for seed in seeds]
    data = jax.tree.map(lambda *leaves: np.stack(leaves), *members)
    course = np.asarray(learning_rate_course(first.training))
    return Setup(
        program,
        problem,
        runs,
        seeds,
        place(data, layout.sharding(MEMBERS)),
        place(hyperparameters([configs[run] for run in runs]), layout.sharding(MEMBERS)),
        place(Common(course, problem.corpus), layout.sharding()),
    )


def hyperparameters(configs: Sequence[RunConfig]) -> Hyperparameters:
    """The traced settings of each member, [S]."""

    def numbers(name: str) -> np.ndarray:
        return np.array([config.settings()[name] for config in configs], np.float32)

    scales = Scales(*map(numbers, Scales._fields))
    return Hyperparameters(numbers("learning_rate"), numbers("clip_norm"), scales)


def make_program(config: RunConfig, problem: Problem, members: int) -> Program:
    """What is compiled for a run on this machine; runs that differ in traced settings share it."""
    cell = CELLS[config.model.kind]
    work = cell.num_gates * config.model.hidden_size * (config.model.hidden_size + problem.inputs.width)
    # Kept of each string: the gates and the state (at most hidden and cell) after each symbol, in every layer.
    kept = 4 * (cell.num_gates + 2) * config.model.hidden_size * config.model.num_layers * config.data.seq_len
    devices = count_devices()
    cut = Cut()
    if problem.most_slices > 1:
        threads = config.model.has_threads
        cut = choose_cut(config.training.batch_size, work, kept if on_cpu() else 0, devices, threads=threads)
    return Program(
        problem.inputs,
        untraced(config.model),
        untraced(config.training),
        problem.objective,
        problem.source,
        plan_layout(members, cut, devices, jax.default_backend()),
        problem.mixed_lengths,
    )


def untraced[Section: (ModelSettings, TrainSettings)](section: Section) -> Section:
    """Settings without those that are numbers in a program: these are as the defaults have them.

    A clip norm of 0 stays: without clipping it is another program.
    """
    names = [field.name for field in dataclasses.fields(section) if field.name in TRACED]
    names = [name for name in names if name != "clip_norm" or getattr(section, name)]
    return dataclasses.replace(section, **{name: getattr(type(section), name) for name in names})
