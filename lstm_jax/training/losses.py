"""What a loss of a slice of the batch may be: a mean, or a sum and what all sums together are divided by."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lstm_jax.axes import Array, PyTree

PAIR = (jnp.floating, jnp.number)
"""Kinds of numbers of a sum and of its divisor, which may be a count."""


def sum_and_divisor(result: Any) -> tuple[Array, Array | None]:
    """What a loss returned: a scalar, and no divisor, or a pair of scalars. A divisor is one of at least float32.

    Raises:
        ValueError: it is neither; says what it is.
    """
    parts, kinds = (result, PAIR) if isinstance(result, tuple) else ((result,), PAIR[:1])
    if len(parts) != len(kinds) or not all(map(_is_scalar, parts, kinds)):
        raise ValueError(
            "the loss must return a scalar, or a pair of scalars (sum, divisor), the first a floating-point number, "
            f"not {_described(result)}"
        )
    total, *divisors = map(jnp.asarray, parts)
    # In the type of the sum a count would be rounded: bfloat16 has no 257.
    return total, divisors[0].astype(jnp.promote_types(total.dtype, jnp.float32)) if divisors else None


def divided(tree: PyTree, divisor: Array) -> PyTree:
    """All leaves divided, in at least float32, and rounded to their own types."""
    return jax.tree.map(lambda leaf: (leaf / divisor).astype(leaf.dtype), tree)


def _is_scalar(number: Any, kind: Any) -> bool:
    numeric = isinstance(number, jax.Array | np.ndarray | np.generic | float | int)
    return numeric and jnp.shape(number) == () and jnp.issubdtype(jnp.result_type(number), kind)


def _described(result: Any) -> str:
    if isinstance(result, tuple):
        return f"({', '.join(map(_described, result))}{',' * (len(result) == 1)})"
    if hasattr(result, "shape") and hasattr(result, "dtype"):
        return f"{result.dtype}{list(result.shape)}"
    return type(result).__name__
