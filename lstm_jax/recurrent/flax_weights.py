"""Cells of Flax as cells of this library, and back: the same numbers, differently laid out.

Flax keeps a kernel as [D, G·H] in an nnx.Linear, or one [D, H] a gate; here it is [G·H, D]. Its cells have one bias, on
the product with the hidden state (LSTM) or with the input (GRU, Elman); its GRU has none on the recalled state.
Source: the equations in `flax.nnx.nn.recurrent`.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from lstm_jax.axes import Array
from lstm_jax.recurrent.cells import CELLS
from lstm_jax.recurrent.flax_cells import GRUCell, LSTMCell, RecurrentCell, SimpleCell


class FlaxPlaces(NamedTuple):
    """Where a cell of Flax keeps its weights: the names of its nnx.Linear, each list in the order of the gates."""

    cell_type: type[RecurrentCell]
    input: tuple[str, ...]
    hidden: tuple[str, ...]
    bias: tuple[str, ...]


FLAX_PLACES: dict[type[nnx.RNNCellBase], FlaxPlaces] = {
    nnx.OptimizedLSTMCell: FlaxPlaces(LSTMCell, ("dense_i",), ("dense_h",), ("dense_h",)),
    nnx.LSTMCell: FlaxPlaces(LSTMCell, ("ii", "if_", "ig", "io"), ("hi", "hf", "hg", "ho"), ("hi", "hf", "hg", "ho")),
    nnx.GRUCell: FlaxPlaces(GRUCell, ("dense_i",), ("dense_h",), ("dense_i",)),
    nnx.SimpleCell: FlaxPlaces(SimpleCell, ("dense_i",), ("dense_h",), ("dense_i",)),
}
SIGMOIDS, TANHS = (nnx.sigmoid, jax.nn.sigmoid, jax.lax.logistic), (nnx.tanh, jnp.tanh, jax.lax.tanh)


def from_flax(cell: nnx.RNNCellBase) -> RecurrentCell:
    """The cell of this library that computes what a cell of Flax does.

    Args:
        cell: an nnx.OptimizedLSTMCell, nnx.LSTMCell, nnx.GRUCell or nnx.SimpleCell.

    Returns:
        An LSTMCell, GRUCell or SimpleCell with copies of the weights, in their dtype. An LSTM's carry is
        LSTMState(hidden, cell) here and (cell, hidden) there. A `dtype` is kept (in an nnx.SimpleCell, which always
        has one, where it is not that of the parameters); Flax rounds states and gates to it as well, which are kept in
        at least float32 here.

    Raises:
        ValueError: no cell or another kind of one, or an option of it that has no counterpart here; names the option.
    """
    if isinstance(cell, type):
        raise ValueError(f"from_flax: expected an instance such as nnx.GRUCell(...), not the class {cell.__name__}")
    places = _places(type(cell))
    _check_options(cell)
    source: Any = cell
    zeros = nnx.initializers.zeros
    # An Elman cell of Flax has a dtype even if none is given, that of the parameters.
    given = not isinstance(cell, nnx.SimpleCell) or source.dtype != source.param_dtype
    ours = places.cell_type(
        source.in_features,
        source.hidden_features,
        kernel_init=zeros,
        dtype=source.dtype if given else None,
        param_dtype=source.param_dtype,
        rngs=nnx.Rngs(0),
    )
    for param, names in ((ours.input_kernel, places.input), (ours.hidden_kernel, places.hidden)):
        _fill(param, [getattr(source, name).kernel[...].T for name in names])
    biases = [getattr(source, name).bias[...] for name in places.bias]
    kind = CELLS[ours.kind]
    without = (kind.num_biases - kind.num_gates) * ours.hidden_features
    _fill(ours.bias, [*biases, jnp.zeros(without, biases[0].dtype)])
    return ours


def to_flax(cell: RecurrentCell, cell_type: type[nnx.RNNCellBase]) -> nnx.RNNCellBase:
    """The cell of Flax that computes what a cell of this library does.

    Args:
        cell: an LSTMCell, GRUCell or SimpleCell.
        cell_type: what to make of it: nnx.OptimizedLSTMCell or nnx.LSTMCell, nnx.GRUCell, nnx.SimpleCell.

    Returns:
        A cell of that type with copies of the weights, in their dtype.

    Raises:
        ValueError: it is no cell, such as a layer, or none of these types, a type with other equations, or a GRU whose
            bias on the recalled state, the last H numbers of `bias`, is not zero: Flax has no place for it.
    """
    _check_cell(cell)
    places = _places(cell_type)
    if places.cell_type.kind != cell.kind:
        raise ValueError(f"{type(cell).__name__} has other equations than {cell_type.__name__} of Flax")
    gates = CELLS[cell.kind].num_gates * cell.hidden_features
    weights = cell.weights
    if np.any(weights.bias[gates:]):
        raise ValueError(
            f"bias: its last {cell.hidden_features} numbers (the recalled state, h_n) must be zero, not "
            f"{weights.bias[gates:]}: {cell_type.__name__} of Flax has no such bias; use the cell itself, in nnx.RNN"
        )
    make: Any = cell_type
    zeros = nnx.initializers.zeros
    theirs = make(
        cell.in_features,
        cell.hidden_features,
        kernel_init=zeros,
        recurrent_kernel_init=zeros,
        dtype=cell.dtype,
        param_dtype=weights.bias.dtype,
        rngs=nnx.Rngs(0),
    )
    for names, kernel in ((places.input, weights.input), (places.hidden, weights.hidden)):
        for name, rows in zip(names, jnp.split(kernel, len(names)), strict=True):
            _fill(getattr(theirs, name).kernel, [rows.T])
    for name, rows in zip(places.bias, jnp.split(weights.bias[:gates], len(places.bias)), strict=True):
        _fill(getattr(theirs, name).bias, [rows])
    return theirs


def _check_cell(cell: Any) -> None:
    if not isinstance(cell, RecurrentCell):
        hint = "; a layer has its cells in `cells`" if hasattr(cell, "cells") else ""
        raise ValueError(f"to_flax: expected an LSTMCell, GRUCell or SimpleCell, not {type(cell).__name__}{hint}")


def _places(cell_type: Any) -> FlaxPlaces:
    if not isinstance(cell_type, type):
        raise ValueError(f"expected a type such as nnx.GRUCell, not an instance of {type(cell_type).__name__}")
    # A subclass may have other equations, so the type itself must be known.
    if cell_type not in FLAX_PLACES:
        known = ", ".join(f"nnx.{known.__name__}" for known in FLAX_PLACES)
        hint = ", such as its `cell`: write rnn.cell" if cell_type is nnx.RNN else ""
        name = f"{cell_type.__module__}.{cell_type.__name__}"
        raise ValueError(f"no counterpart for {name}; there is one for {known}{hint}")
    return FLAX_PLACES[cell_type]


def _check_options(cell: Any) -> None:
    """Raises a ValueError where a cell of Flax does what no cell of this library can."""
    name, dtype = type(cell).__name__, jnp.dtype(cell.param_dtype)
    if getattr(cell, "gate_fn", nnx.sigmoid) not in SIGMOIDS:
        raise ValueError(f"{name}: gate_fn must be nnx.sigmoid, not {cell.gate_fn}")
    if cell.activation_fn not in TANHS:
        raise ValueError(f"{name}: activation_fn must be nnx.tanh, not {cell.activation_fn}")
    if getattr(cell, "residual", False):
        raise ValueError(f"{name}: residual must be False; no cell here adds its state before the tanh")
    if cell.carry_init is not None:
        raise ValueError(f"{name}: carry_init must be None; states start at zero here, or at the one you pass")
    for path, param in nnx.to_flat_state(nnx.state(cell, nnx.Param)):
        if param.dtype != dtype:
            where = ".".join(map(str, path))
            raise ValueError(f"{name}: {where} has dtype {param.dtype}, but param_dtype, that of its carry, is {dtype}")


def _fill(param: nnx.Param, parts: list[Array]) -> None:
    """Gives a parameter the rows of all parts, one after another, as a copy with their dtype."""
    value = jnp.concatenate(parts)
    if value.shape != param.shape:
        raise ValueError(f"weights have shape {list(value.shape)}, expected {list(param.shape)}: one cell at a time")
    param.set_value(value)
