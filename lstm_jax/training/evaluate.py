"""How good is a network? Its answers to every string that it was not shown, or to a sample where these are too many."""

import functools
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from lstm_jax.axes import Array, PyTree
from lstm_jax.tasks.objectives import Objective
from lstm_jax.tasks.strings import Strings, digits, final_answers, number_of
from lstm_jax.tasks.task import StringTask
from lstm_jax.training.mesh import BATCH, batch_mesh, place, whole
from lstm_jax.training.prefix_tree import in_number_order, walk_continuations
from lstm_jax.training.score import Judged, Score, tally
from lstm_jax.training.step import Program

COLUMNS = 8192 * 24
"""Hidden units after one symbol, over all strings of a block: what a processor's cache holds; measured flat from 2^10
to 2^13 strings of 24 units."""


def score_unseen(program: Program, task: StringTask, params: PyTree, known: Strings, lengths: range) -> Score:
    """The exact score on every string of these lengths that is not among the known ones.

    Args:
        program: what the network is.
        task: what is asked.
        params: the weights of one member.
        known: strings that do not count: those it was trained on or chosen by.
        lengths: the lengths of the strings to test on.
    """
    base = len(task.alphabet)
    judged = judge_all(program, task, params, lengths)
    parts, part_lengths = [], []
    for length in lengths:
        unseen = np.ones(base**length, bool)
        unseen[number_of(known.codes[known.lengths == length][:, :length], base)] = False
        parts.append(Judged(*(np.asarray(leaf)[unseen] for leaf in judged[length])))
        part_lengths.append(np.full(len(parts[-1].right), length, np.int32))
    together = Judged(*(np.concatenate(leaves) for leaves in zip(*parts, strict=True)))
    return tally(together, np.concatenate(part_lengths), sampled=False)


def score_strings(program: Program, task: StringTask, params: PyTree, strings: Strings) -> Score:
    """The score on these strings."""
    return tally(judge_strings(program, task, params, strings), strings.lengths, sampled=True)


def judge_all(program: Program, task: StringTask, params: PyTree, lengths: range) -> dict[int, Judged]:
    """The answers to all strings of these lengths, each in the order of their numbers."""
    base = len(task.alphabet)
    if program.model.bidirectional:
        # What is read from the end has no prefix tree: every string is read in full.
        every = {length: _all_strings(base, length, lengths[-1]) for length in lengths}
        return {length: judge_strings(program, task, params, strings) for length, strings in every.items()}
    units = max(program.model.hidden_size * program.model.num_layers, program.objective.num_outputs)
    block_depth = min(lengths[-1], max(1, int(math.log(max(COLUMNS // units, base), base) + 1e-9)))
    depth, leaves_only = lengths[-1] - block_depth, len(lengths) == 1
    # A layer with threads reads a block on one device a process; the continuations, cell by cell, are for all of them.
    most = jax.process_count() if program.model.has_threads and not depth else None
    mesh = batch_mesh(base**block_depth, most)
    params = place(params, NamedSharding(mesh, PartitionSpec()))
    grown, walked = _judge_tree(program, task, params, mesh, block_depth, depth, leaves_only)
    grown, walked = jax.tree.map(np.asarray, whole((grown, walked)))
    levels = {length: 0 if leaves_only else length - 1 for length in lengths if length <= block_depth}
    judged = {length: _pick(grown, (level, slice(base**length))) for length, level in levels.items()}
    for level in range(max(1, depth) if leaves_only else 1, depth + 1):
        if block_depth + level in lengths:
            above = 0 if leaves_only else sum(base**height for height in range(level - 1))
            rows = _pick(walked, slice(above, above + base ** (level - 1)))
            judged[block_depth + level] = Judged(*(in_number_order(leaf, base) for leaf in rows))
    return judged


def _pick(judged: Judged, where: Any) -> Judged:
    return Judged(*(leaf[where] for leaf in judged))


@functools.partial(jax.jit, static_argnames=("program", "task", "mesh", "block_depth", "depth", "leaves_only"))
def _judge_tree(
    program: Program, task: StringTask, params: PyTree, mesh: Mesh, block_depth: int, depth: int, leaves_only: bool
) -> tuple[Judged, Judged | None]:
    """The answers to a block of strings, [1, B], or to all their prefixes, [block_depth, B]; and to continuations."""
    base = len(task.alphabet)

    def answer(state: Any) -> Array:
        return task.answer(state).astype(jnp.int16)

    def follow(state: Any, symbols: Any) -> tuple[Any, Any]:
        state = task.advance(state, symbols)
        return state, answer(state)

    def on_device(params: PyTree, codes: Array) -> tuple[Judged, Judged | None]:
        model = program.with_params(params)

        def step(state: PyTree, symbols: Array) -> PyTree:
            return model.step(state[0], symbols), task.advance(state[1], symbols)

        def judge(state: PyTree) -> Judged:
            return judge_outputs(program.objective, model.output(state[0]), answer(state[1]))

        truth, right = jax.lax.scan(follow, jax.tree.map(jnp.asarray, task.start((len(codes),))), codes.T)
        if leaves_only:
            last, states = model.last_output(codes.T)
            outputs, right = last[:, None], right[-1:]
        else:
            outputs, states = model.every_output(codes.T)
        grown = judge_outputs(program.objective, outputs, right)
        walked = walk_continuations(step, judge, (states, truth), base, depth, leaves_only) if depth else None
        return grown, walked

    codes = digits(np.arange(base**block_depth), block_depth, base)
    return jax.shard_map(
        on_device,
        mesh=mesh,
        in_specs=(PartitionSpec(), PartitionSpec(BATCH)),
        out_specs=(PartitionSpec(None, BATCH), PartitionSpec(None, None, BATCH)),
        check_vma=False,
    )(params, codes)


def judge_strings(program: Program, task: StringTask, params: PyTree, strings: Strings) -> Judged:
    """The answers to these strings, in their order."""
    return judge_examples(program, params, strings, final_answers(task, strings))


def judge_examples(program: Program, params: PyTree, strings: Strings, right: np.ndarray) -> Judged:
    """The answers to these strings, in their order, where `right` [N] are right."""
    mesh = batch_mesh()
    units = program.model.hidden_size * program.model.num_layers * strings.codes.shape[1]
    most = max(1, 16 * COLUMNS // max(units, program.objective.num_outputs))
    chunk = min(most, -(-len(strings.lengths) // mesh.size))
    padding = -len(strings.lengths) % (chunk * mesh.size)
    codes = np.pad(strings.codes, ((0, padding), (0, 0))).reshape(-1, chunk, strings.codes.shape[1])
    lengths = np.pad(strings.lengths, (0, padding), constant_values=1).reshape(-1, chunk)
    answers = np.pad(right, (0, padding)).reshape(-1, chunk)
    split = NamedSharding(mesh, PartitionSpec(BATCH))
    params = place(params, NamedSharding(mesh, PartitionSpec()))
    decided, _, loss = whole(_judge_chunks(program, params, *place((codes, lengths, answers), split)))
    return Judged(np.asarray(decided).reshape(-1)[: len(right)], right, np.asarray(loss).reshape(-1)[: len(right)])


@functools.partial(jax.jit, static_argnames="program")
def _judge_chunks(program: Program, params: PyTree, codes: Array, lengths: Array, answers: Array) -> Judged:
    def on_device(params: PyTree, codes: Array, lengths: Array, answers: Array) -> Judged:
        def judge(chunk: tuple[Array, Array, Array]) -> Judged:
            lengths = chunk[1] if program.mixed_lengths else None
            outputs, _ = program.with_params(params).last_output(chunk[0].T, lengths)
            return judge_outputs(program.objective, outputs, chunk[2])

        return jax.lax.map(judge, (codes, lengths, answers))

    split = PartitionSpec(BATCH)
    return jax.shard_map(
        on_device,
        mesh=batch_mesh(),
        in_specs=(PartitionSpec(), split, split, split),
        out_specs=split,
        check_vma=False,
    )(params, codes, lengths, answers)


class Said(NamedTuple):
    """What a network says: the outputs [..., C], and the answers [...]."""

    outputs: Array
    decided: Array


@functools.partial(jax.jit, static_argnames="program")
def read_whole(program: Program, params: PyTree, codes: Array, lengths: Array) -> Said:
    """What a network says to strings, [N, T] and lengths [N], after the last symbol of each, [N]."""
    outputs, _ = program.with_params(params).last_output(codes.T, lengths)
    return Said(outputs.T, program.objective.decide(outputs))


@functools.partial(jax.jit, static_argnames="program")
def read_along(program: Program, params: PyTree, codes: Array) -> Said:
    """What a network that reads in one direction says after each symbol of strings, [N, T]."""
    outputs, _ = program.with_params(params).every_output(codes.T)
    return Said(outputs.T, program.objective.decide(outputs).T)


def judge_outputs(objective: Objective, outputs: Array, right: Array) -> Judged:
    """What is kept of outputs [C, ...] where `right` [...] is right, in no more bytes than the right answers take."""
    kinds = jnp.iinfo(right.dtype)
    decided = jnp.clip(objective.decide(outputs), kinds.min, kinds.max).astype(right.dtype)
    return Judged(decided, right, objective.loss(outputs, right))


def _all_strings(base: int, length: int, width: int) -> Strings:
    codes = digits(np.arange(base**length), length, base)
    return Strings(np.pad(codes, ((0, 0), (0, width - length))), np.full(len(codes), length, np.int32))
