"""Which devices of a mesh hold different values: what meets in a loop must be declared to vary alike.

Inside `jax.shard_map` the type of an array names the mesh axes over which it may differ from device to device; a
constant differs over none. JAX reconciles operands by itself, but not what a loop or a hand-written derivative carries.
Source: https://docs.jax.dev/en/latest/201/shard-map.html#scan-vma
"""

from typing import Any

import jax

from lstm_jax.axes import PyTree


def vary_alike(tree: PyTree) -> PyTree:
    """The same arrays, each varying over every manual mesh axis over which one of them does.

    The derivative by an array that did not vary over an axis is summed over it. Outside of `jax.shard_map`, and with
    `check_vma=False`, these are the arrays as they came.
    """
    own = [_axes(leaf) for leaf in jax.tree.leaves(tree)]
    axes = frozenset().union(*own)
    if all(axes == those for those in own):
        return tree
    return jax.tree.map(lambda leaf: _vary(leaf, tuple(axes - _axes(leaf))), tree)


def vary_everywhere(tree: PyTree) -> PyTree:
    """The same arrays, each varying over every manual mesh axis: for a state that a loop of the caller will carry.

    What the loop reads is not known yet, and it may vary over any of them.
    """
    axes = frozenset(jax.sharding.get_abstract_mesh().manual_axes)
    return jax.tree.map(lambda leaf: _vary(leaf, tuple(axes - _axes(leaf))), tree)


def _axes(leaf: Any) -> frozenset:
    return jax.typeof(leaf).manual_axis_type.varying


def _vary(leaf: Any, axes: tuple) -> Any:
    return jax.lax.pcast(leaf, axes, to="varying") if axes else leaf
