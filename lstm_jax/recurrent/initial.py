"""The parameters with which a cell begins: what initialisers draw, as the equations read it."""

import dataclasses
import numbers
from collections.abc import Callable
from types import EllipsisType
from typing import Any

import jax.numpy as jnp
from flax import nnx

from lstm_jax.axes import Array
from lstm_jax.recurrent.cells import Cell, Weights
from lstm_jax.recurrent.lists import listed
from lstm_jax.recurrent.sequences import check_array, check_fractions, check_real, check_shape, described

type Initializer = Callable[..., Array]

PARTITIONS = ("out_sharding", "sharding", "sharding_names")
"""Where Flax's metadata has a name for each axis; the last two are older."""

type ForgetBias = Array | float | EllipsisType | None
"""A number or one for each unit, [H]; ...: 1; None: what `bias_init` draws."""


def check_rngs(rngs: Any) -> None:
    """Raises a ValueError where it is another source of randomness than Flax's."""
    if not isinstance(rngs, nnx.Rngs):
        raise ValueError(f"rngs: expected nnx.Rngs, not {described(rngs)}; write rngs=nnx.Rngs(0)")


def checked_forget_bias(forget_bias: Any, units: int) -> ForgetBias:
    """The same, a list as an array; a ValueError where it is neither a number nor one for each unit."""
    if forget_bias is None or forget_bias is ...:
        return forget_bias
    expected = f"a number, or [H] = [{units}]"
    forget_bias = listed("forget_bias", forget_bias, expected)
    if not isinstance(forget_bias, numbers.Number) and not hasattr(forget_bias, "shape"):
        raise ValueError(f"forget_bias: expected {expected}, not {described(forget_bias)}")
    if jnp.shape(forget_bias) not in ((), (units,)):
        raise ValueError(f"forget_bias: expected {expected}, not {list(jnp.shape(forget_bias))}")
    check_real("forget_bias", forget_bias)
    return forget_bias


def check_initializer(name: str, init: Any) -> None:
    """Raises a ValueError where it cannot be called."""
    if not callable(init):
        raise ValueError(f"{name} must be a function of (key, shape, dtype), not {described(init)}")


def check_drawn(name: str, array: Any, axes: str, *shape: int) -> None:
    """Raises a ValueError where an initialiser gives no fractions of the shape that it was asked for."""
    array = array.raw_value if isinstance(array, nnx.VariableMetadata) else array
    check_array(name, array, axes)
    check_shape(name, array, axes, shape)
    check_fractions(name, array)


def changed(drawn: Any, change: Callable[[Array], Array]) -> Any:
    """Another array of what an initialiser has drawn, with the metadata that `nnx.with_metadata` gave it, if any."""
    if isinstance(drawn, nnx.VariableMetadata):
        return dataclasses.replace(drawn, raw_value=change(drawn.raw_value))
    return change(drawn)


def transposed(drawn: Any) -> Any:
    """A kernel that an initialiser has drawn with its axes swapped, and with them the names that partition it."""
    drawn = changed(drawn, lambda kernel: kernel.T)
    if isinstance(drawn, nnx.VariableMetadata):
        names = {key: drawn.metadata[key] for key in PARTITIONS if drawn.metadata.get(key)}
        # A partition may name fewer axes than there are: the others are whole.
        swapped = {key: (*axes, None, None)[1::-1] for key, axes in names.items()}
        drawn = dataclasses.replace(drawn, metadata={**drawn.metadata, **swapped})
    return drawn


def checked_replacement(weights: Any, own: Weights) -> Weights:
    """The same, lists as arrays; a ValueError where parameters that are to replace a cell's own have other shapes."""
    if not isinstance(weights, tuple | list) or len(weights) != len(own):
        raise ValueError(f"weights: expected Weights({', '.join(own._fields)}), not {described(weights)}")
    biases = "[G·H]" if own.bias.shape[-1] == own.hidden.shape[-2] else "[4·H]"
    arrays = []
    for name, axes, new, old in zip(own._fields, ("[G·H, D]", "[G·H, H]", biases), weights, own, strict=True):
        array = listed(f"weights.{name}", new, f"numbers {axes}")
        check_array(f"weights.{name}", array, axes)
        check_shape(f"weights.{name}", array, axes, old.shape)
        arrays.append(array)
    return Weights(*arrays)


def initial_weights(
    cell: Cell,
    in_features: int,
    hidden_features: int,
    kernel_init: Initializer,
    recurrent_kernel_init: Initializer | None,
    bias_init: Initializer,
    forget_bias: ForgetBias,
    dtype: Any,
    rngs: nnx.Rngs,
) -> Weights:
    """Draws a cell's parameters; the arguments are those of RecurrentCell.

    Raises:
        ValueError: an initialiser is no function or gives another shape than it was asked for, `forget_bias` is of the
            wrong length, or `rngs` is none.
    """
    check_rngs(rngs)
    forget_bias = checked_forget_bias(forget_bias, hidden_features)

    def drawn(name: str, init: Initializer, axes: str, *shape: int) -> Any:
        check_initializer(name, init)
        array = init(rngs.params(), shape, dtype)
        check_drawn(name, array, axes, *shape)
        return array

    columns = cell.num_gates * hidden_features
    if recurrent_kernel_init is None:
        both = drawn("kernel_init", kernel_init, "[D + H, G·H]", in_features + hidden_features, columns)
        kernel, recurrent_kernel = (
            changed(both, lambda kernel: kernel[:in_features]),
            changed(both, lambda kernel: kernel[in_features:]),
        )
    else:
        kernel = drawn("kernel_init", kernel_init, "[D, G·H]", in_features, columns)
        recurrent_kernel = drawn("recurrent_kernel_init", recurrent_kernel_init, "[H, G·H]", hidden_features, columns)
    biases = "[G·H]" if cell.num_biases == cell.num_gates else f"[{cell.num_biases}·H]"
    bias = drawn("bias_init", bias_init, biases, cell.num_biases * hidden_features)
    if cell.forget_gate is not None and forget_bias is not None:
        begin = 1.0 if forget_bias is ... else forget_bias
        gate = slice(cell.forget_gate * hidden_features, (cell.forget_gate + 1) * hidden_features)
        bias = changed(bias, lambda bias: jnp.asarray(bias).at[gate].set(begin))
    return Weights(transposed(kernel), transposed(recurrent_kernel), bias)
