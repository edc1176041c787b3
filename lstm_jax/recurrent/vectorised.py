"""What becomes under `jax.vmap` of a kernel that computes one layer at a time."""

from collections.abc import Callable
from typing import Any

import jax

from lstm_jax.axes import PyTree

type Pass = Callable[..., PyTree]


def unless_vectorised(by_kernel: Pass, side_by_side: Pass | None) -> Pass:
    """The kernel's pass; under `jax.vmap` something that computes several layers at once, or the kernel in turn.

    Args:
        by_kernel: a function of arrays.
        side_by_side: the same, computed in a way that `jax.vmap` knows; None: the kernel, for one layer after another.
    """
    choose = jax.custom_batching.custom_vmap(by_kernel)

    @choose.def_vmap
    def vectorised(size: int, batched: list, *arguments: Any) -> tuple[PyTree, PyTree]:
        leaves, structure = jax.tree.flatten(arguments)
        marks = jax.tree.leaves(tuple(batched))
        many = [leaf for leaf, mark in zip(leaves, marks, strict=True) if mark]

        def member(function: Pass, own: list) -> PyTree:
            rest = iter(own)
            mixed = [next(rest) if mark else leaf for leaf, mark in zip(leaves, marks, strict=True)]
            return function(*jax.tree.unflatten(structure, mixed))

        if size == 1:  # as in a population of one
            results = jax.tree.map(lambda leaf: leaf[None], member(choose, [leaf[0] for leaf in many]))
        elif side_by_side is None:
            results = jax.lax.map(lambda own: member(choose, own), many)
        else:
            results = jax.vmap(lambda own: member(side_by_side, own))(many)
        return results, jax.tree.map(lambda _: True, results)

    return choose
