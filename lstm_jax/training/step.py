"""One update of one member: `train_step(program, member, data, hyper, common)`, a pure function."""

import dataclasses
import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from lstm_jax.axes import Array, PyTree
from lstm_jax.network.inputs import Inputs
from lstm_jax.network.model import SequenceModel
from lstm_jax.network.settings import ModelSettings, Scales
from lstm_jax.recurrent.deferred import deferred_weight_gradients
from lstm_jax.tasks.objectives import ClassObjective, NumberObjective, SampledObjective
from lstm_jax.training.mesh import BATCH, Layout
from lstm_jax.training.optimizers import TrainSettings, gradient_norm, in_one, make_optimizer
from lstm_jax.training.slices import mean_over_slices
from lstm_jax.training.sources import CANDIDATES, Batch, Moment, Source
from lstm_jax.training.totals import Totals, no_totals

INITIALISATION = 0
"""What a member's key is folded with for its initial weights; `sources` has the other uses of randomness."""


@dataclasses.dataclass(frozen=True)
class Program:
    """All that changes what is compiled: one Program is one compiled training step."""

    inputs: Inputs
    model: ModelSettings
    training: TrainSettings
    objective: ClassObjective | NumberObjective | SampledObjective
    source: Source
    layout: Layout
    mixed_lengths: bool = False

    def build(self, key: Array, scales: Scales | None = None) -> SequenceModel:
        """The network with its initial weights."""
        rngs = nnx.Rngs(jax.random.fold_in(key, INITIALISATION))
        return SequenceModel(self.model, self.inputs, self.objective.num_outputs, scales, rngs=rngs)

    def with_params(self, params: PyTree) -> SequenceModel:
        """The network with these weights."""
        return nnx.merge(_outline(self)[0], params)

    @property
    def num_weights(self) -> int:
        """Of one member's network."""
        return sum(leaf.size for leaf in jax.tree.leaves(_outline(self)[1]))


@functools.lru_cache(16)
def _outline(program: Program) -> tuple[nnx.GraphDef[SequenceModel], nnx.State]:
    """The network without its weights, and their shapes: found once, not in every program that is traced."""
    model = nnx.eval_shape(lambda: program.build(jax.random.key(0)))
    return nnx.graphdef(model), nnx.state(model, nnx.Param)


class Hyperparameters(NamedTuple):
    """Numbers that do not change the program, so that members of a population may differ in them."""

    learning_rate: Array | float
    clip_norm: Array | float
    scales: Scales


class Common(NamedTuple):
    """What all members share: the share of the learning rate at each step, [num_steps], and a text, [N], or ()."""

    course: Array
    corpus: PyTree = ()


class Member(NamedTuple):
    """One run: everything that its future depends on."""

    params: PyTree
    optimizer: PyTree
    step: Array
    key: Array
    carry: PyTree
    totals: Totals
    active: Array


def init_member(program: Program, key: Array, hyper: Hyperparameters) -> Member:
    """A member before its first update."""
    model = program.build(key, hyper.scales)
    params = nnx.state(model, nnx.Param)
    optimizer = make_optimizer(program.training, hyper.learning_rate, hyper.clip_norm).init(in_one(params)[0])
    carry = program.source.begin(key, model.initial_state)
    totals = no_totals(log_grad_norm=program.training.log_grad_norm)
    return Member(params, optimizer, jnp.int32(0), key, carry, totals, jnp.bool(True))


class Outcome(NamedTuple):
    """Of a batch: loss and share of wrong answers, means over its strings, and the state after its last symbols."""

    loss: Array
    error: Array
    end: PyTree


def judge_batch(program: Program, params: PyTree, batch: Batch) -> Outcome:
    """Losses and wrong answers, averaged over the strings of a batch (and their symbols, if all are supervised)."""
    model, objective = program.with_params(params), program.objective
    symbols, start = batch.symbols.T, batch.start or None
    lengths = batch.lengths if program.mixed_lengths else None
    last = program.training.supervise == "last"
    answers = batch.answers if last else batch.answers.T
    if last:
        weight = jnp.full(answers.shape, 1 / answers.size)
    else:
        counted = jnp.where(jnp.arange(len(answers))[:, None] < batch.lengths, 1 / batch.lengths, 0)
        weight = counted / answers.shape[1]
    if isinstance(objective, SampledObjective):
        read, end = model.read_last(symbols, lengths, start) if last else model.read_every(symbols, start)
        readout = model.readout_weights, model.readout_bias[...]
        losses, wrong = objective.sampled_loss(read, *readout, answers, batch.candidates)
    else:
        outputs, end = model.last_output(symbols, lengths, start) if last else model.every_output(symbols, start)
        losses, wrong = objective.loss(outputs, answers), objective.decide(outputs) != answers
    return Outcome(jnp.sum(losses * weight), jnp.sum(wrong * weight), end if start else ())


def draw_batch(program: Program, member: Member, data: PyTree, corpus: PyTree = ()) -> tuple[Batch, PyTree]:
    """This step's batch, cut into slices: leaves [slices, B / slices, ...]; and the source's next carry."""
    layout, now = program.layout, Moment(member.key, member.step)
    here = layout.slices // layout.batch_devices

    def share(rows: Array) -> Array:
        rows = rows.reshape(layout.slices, -1, *rows.shape[1:])
        if layout.batch_devices == 1:
            return rows
        return jax.lax.dynamic_slice_in_dim(rows, jax.lax.axis_index(BATCH) * here, here)

    batch, carry = program.source.draw(program.training.batch_size, data, corpus, member.carry, now, share)
    if isinstance(program.objective, SampledObjective):
        candidates = program.objective.draw(now.draw_key(CANDIDATES))
        batch = batch._replace(candidates=jnp.broadcast_to(candidates, (here, *candidates.shape)))
    return batch, carry


def mean_gradient(program: Program, params: PyTree, slices: Batch) -> tuple[Outcome, PyTree]:
    """Outcome and gradient of a batch: the mean over its slices, on this device and on the others."""

    def one_slice(batch: Batch) -> tuple[Outcome, PyTree]:
        def loss(params: PyTree) -> tuple[Array, Outcome]:
            outcome = judge_batch(program, params, batch)
            return outcome.loss, outcome

        with deferred_weight_gradients():
            (_, outcome), gradient = jax.value_and_grad(loss, has_aux=True)(params)
        return outcome, gradient

    return mean_over_slices(one_slice, slices, gather=program.layout.batch_devices > 1)


def train_step(program: Program, member: Member, data: PyTree, hyper: Hyperparameters, common: Common) -> Member:
    """One update of one member.

    Args:
        program: what is compiled.
        member: the run before the update.
        data: what this member alone learns from.
        hyper: learning rate and clip norm.
        common: what all members share.

    Returns:
        The run after the update.
    """
    batch, carry = draw_batch(program, member, data, common.corpus)
    (loss, error, end), gradient = mean_gradient(program, member.params, batch)
    if program.training.reduction == "sum":
        loss, gradient = jax.tree.map(lambda leaf: leaf * program.training.batch_size, (loss, gradient))
    gradient, as_tree = in_one(gradient)
    norm = gradient_norm(program.training, gradient)
    finite = jnp.isfinite(loss) & jnp.isfinite(norm)
    # No weight is then overwritten before every gradient is known; XLA would copy those that it must still read.
    rate = jnp.where(finite, hyper.learning_rate * common.course[member.step], jnp.nan)
    optimizer = make_optimizer(program.training, rate, hyper.clip_norm)
    params, _ = in_one(member.params)
    updates, optimizer_state = optimizer.update(gradient, member.optimizer, params)
    totals = member.totals.add(member.step, loss, error, norm, finite)
    params = as_tree(optax.apply_updates(params, updates))
    return Member(params, optimizer_state, member.step + 1, member.key, end or carry, totals, member.active)
