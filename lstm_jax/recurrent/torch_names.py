"""The names and shapes of PyTorch's arrays: those of a layer, and what is missing or unexpected among them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lstm_jax.recurrent.cells import CELLS
from lstm_jax.recurrent.flax_cells import RecurrentCell
from lstm_jax.recurrent.sequences import described
from lstm_jax.recurrent.stack import RecurrentStack

ARRAYS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def check_prefix(prefix: Any) -> None:
    """Raises a ValueError where it is no string."""
    if not isinstance(prefix, str):
        raise ValueError(f'prefix must be a string, such as "encoder.", or "" for none, not {described(prefix)}')


def under(state_dict: Any, prefix: str) -> dict[str, np.ndarray]:
    """The arrays whose names begin with the prefix, by the rest of their names."""
    check_prefix(prefix)
    if not isinstance(state_dict, Mapping):
        given = type(state_dict).__name__
        raise ValueError(f"expected a state dict, such as safetensors.numpy.load_file(path) gives, not {given}")
    arrays = {name.removeprefix(prefix): value for name, value in state_dict.items() if name.startswith(prefix)}
    for name, value in arrays.items():
        if name.startswith("weight_hr_l"):
            raise ValueError(
                f"{prefix}{name}, shape {list(np.shape(value))}: a projection (proj_size) has no counterpart here; "
                "the output of a layer must be its hidden state"
            )
    return {name: np.asarray(value) for name, value in arrays.items()}


def suffixes(rnn: RecurrentStack) -> dict[str, RecurrentCell]:
    """The cells of a layer by what PyTorch puts behind the names of their arrays."""
    directions = ("", "_reverse")[: rnn.num_directions]
    ends = [f"_l{layer}{end}" for layer in range(len(rnn.cells) // rnn.num_directions) for end in directions]
    return dict(zip(ends, rnn.cells, strict=True))


def shapes(cell: RecurrentCell) -> dict[str, tuple[int, ...]]:
    """Those of the arrays of one cell."""
    rows = CELLS[cell.kind].num_gates * cell.hidden_features
    return dict(zip(ARRAYS, ((rows, cell.in_features), (rows, cell.hidden_features), (rows,), (rows,)), strict=True))


def hint(state_dict: Mapping[str, Any], prefix: str) -> str:
    """What to do where the layer's names stand in the mapping under another prefix."""
    prefixes = [name.removesuffix("weight_ih_l0") for name in state_dict if name.endswith("weight_ih_l0")]
    others = [repr(other) for other in prefixes if other != prefix]
    return f" There are such layers under the prefixes {', '.join(others)}." if others else ""


def check_names(rnn: RecurrentStack, arrays: Mapping[str, np.ndarray], prefix: str, advice: str) -> None:
    """Raises a ValueError where one is missing or not of this layer; says which, and gives the advice."""
    biased = any(name.startswith("bias_") for name in arrays)
    expected = {
        f"{name}{suffix}": shape
        for suffix, cell in suffixes(rnn).items()
        for name, shape in shapes(cell).items()
        if biased or name.startswith("weight_")
    }
    missing = [f"missing {prefix}{name} {list(shape)}" for name, shape in expected.items() if name not in arrays]
    unexpected = [f"unexpected {prefix}{name} {list(a.shape)}" for name, a in arrays.items() if name not in expected]
    if missing or unexpected:
        raise ValueError(
            f"{type(rnn).__name__} with {len(rnn.cells)} cells (layers x directions): "
            f"{', '.join(missing + unexpected)}.{advice}"
        )
