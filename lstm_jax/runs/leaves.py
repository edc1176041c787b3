"""A tree as arrays by name, as a checkpoint holds it, and their checksum."""

import hashlib
from typing import Any

import jax
import numpy as np

from lstm_jax.axes import PyTree
from lstm_jax.training.mesh import whole


def to_arrays(tree: PyTree) -> dict[str, np.ndarray]:
    """The leaves of a tree as NumPy arrays by their path; random keys as the integers that they are made of."""
    tree = whole(jax.tree.map(lambda leaf: jax.random.key_data(leaf) if _is_key(leaf) else leaf, tree))
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in leaves}


def from_arrays(arrays: dict[str, np.ndarray], like: PyTree, rows: int | None = None) -> PyTree:
    """The inverse of `to_arrays`: a tree of the structure of `like`.

    Args:
        arrays: by their path.
        like: a tree of the same structure and shapes.
        rows: so many rows are in the arrays; the last one is repeated up to the number in `like`. None: all are there.

    Raises:
        ValueError: an array is missing or has another shape or type.
    """

    def pick(path, leaf):
        plain = jax.eval_shape(jax.random.key_data, leaf) if _is_key(leaf) else leaf
        found = arrays.get(jax.tree_util.keystr(path))
        kept = plain.shape if rows is None else (rows, *plain.shape[1:])
        if found is None or (found.shape, found.dtype) != (kept, plain.dtype):
            raise ValueError(f"{jax.tree_util.keystr(path)} is missing or has another shape")
        if rows is not None:
            found = np.concatenate([found, np.repeat(found[-1:], plain.shape[0] - rows, axis=0)])
        return jax.random.wrap_key_data(jax.numpy.asarray(found)) if _is_key(leaf) else found

    return jax.tree_util.tree_map_with_path(pick, like)


def digest(arrays: dict[str, np.ndarray]) -> str:
    """A checksum over names, types, shapes and every bit of the contents."""
    total = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        total.update(f"{name} {array.dtype} {array.shape}".encode())
        total.update(array.tobytes())
    return total.hexdigest()


def _is_key(leaf: Any) -> bool:
    return jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key)
