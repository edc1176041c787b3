"""Sequences of different lengths in one array: where each ends, how it reads backwards, what shape it must have."""

import jax.numpy as jnp

from lstm_jax.axes import Array


def check_axis(name: str, array: Array, axis: int, meaning: str, expected: int) -> None:
    """Raises a ValueError that names the axis, its size and the size that was expected."""
    if array.shape[axis] != expected:
        raise ValueError(
            f"{name}: axis {axis}, {meaning}, has size {array.shape[axis]}, expected {expected}; shape {array.shape}"
        )


def at_length(sequence: Array, lengths: Array, first: Array) -> Array:
    """What stands after the last symbol that counts.

    Args:
        sequence: [T, H, B], one entry after each symbol.
        lengths: [B], symbols that count; those above T count as T.
        first: [H, B], the entry before the first symbol: the answer for a length of zero.

    Returns:
        [H, B].
    """
    last = jnp.clip(lengths - 1, 0, sequence.shape[0] - 1).astype(jnp.int32)
    picked = jnp.take_along_axis(sequence, last[None, None, :], axis=0)[0]
    return jnp.where(lengths > 0, picked, first)


def reverse_time(sequence: Array, lengths: Array | None) -> Array:
    """Reverses each sequence, [T, F, B], within its length; what lies beyond the length stays where it is."""
    if lengths is None:
        return jnp.flip(sequence, axis=0)
    lengths = jnp.clip(lengths, 0, sequence.shape[0])
    steps = jnp.arange(sequence.shape[0])[:, None]
    source = jnp.where(steps < lengths, lengths - 1 - steps, steps)
    return jnp.take_along_axis(sequence, source[:, None, :], axis=0)
