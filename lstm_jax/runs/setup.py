"""From settings to what is trained: strings, device layout, program."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from lstm_jax.axes import Array
from lstm_jax.recurrent.cells import CELLS
from lstm_jax.runs.config import RunConfig
from lstm_jax.tasks.objectives import make_objective
from lstm_jax.tasks.strings import Strings, can_enumerate, draw, final_answers, running_answers
from lstm_jax.training.mesh import MEMBERS, choose_slices, count_devices, on_cpu, place, plan_layout
from lstm_jax.training.optimizers import Hyperparameters, learning_rate_course
from lstm_jax.training.step import Data, Program

TRAINING_STRINGS, TEST_STRINGS = 0, 1
"""What a member's seed is combined with: each use of randomness has its own stream."""


class MemberStrings(NamedTuple):
    """Which strings a member learns from, is stopped by, and is tested on (None: all others)."""

    train: Strings
    valid: Strings
    test: Strings | None

    @property
    def known(self) -> Strings:
        """What must not be tested on."""
        return Strings(*(np.concatenate(pair) for pair in zip(self.train, self.valid, strict=True)))


class Setup(NamedTuple):
    """All that training needs besides its state."""

    program: Program
    seeds: list[int]
    strings: list[MemberStrings]
    data: Data
    hyper: Hyperparameters
    course: Array


def make_setup(config: RunConfig) -> Setup:
    """Draws each member's strings, and spreads the work over the devices."""
    program = make_program(config)
    layout = program.layout
    seeds = [config.run.seed + number for number in range(layout.padded_members)]
    strings = [member_strings(config, seed) for seed in seeds]
    members = [training_data(program, member.train) for member in strings]
    data = jax.tree.map(lambda *leaves: np.stack(leaves), *members)
    numbers = (config.training.learning_rate, config.training.clip_norm)
    hyper = Hyperparameters(*(np.full(len(seeds), number, np.float32) for number in numbers))
    return Setup(
        program,
        seeds,
        strings,
        place(data, layout.sharding(MEMBERS)),
        place(hyper, layout.sharding(MEMBERS)),
        place(learning_rate_course(config.training).astype(jnp.float32), layout.sharding()),
    )


def make_program(config: RunConfig) -> Program:
    """What is compiled for a run on this machine."""
    cell = CELLS[config.model.cell]
    features = len(config.task.features[0])
    work = cell.num_gates * config.model.hidden_size * (config.model.hidden_size + features)
    # Kept of each string: the gates and the state (at most hidden and cell) after each symbol, in every layer.
    kept = 4 * (cell.num_gates + 2) * config.model.hidden_size * config.model.num_layers * config.strings.seq_len
    devices = count_devices()
    slices = choose_slices(config.training.batch_size, work, kept if on_cpu() else 0, devices)
    return Program(
        config.task,
        config.model,
        config.training,
        make_objective(config.model.readout, config.task.answer_range(config.strings.seq_len)),
        plan_layout(config.run.num_seeds, slices, devices, jax.default_backend()),
        mixed_lengths=len(config.strings.lengths) > 1,
    )


def member_strings(config: RunConfig, seed: int) -> MemberStrings:
    """The strings of the member with this seed; they depend on the seed alone, not on the other members."""
    base, settings = len(config.task.alphabet), config.strings
    rng = np.random.default_rng((seed, TRAINING_STRINGS))
    drawn = draw(rng, base, settings.lengths, settings.train_size)
    valid, train = drawn.rows(slice(settings.valid_size)), drawn.rows(slice(settings.valid_size, None))
    if can_enumerate(base, settings.seq_len):
        return MemberStrings(train, valid, None)
    rng = np.random.default_rng((seed, TEST_STRINGS))
    return MemberStrings(train, valid, draw(rng, base, settings.lengths, settings.test_size, exclude=drawn))


def training_data(program: Program, strings: Strings) -> Data:
    """Strings with their right answers, as far as these are supervised."""
    if program.training.supervise == "every_step":
        return Data(strings.codes, strings.lengths, running_answers(program.task, strings.codes))
    return Data(strings.codes, strings.lengths, final_answers(program.task, strings))
