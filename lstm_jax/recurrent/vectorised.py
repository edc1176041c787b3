"""What becomes under `jax.vmap` of a kernel that computes one layer at a time."""

from collections.abc import Callable
from typing import Any

import jax

from lstm_jax.axes import PyTree

type Pass = Callable[..., PyTree]

type Several = Callable[..., PyTree]
"""(size, batched, arguments ...) -> results: a pass for `size` layers; `batched` says for each array whether it has an
axis of layers before its own, which all results have."""


def unless_vectorised(by_kernel: Pass, several: Several) -> Pass:
    """The kernel's pass; under `jax.vmap`, unless it is over a single layer, that for several layers."""
    choose = jax.custom_batching.custom_vmap(by_kernel)

    @choose.def_vmap
    def vectorised(size: int, batched: list, *arguments: Any) -> tuple[PyTree, PyTree]:
        if size == 1:  # as in a population of one
            alone = jax.tree.map(lambda leaf, many: leaf[0] if many else leaf, arguments, tuple(batched))
            results = jax.tree.map(lambda leaf: leaf[None], choose(*alone))
        else:
            results = several(size, tuple(batched), *arguments)
        return results, jax.tree.map(lambda _: True, results)

    return choose


def side_by_side(function: Pass) -> Several:
    """Several layers by what JAX makes of the pass for one."""

    def several(size: int, batched: tuple, *arguments: Any) -> PyTree:
        axes = jax.tree.map(lambda many: 0 if many else None, batched)
        return jax.vmap(function, in_axes=axes, axis_size=size)(*arguments)

    return several


def in_turn(function: Pass) -> Several:
    """One layer after another."""

    def several(size: int, batched: tuple, *arguments: Any) -> PyTree:
        leaves, structure = jax.tree.flatten(arguments)
        marks = jax.tree.leaves(batched)

        def one(own: list) -> PyTree:
            rest = iter(own)
            mixed = [next(rest) if many else leaf for leaf, many in zip(leaves, marks, strict=True)]
            return function(*jax.tree.unflatten(structure, mixed))

        return jax.lax.map(one, [leaf for leaf, many in zip(leaves, marks, strict=True) if many])

    return several
