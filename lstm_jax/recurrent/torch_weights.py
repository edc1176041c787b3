"""Weights of PyTorch's nn.LSTM, nn.GRU and nn.RNN, in and out, as a mapping of names to arrays.

PyTorch names them `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0`, one set a layer, and one more with
`_reverse` behind for the second direction. Gates, layers and directions stand in the same order there as here. PyTorch
adds two biases; here there is one, their sum, but for the new state of a GRU, where the reset gate stands between them.
Source: the equations in PyTorch's documentation of nn.LSTM, nn.GRU and nn.RNN.
"""

import re
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from lstm_jax.recurrent.cells import CELLS, Weights
from lstm_jax.recurrent.flax_cells import RecurrentCell
from lstm_jax.recurrent.layers import LAYERS
from lstm_jax.recurrent.stack import RecurrentStack
from lstm_jax.recurrent.torch_names import ARRAYS, check_names, check_prefix, hint, shapes, suffixes, under

OPTIONS = ("dropout_rate", "impl", "remat", "truncate", "dtype", "param_dtype", "rngs")
"""Of a layer's, those that its weights leave open."""


def from_torch(state_dict: Mapping[str, Any], prefix: str = "", cell: str = "lstm", **options: Any) -> RecurrentStack:
    """A layer with the weights of a PyTorch module; sizes, layers and directions are read off names and shapes.

    Args:
        state_dict: see load_torch.
        prefix: see load_torch.
        cell: `lstm` for nn.LSTM, `gru` for nn.GRU, `rnn` for nn.RNN with its default tanh.
        options: passed on to the layer: `dropout_rate`, `impl`, `remat`, `truncate`, `dtype`, `param_dtype`, `rngs`.
            Without a `param_dtype` that of the arrays is kept (in JAX double precision needs `jax_enable_x64`).

    Raises:
        ValueError: an unknown `cell`, another option, or weights that are not those of one such module; names what is
            wrong.
    """
    if cell not in CELLS:
        raise ValueError(f"cell must be one of {', '.join(CELLS)}, not {cell}")
    for name in options:
        if name not in OPTIONS:
            raise ValueError(
                f"from_torch: {name} is no option, the weights say how large a layer is and how it begins; "
                f"options are {', '.join(OPTIONS)}"
            )
    arrays = under(state_dict, prefix)
    for name in ("weight_ih_l0", "weight_hh_l0"):
        if name not in arrays:
            raise ValueError(f"{prefix}{name} is missing, of shape [G·H, D or H].{hint(state_dict, prefix)}")
        if arrays[name].ndim != 2:
            raise ValueError(f"{prefix}{name}: shape {list(arrays[name].shape)}, expected two axes, [G·H, D or H]")
    _check_kind(cell, arrays["weight_ih_l0"].shape, arrays["weight_hh_l0"].shape[1], f"{prefix}weight_ih_l0")
    stored = arrays["weight_ih_l0"].dtype
    kept = {"param_dtype": jax.dtypes.canonicalize_dtype(stored)} if jnp.issubdtype(stored, jnp.floating) else {}
    rnn = LAYERS[cell](
        arrays["weight_ih_l0"].shape[1],
        arrays["weight_hh_l0"].shape[1],
        num_layers=sum(re.fullmatch(r"weight_ih_l\d+", name) is not None for name in arrays),
        bidirectional=any(name.endswith("_reverse") for name in arrays),
        **{"rngs": nnx.Rngs(0)} | kept | options,
    )
    load_torch(rnn, state_dict, prefix)
    return rnn


def load_torch(rnn: RecurrentStack, state_dict: Mapping[str, Any], prefix: str = "") -> None:
    """Puts the weights of a PyTorch module into a layer, which is left as it was where they do not fit.

    Args:
        rnn: an LSTM, GRU or SimpleRNN, whose parameters keep their dtype.
        state_dict: arrays by their names, as `safetensors.numpy.load_file` gives them: weight_ih_l* [G·H, D],
            weight_hh_l* [G·H, H], bias_ih_l* and bias_hh_l* [G·H]. No biases at all (`bias=False`) count as zeros.
        prefix: what stands before these names, dot included: `"encoder.lstm."`. Other names are passed over.

    Raises:
        ValueError: it is no layer, a name is missing or unexpected, a shape is wrong, numbers are not floating point,
            or the module has a projection (`proj_size`); names the array, its shape and what was expected.
    """
    _check_layer("load_torch", rnn)
    arrays = under(state_dict, prefix)
    check_names(rnn, arrays, prefix, hint(state_dict, prefix))
    weights = [_weights(cell, suffix, arrays, prefix) for suffix, cell in suffixes(rnn).items()]
    for cell, new in zip(rnn.cells, weights, strict=True):
        cell.set_weights(new)


def to_torch(rnn: RecurrentStack, prefix: str = "") -> dict[str, np.ndarray]:
    """The weights of a layer under PyTorch's names, for `save_file` and there `load_state_dict(strict=True)`.

    Args:
        rnn: an LSTM, GRU or SimpleRNN.
        prefix: put before every name, dot included.

    Returns:
        Copies with the dtype of the parameters, shapes as in load_torch. What PyTorch splits into two biases is all in
        bias_ih, and bias_hh is zero there.

    Raises:
        ValueError: it is no layer, or its parameters have further axes, as those of an ensemble under `vmap` have.
    """
    _check_layer("to_torch", rnn)
    check_prefix(prefix)
    state_dict: dict[str, np.ndarray] = {}
    for suffix, cell in suffixes(rnn).items():
        weight_ih, weight_hh, bias = (np.array(value) for value in cell.weights)
        if weight_ih.ndim != 2:
            raise ValueError(f"to_torch: weights of shape {list(weight_ih.shape)}, expected [G·H, D]; take one member")
        gates, shared = _bias_rows(cell)
        bias_hh = np.concatenate([np.zeros(shared, bias.dtype), bias[gates:]])
        values = (weight_ih, weight_hh, bias[:gates].copy(), bias_hh)
        state_dict |= {f"{prefix}{name}{suffix}": value for name, value in zip(ARRAYS, values, strict=True)}
    return state_dict


def _check_layer(function: str, rnn: Any) -> None:
    if not isinstance(rnn, RecurrentStack):
        raise ValueError(f"{function}: expected an LSTM, GRU or SimpleRNN, not {type(rnn).__name__}")


def _check_kind(cell: str, shape: tuple[int, ...], units: int, name: str) -> None:
    """Raises a ValueError where the weights of the inputs have as many rows as those of another kind of cell."""
    fitting = [kind for kind in CELLS if CELLS[kind].num_gates * units == shape[0]]
    if fitting and cell not in fitting:
        expected = [CELLS[cell].num_gates * units, shape[1]]
        raise ValueError(
            f"{name}: shape {list(shape)}, expected {expected} = [G·H, D] with H = {units} and G = "
            f'{CELLS[cell].num_gates}; {shape[0]} rows are those of another cell: write cell="{fitting[0]}"'
        )


def _bias_rows(cell: RecurrentCell) -> tuple[int, int]:
    """G·H, how many rows each of the two biases has there, and how many of these are one sum here."""
    kind, width = CELLS[cell.kind], cell.hidden_features
    return kind.num_gates * width, (2 * kind.num_gates - kind.num_biases) * width


def _weights(cell: RecurrentCell, suffix: str, arrays: Mapping[str, np.ndarray], prefix: str) -> Weights:
    """The parameters of one cell from its arrays, in double precision: biases are rounded once, after the addition."""
    values = {}
    for name, shape in shapes(cell).items():
        value = arrays.get(f"{name}{suffix}", np.zeros(shape))
        if value.shape != shape:
            axes = {"weight_ih": "[G·H, D]", "weight_hh": "[G·H, H]"}.get(name, "[G·H]")
            raise ValueError(
                f"{prefix}{name}{suffix}: shape {list(value.shape)}, expected {list(shape)} = {axes} with D = "
                f"{cell.in_features}, H = {cell.hidden_features} and G = {CELLS[cell.kind].num_gates} "
                "(G is 4 for nn.LSTM, 3 for nn.GRU, 1 for nn.RNN)"
            )
        if not jnp.issubdtype(value.dtype, jnp.floating):
            raise ValueError(
                f"{prefix}{name}{suffix}: dtype {value.dtype}, expected floating point; shape {list(shape)}"
            )
        values[name] = value.astype(np.float64)
    (_, shared), bias_ih, bias_hh = _bias_rows(cell), values["bias_ih"], values["bias_hh"]
    bias = np.concatenate([bias_ih[:shared] + bias_hh[:shared], bias_ih[shared:], bias_hh[shared:]])
    return Weights(values["weight_ih"], values["weight_hh"], bias)
