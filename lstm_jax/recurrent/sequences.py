"""Sequences of different lengths in one array: where each ends, how it reads backwards, what shape it must have."""

import numbers
import warnings
from typing import Any

import flax
import jax.export
import jax.numpy as jnp

from lstm_jax.axes import Array

INSIDE = (*flax.__path__, __file__.rpartition("sequences")[0])
"""Where files lie that make layers for others: a warning is about the line that asked for one."""


def check_layers(num_layers: int, dropout_rate: float | None) -> None:
    """Raises a ValueError where one of them is out of range; warns where nothing would be dropped."""
    check_integer("num_layers", num_layers, 1)
    number = isinstance(dropout_rate, numbers.Real) or getattr(dropout_rate, "shape", None) == ()
    if not number or not 0 <= dropout_rate < 1:  # type: ignore[operator]
        raise ValueError(f"dropout_rate must be at least 0 and below 1, not {dropout_rate!r}")
    if dropout_rate and num_layers == 1:
        warnings.warn(
            f"dropout_rate={dropout_rate} has no effect with num_layers=1, it drops between layers: give num_layers=2 "
            "or more, leave it out, or apply nnx.Dropout to the outputs",
            skip_file_prefixes=INSIDE,
        )


def check_sizes(in_features: int, hidden_features: int) -> None:
    """Raises a ValueError where one of them is no integer or below one."""
    check_integer("in_features", in_features, 1)
    check_integer("hidden_features", hidden_features, 1)


def check_integer(name: str, value: Any, least: int) -> None:
    """Raises a ValueError where a value is no integer, or below the least; True and False are none."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise ValueError(f"{name} must be an integer, not {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, not {value}")


def check_batch(batch: Any) -> None:
    """Raises a ValueError where it is no number of sequences: an integer or a dimension that `jax.export` has named."""
    if not jax.export.is_symbolic_dim(batch):
        check_integer("batch", batch.item() if getattr(batch, "shape", None) == () else batch, 0)


def check_floating(name: str, dtype: Any) -> None:
    """Raises a ValueError where a type, unless it is None, has no fractions."""
    if dtype is not None and not jnp.issubdtype(dtype, jnp.floating):
        raise ValueError(f"{name} must be a floating-point type, not {jnp.dtype(dtype).name}")


def check_axis(name: str, array: Array, axis: int, meaning: str, expected: int) -> None:
    """Raises a ValueError that names the axis, its size and the size that was expected."""
    if jnp.ndim(array) == 0 or array.shape[axis] != expected:
        size = array.shape[axis] if jnp.ndim(array) else "none"
        raise ValueError(
            f"{name}: axis {axis}, {meaning}, has size {size}, expected {expected}; shape {jnp.shape(array)}"
        )


def check_array(name: str, array: Any, axes: str) -> None:
    """Raises a ValueError where it is no array, such as a list, or one of complex numbers."""
    if not hasattr(array, "shape"):
        raise ValueError(f"{name} must be an array {axes}, not {described(array)}")
    check_real(name, array)


def check_real(name: str, array: Any) -> None:
    """Raises a ValueError where numbers are complex."""
    if jnp.iscomplexobj(array):
        raise ValueError(f"{name} must be real numbers, not {jnp.result_type(array).name}")


def check_fractions(name: str, array: Any) -> None:
    """Raises a ValueError where numbers are not floating point."""
    if not jnp.issubdtype(jnp.result_type(array), jnp.floating):
        raise ValueError(f"{name} must be floating point, not {jnp.result_type(array).name}")


def check_inputs(inputs: Array, axes: str, features: int) -> None:
    """Raises a ValueError where inputs do not have these axes, the last of them that of the features."""
    expected = len(axes.split())
    check_array("inputs", inputs, axes)
    if jnp.ndim(inputs) != expected:
        raise ValueError(f"inputs must be {axes}, {expected} axes, not {jnp.ndim(inputs)}: shape {jnp.shape(inputs)}")
    check_axis("inputs", inputs, -1, "D (features)", features)


def check_shape(name: str, array: Array, axes: str, expected: tuple[int, ...], hint: str = "") -> None:
    """Raises a ValueError that names the axes, the shape and the one that was expected, and ends with the hint."""
    if jnp.shape(array) != expected:
        raise ValueError(f"{name}: expected {axes} = {list(expected)}, not {list(jnp.shape(array))}{hint}")


def check_states(name: str, states: Any, kind: type[tuple[Any, ...]], count: int, shape: tuple[int, int]) -> None:
    """Raises a ValueError where there is not one state of this kind per layer and direction, of shape [B, H]."""
    one = _written(kind)
    write = f"{name}=({', '.join([one] * min(count, 2))}{', ...' if count > 2 else ',' if count == 1 else ''})"
    if not _has(states, count) or isinstance(states, kind):
        raise ValueError(
            f"{name}: expected a tuple of {count}, one {kind.__name__} per layer and direction, not "
            f"{described(states)}; write {write}"
        )
    for number, state in enumerate(states):
        check_state(f"{name}[{number}]", state, kind, "[B, H]", shape, write)


def check_state(
    name: str, state: Any, kind: type[tuple[Any, ...]], axes: str, shape: tuple[int, ...], write: str | None = None
) -> None:
    """Raises a ValueError where the state of one cell is not of this kind, or an array of it not of this shape."""
    fields: tuple[str, ...] = kind._fields  # type: ignore[attr-defined]
    if not _has(state, len(fields)):
        expected = f"{kind.__name__} of {' and '.join(fields)}, {axes}{' each' * (len(fields) > 1)}"
        write = write or f"{name}={_written(kind)}"
        raise ValueError(f"{name}: expected {expected}, not {described(state)}; write {write}")
    for field, leaf in zip(fields, state, strict=True):
        check_array(f"{name}.{field}", leaf, axes)
        check_shape(f"{name}.{field}", leaf, axes, shape)


def check_carry(carry: Any, kind: type[tuple[Any, ...]], shape: tuple[int, ...]) -> None:
    """Raises a ValueError as check_state, and where an array has no fractions: the next carry is of the same type."""
    check_state("carry", carry, kind, "[..., H]", shape)
    for field, leaf in zip(kind._fields, carry, strict=True):  # type: ignore[attr-defined]
        check_fractions(f"carry.{field}", leaf)


def _written(kind: Any) -> str:
    return f"{kind.__name__}({', '.join(kind._fields)})"


def _has(state: Any, count: int) -> bool:
    return isinstance(state, tuple | list) and len(state) == count


def described(state: Any) -> str:
    """What somebody gave, for a message."""
    if isinstance(state, tuple | list):
        return f"{type(state).__name__} of {len(state)}"
    return f"an array {list(state.shape)}" if hasattr(state, "shape") else type(state).__name__


def within(sequence: Array, lengths: Array) -> Array:
    """The sequence, [T, F, B], with zeros in place of what lies beyond the lengths [B], whatever stands there."""
    counts = jnp.arange(sequence.shape[0])[:, None, None] < lengths[None, None]
    return jnp.where(counts, sequence, jnp.zeros((), sequence.dtype))


def at_length(sequence: Array, lengths: Array, first: Array) -> Array:
    """What stands after the last time step that counts.

    Args:
        sequence: [T, H, B], one entry after each time step.
        lengths: [B] int32, time steps that count; those above T count as T.
        first: [H, B], the entry before the first time step: the answer for a length of zero.

    Returns:
        [H, B].
    """
    last = jnp.clip(lengths - 1, 0, sequence.shape[0] - 1)
    picked = jnp.take_along_axis(sequence, last[None, None, :], axis=0)[0]
    return jnp.where(lengths[None] > 0, picked, first)


def reverse_time(sequence: Array, lengths: Array) -> Array:
    """Reverses each sequence, [T, F, B], within its length [B] int32; what lies beyond the length stays where it is."""
    lengths = jnp.clip(lengths, 0, sequence.shape[0])[None]
    steps = jnp.arange(sequence.shape[0])[:, None]
    source = jnp.where(steps < lengths, lengths - 1 - steps, steps)
    return jnp.take_along_axis(sequence, source[:, None, :], axis=0)
