"""What is kept of the gates for the way back: the numbers of XLA's passes in the order in which the kernel writes them.

That is [T, vectors of columns, H, gates, lanes]: what one step of the kernel computes lies together. A few columns, and
XLA's passes, have rows [T, gates·H, B].
"""

import jax
import jax.numpy as jnp

from lstm_jax.axes import Array, PyTree

GATES = 4
"""Kept of a unit: i, f, g and o of an LSTM; n, r, z and the recalled part of a GRU."""


def shape(time: int, units: int, columns: int, lanes: int) -> tuple[int, ...]:
    """The shape in which the kernel keeps the gates.

    Args:
        time: T.
        units: H.
        columns: B.
        lanes: columns in a vector; 0: there are few columns, and no vectors of them.
    """
    return (time, -(-columns // lanes), units, GATES, lanes) if lanes else (time, GATES * units, columns)


def from_rows(rows: PyTree, lanes: int) -> Array:
    """The kernel's order of what XLA's forward pass keeps: one array [T, 4·H, B], or several that together are it."""
    joined = jnp.concatenate(jax.tree.leaves(rows), axis=1)
    if not lanes:
        return joined
    time, height, columns = joined.shape
    filled = jnp.pad(joined, ((0, 0), (0, 0), (0, -columns % lanes)))
    return jnp.transpose(filled.reshape(time, GATES, height // GATES, -1, lanes), (0, 3, 2, 1, 4))


def to_rows(kind: str, kept: Array, columns: int, lanes: int) -> PyTree:
    """What XLA's backward pass of this kind of cell takes, from the kernel's order."""
    rows = kept
    if lanes:
        time, _, units, _, _ = kept.shape
        rows = jnp.transpose(kept, (0, 3, 2, 1, 4)).reshape(time, GATES * units, -1)[..., :columns]
    units = rows.shape[1] // GATES
    return rows if kind == "lstm" else tuple(jnp.split(rows, [units, 3 * units], axis=1))
