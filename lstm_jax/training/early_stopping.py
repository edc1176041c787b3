"""Stopping a member when it no longer gets better on strings that it does not learn from."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from lstm_jax.axes import Array, PyTree
from lstm_jax.training.step import Member


class Best(NamedTuple):
    """The best weights of each member so far, their loss on the validation strings, and evaluations since then."""

    params: PyTree
    loss: Array
    step: Array
    stale: Array


def no_best(members: Member) -> Best:
    """Before the first evaluation."""
    count = members.step.shape
    # A copy: the next chunk of training is given the buffers of the members to write into.
    params = jax.tree.map(jnp.copy, members.params)
    return Best(params, jnp.full(count, jnp.inf), jnp.zeros(count, jnp.int32), jnp.zeros(count, jnp.int32))


@jax.jit
def keep_best(members: Member, best: Best, loss: Array, patience: Array) -> tuple[Member, Best]:
    """Remembers the members that got better; those without an improvement for `patience` evaluations end.

    Args:
        members: the runs, leaves [S, ...].
        best: what was best before this evaluation.
        loss: on the validation strings, [S].
        patience: evaluations.
    """
    better = (loss < best.loss) & members.active

    def choose(new: Array, old: Array) -> Array:
        return jnp.where(better.reshape(-1, *[1] * (new.ndim - 1)), new, old)

    stale = jnp.where(better, 0, best.stale + members.active)
    kept = Best(
        jax.tree.map(choose, members.params, best.params),
        choose(loss, best.loss),
        choose(members.step, best.step),
        stale.astype(jnp.int32),
    )
    return members._replace(active=members.active & (stale < patience)), kept
