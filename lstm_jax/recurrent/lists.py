"""What may be given as a list: as an array, or refused by its name."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lstm_jax.axes import Array
from lstm_jax.recurrent.sequences import check_shape, described


def listed(name: str, given: Any, expected: str) -> Any:
    """A list as an array, anything else as it came; a ValueError where the list makes no array of numbers."""
    if not isinstance(given, Sequence):
        return given
    leaves = jax.tree.leaves(given, is_leaf=lambda leaf: leaf is None)
    strange = sorted({type(leaf).__name__ for leaf in leaves if leaf is None or isinstance(leaf, str | bytes)})
    if strange:
        raise ValueError(f"{name}: expected {expected}, not {' and '.join(strange)}")
    # NumPy keeps int64; what is traced only JAX can put together.
    library = jnp if any(isinstance(leaf, jax.core.Tracer) for leaf in leaves) else np
    try:
        return library.asarray(given)
    except ValueError as error:
        raise ValueError(f"{name}: expected {expected}, not lists of different lengths") from error


def checked_lengths_and_resets(lengths: Any, resets: Any, batch: int, time: int) -> tuple[Array | None, Array | None]:
    """Both as arrays, if need be; a ValueError where lengths are not integers [B], or resets no truth values [B, T]."""
    return (
        _checked("lengths", lengths, "integers", np.integer, "[B]", (batch,)),
        _checked("resets", resets, "truth values (bool)", np.bool_, "[B, T]", (batch, time)),
    )


def _checked(name: str, given: Any, what: str, kind: Any, axes: str, shape: tuple[int, ...]) -> Array | None:
    if given is None:
        return None
    array = listed(name, given, f"{what} {axes}")
    if not hasattr(array, "shape"):
        raise ValueError(f"{name}: expected {what} {axes}, not {described(array)}")
    if array is not given and not array.size:  # a list of nothing says neither a type nor what axes follow
        array = np.zeros(array.shape if len(given) or shape[0] else shape, bool if kind is np.bool_ else int)
    check_shape(name, array, axes, shape)
    if not jnp.issubdtype(array.dtype, kind):
        raise ValueError(f"{name}: expected {what}, not {array.dtype}")
    return array
