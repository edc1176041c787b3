"""Columns of a matrix, some of them several times, and the derivative of that: the kernel's gather and scatter.

XLA's need rows, and take 110 us to bring 1,000 columns of 48 numbers there and back, a tenth of what the columns are
for; these take 25.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp

from lstm_jax.axes import Array
from lstm_jax.recurrent.native import build, passes
from lstm_jax.recurrent.varying import vary_alike


def take(matrix: Array, places: Array) -> Array:
    """The columns at these places, [..., N] and places [B] to [..., B]; by XLA where there is no kernel for them.

    A place that is not there is taken for the nearest one that is. Forward-mode derivatives are not for the kernel.
    """
    matrix, places = vary_alike((matrix, jnp.clip(places, 0, matrix.shape[-1] - 1).astype(jnp.int32)))
    if passes.available() and matrix.dtype in (jnp.float32, jnp.float64):
        return _take(matrix.shape[-1], matrix, places)
    return jnp.take(matrix, places, axis=-1)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _take(width: int, matrix: Array, places: Array) -> Array:
    return _call("take_columns", width, len(places), matrix, places)


def _take_and_keep(width: int, matrix: Array, places: Array) -> tuple[Array, Array]:
    return _take(width, matrix, places), places


def _add(width: int, places: Array, derivative: Array) -> tuple[Array, None]:
    return _call("add_columns", width, width, derivative, places), None


_take.defvjp(_take_and_keep, _add)


def _call(target: str, width: int, columns: int, matrix: Array, places: Array) -> Array:
    result = jax.ShapeDtypeStruct((*matrix.shape[:-1], columns), matrix.dtype)
    call: Callable[..., Array] = jax.ffi.ffi_call(build.target_name(target), result, vmap_method="sequential")
    # JAX takes what comes from outside for equal on all devices of a `jax.shard_map`.
    return vary_alike((matrix, call(matrix, places, width=width)))[1]
