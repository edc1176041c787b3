"""What becomes under `jax.vmap` of a kernel that computes one layer at a time."""

from collections.abc import Callable
from typing import Any

import jax

from lstm_jax.axes import PyTree

type Pass = Callable[..., PyTree]


def unless_vectorised(by_kernel: Pass, by_xla: Pass) -> Pass:
    """The kernel's pass, and XLA's under `jax.vmap`, which puts several layers side by side.

    Args:
        by_kernel: a function of arrays.
        by_xla: the same, computed in another way.
    """
    choose = jax.custom_batching.custom_vmap(by_kernel)

    @choose.def_vmap
    def vectorised(size: int, batched: list, *arguments: Any) -> tuple[PyTree, PyTree]:
        if size == 1:  # as in a population of one
            alone = jax.tree.map(lambda leaf, many: leaf[0] if many else leaf, arguments, tuple(batched))
            results = jax.tree.map(lambda leaf: leaf[None], choose(*alone))
        else:
            axes = jax.tree.map(lambda many: 0 if many else None, tuple(batched))
            results = jax.vmap(by_xla, in_axes=axes, axis_size=size)(*arguments)
        return results, jax.tree.map(lambda _: True, results)

    return choose
