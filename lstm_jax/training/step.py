"""One update of one member: `train_step(program, member, data, hyper)`, a pure function."""

import dataclasses
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from lstm_jax.axes import Array, PyTree
from lstm_jax.model import ModelSettings, SequenceModel
from lstm_jax.tasks.objectives import ClassObjective, NumberObjective
from lstm_jax.tasks.task import StringTask
from lstm_jax.training.mesh import BATCH, Layout
from lstm_jax.training.optimizers import Hyperparameters, TrainSettings, make_optimizer
from lstm_jax.training.slices import mean_over_slices

INITIALISATION, BATCHES = 0, 1
"""What a member's key is folded with first: each use of randomness has its own stream."""


@dataclasses.dataclass(frozen=True)
class Program:
    """All that changes what is compiled: one Program is one compiled training step."""

    task: StringTask
    model: ModelSettings
    training: TrainSettings
    objective: ClassObjective | NumberObjective
    layout: Layout
    mixed_lengths: bool = False

    def build(self, key: Array) -> SequenceModel:
        """The network with its initial weights."""
        rngs = nnx.Rngs(jax.random.fold_in(key, INITIALISATION))
        return SequenceModel(self.model, self.task.features, self.objective.num_outputs, rngs=rngs)

    def with_params(self, params: PyTree) -> SequenceModel:
        """The network with these weights."""
        return nnx.merge(nnx.graphdef(nnx.eval_shape(lambda: self.build(jax.random.key(0)))), params)


class Totals(NamedTuple):
    """Sums over the updates since the last report, and the first update that was not finite (-1: none)."""

    updates: Array
    loss: Array
    error: Array
    grad_norm: Array
    not_finite: Array


class Member(NamedTuple):
    """One run: everything that its future depends on."""

    params: PyTree
    optimizer: PyTree
    step: Array
    key: Array
    totals: Totals
    active: Array


class Data(NamedTuple):
    """Strings to learn from: symbols [N, T], lengths [N], right answers [N], or [N, T] after each symbol."""

    symbols: Array
    lengths: Array
    answers: Array


def no_totals() -> Totals:
    """Totals of no updates."""
    zero = jnp.zeros(())
    return Totals(zero, zero, zero, zero, jnp.int32(-1))


def init_member(program: Program, key: Array, hyper: Hyperparameters) -> Member:
    """A member before its first update."""
    params = nnx.state(program.build(key), nnx.Param)
    optimizer = make_optimizer(program.training, hyper, 1.0).init(params)
    return Member(params, optimizer, jnp.int32(0), key, no_totals(), jnp.bool(True))


def loss_and_errors(program: Program, params: PyTree, batch: Data) -> tuple[Array, Array]:
    """Losses and wrong answers, averaged over the strings of a batch (and their symbols, if all are supervised)."""
    model, objective = program.with_params(params), program.objective
    lengths = batch.lengths if program.mixed_lengths else None
    if program.training.supervise == "last":
        outputs, answers = model.last_output(batch.symbols.T, lengths), batch.answers
        weight = jnp.full(answers.shape, 1 / answers.size)
    else:
        outputs, answers = model.every_output(batch.symbols.T), batch.answers.T
        steps = jnp.arange(answers.shape[0])[:, None]
        counted = jnp.where(steps < batch.lengths, 1 / batch.lengths, 0)
        weight = counted / answers.shape[1]
    wrong = objective.decide(outputs) != answers
    return jnp.sum(objective.loss(outputs, answers) * weight), jnp.sum(wrong * weight)


def draw_batch(program: Program, member: Member, data: Data) -> Data:
    """This step's batch, cut into slices: leaves [slices, B / slices, ...]. Depends on the key and the step alone."""
    size, available = program.training.batch_size, data.lengths.shape[0]
    if program.training.order == "in_turn":
        period = available // math.gcd(size, available)  # of the batches; larger products might not fit into an integer
        rows = (member.step % period * size + jnp.arange(size)) % available
    else:
        key = jax.random.fold_in(jax.random.fold_in(member.key, BATCHES), member.step)
        rows = jax.random.randint(key, (size,), 0, available)
    rows = rows.reshape(program.layout.slices, -1)
    if program.layout.batch_devices > 1:
        here = program.layout.slices // program.layout.batch_devices
        rows = jax.lax.dynamic_slice_in_dim(rows, jax.lax.axis_index(BATCH) * here, here)
    return jax.tree.map(lambda leaf: leaf[rows], data)


def mean_gradient(program: Program, params: PyTree, slices: Data) -> tuple[Array, Array, PyTree]:
    """Loss, error and gradient of a batch: the mean over its slices, on this device and on the others."""

    def one_slice(batch: Data) -> tuple[Array, Array, PyTree]:
        (loss, error), gradient = jax.value_and_grad(
            lambda params: loss_and_errors(program, params, batch), has_aux=True
        )(params)
        return loss, error, gradient

    return mean_over_slices(one_slice, slices, gather=program.layout.batch_devices > 1)


def train_step(program: Program, member: Member, data: Data, hyper: Hyperparameters, course: Array) -> Member:
    """One update of one member.

    Args:
        program: what is compiled.
        member: the run before the update.
        data: strings to learn from, leaves [N, ...].
        hyper: learning rate and clip norm.
        course: share of the learning rate at each step, [num_steps].

    Returns:
        The run after the update.
    """
    loss, error, gradient = mean_gradient(program, member.params, draw_batch(program, member, data))
    if program.training.reduction == "sum":
        loss, gradient = jax.tree.map(lambda leaf: leaf * program.training.batch_size, (loss, gradient))
    optimizer = make_optimizer(program.training, hyper, course[member.step])
    updates, optimizer_state = optimizer.update(gradient, member.optimizer, member.params)
    norm = optax.tree.norm(gradient)
    totals = member.totals
    finite = jnp.isfinite(loss) & jnp.isfinite(norm)
    totals = Totals(
        totals.updates + 1,
        totals.loss + loss,
        totals.error + error,
        totals.grad_norm + norm,
        jnp.where(finite | (totals.not_finite >= 0), totals.not_finite, member.step),
    )
    params = optax.apply_updates(member.params, updates)
    return Member(params, optimizer_state, member.step + 1, member.key, totals, member.active)
