"""Many members in one compiled program. One seed is a population of one."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax.sharding import PartitionSpec

from lstm_jax.axes import Array, PyTree
from lstm_jax.training.mesh import MEMBERS, Layout, on_cpu, opaque
from lstm_jax.training.optimizers import FEW_WEIGHTS
from lstm_jax.training.step import (
    Common,
    Hyperparameters,
    Member,
    Program,
    init_member,
    train_step,
)
from lstm_jax.training.totals import no_totals

UNOPTIMISED = {"xla_backend_optimization_level": 0}
"""For a program that runs once: on a CPU 0.3 s less to compile, and 0.12 s longer to draw a million weights."""


@functools.lru_cache(16)
def initializer(program: Program) -> jax.stages.Wrapped:
    """A compiled function of seeds [S] and hyperparameters [S], to the members before their first update, [S, ...].

    How it is compiled, which decides the last bits, depends on the network alone, not on the number of members.
    """

    def init_population(seeds: Array, hyper: Hyperparameters) -> Member:
        def init(seed: Array, hyper: Hyperparameters) -> Member:
            return init_member(program, jax.random.key(seed), hyper)

        return jax.lax.map(lambda member: init(*member), (seeds, hyper))

    quickly = on_cpu() and program.num_weights <= FEW_WEIGHTS
    return jax.jit(init_population, compiler_options=UNOPTIMISED if quickly else None)


@functools.partial(jax.jit, static_argnames="program", donate_argnames="members")
def train_chunk(
    program: Program, members: Member, data: PyTree, hyper: Hyperparameters, common: Common, stop: Array, fresh: Array
) -> Member:
    """Trains every active member up to step `stop`; nothing returns to the host in between.

    The number of steps is not part of the program: a loop up to `stop` compiles once for chunks of every length.

    Args:
        program: what is compiled.
        members: the runs, leaves [S, ...].
        data: what each member alone learns from, leaves [S, N, ...].
        hyper: each member's numbers, [S].
        common: what all members share.
        stop: the step to train up to.
        fresh: whether the totals start anew.

    Returns:
        The runs at step `stop`.
    """

    def on_device(
        members: Member, data: PyTree, hyper: Hyperparameters, common: Common, stop: Array, fresh: Array
    ) -> Member:
        def train(member: Member, data: PyTree, hyper: Hyperparameters) -> Member:
            none = no_totals(log_grad_norm=program.training.log_grad_norm)
            totals = jax.tree.map(lambda new, old: jnp.where(fresh, new, old), none, member.totals)
            member = member._replace(totals=totals)
            end = jnp.where(member.active, stop, member.step)
            return jax.lax.fori_loop(
                member.step, end, lambda _, member: train_step(program, member, data, hyper, common), member
            )

        return _map_members(program.layout, train, members, data, hyper)

    split, whole = PartitionSpec(MEMBERS), PartitionSpec()
    return jax.shard_map(
        on_device,
        mesh=program.layout.mesh,
        in_specs=(split, split, split, whole, whole, whole),
        out_specs=split,
        # The gradients are averaged by hand over the batch axis, so the members come out equal on all its devices.
        check_vma=False,
    )(members, data, hyper, common, stop, fresh)


def _map_members(layout: Layout, function: Callable[..., PyTree], members: PyTree, *others: PyTree) -> PyTree:
    """Replaces each member on this device by `function(member, *others)`: leaves [S, ...] to leaves [S, ...]."""
    if layout.mapping == "vmap":
        return jax.vmap(function)(members, *others)

    count = layout.padded_members // layout.member_devices

    def body(number: Array, members: PyTree) -> PyTree:
        # A single member has a number that is known: by that of a loop, to find and to replace it was half of what is
        # compiled for the updates of a small network.
        number = jnp.uint32(0) if count == 1 else number
        find = functools.partial(jax.lax.dynamic_index_in_dim, index=number, keepdims=False)
        put = functools.partial(jax.lax.dynamic_update_index_in_dim, index=number, axis=0)
        return jax.tree.map(put, members, function(*jax.tree.map(find, (members, *others))))

    return jax.lax.fori_loop(jnp.uint32(0), opaque(count).astype(jnp.uint32), body, members)
