"""The cells as Flax modules: parameters with their initial values, usable in `nnx.RNN` and `nnx.Bidirectional`."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from lstm_jax.axes import Array
from lstm_jax.recurrent.cells import CELLS, State, Weights
from lstm_jax.recurrent.sequences import check_axis

type Initializer = Callable[..., Array]

glorot_uniform = nnx.initializers.glorot_uniform()


class RecurrentCell(nnx.RNNCellBase):
    """One step of a recurrent layer with its parameters: the common part of LSTMCell, GRUCell and SimpleCell.

    Args:
        in_features: D, numbers a symbol.
        hidden_features: H, units.
        kernel_init: draws both weight matrices as one [D + H, G·H], as TensorFlow does, and stores it transposed.
        forget_bias: initial bias of the forget gate, where the cell has one.
        rngs: the source of the initial weights.

    Raises:
        ValueError: a size below one.

    Call it as `carry, output = cell(carry, inputs)` with inputs [..., D]; the output is the next hidden state [..., H].
    """

    kind: str

    def __init__(
        self,
        in_features: int,
        hidden_features: int,
        *,
        kernel_init: Initializer = glorot_uniform,
        forget_bias: float = 1.0,
        rngs: nnx.Rngs,
    ):
        if in_features < 1 or hidden_features < 1:
            raise ValueError(
                f"in_features and hidden_features must be at least 1, not {in_features}, {hidden_features}"
            )
        self.in_features, self.hidden_features = in_features, hidden_features
        cell, width = CELLS[self.kind], hidden_features
        kernel = kernel_init(rngs.params(), (in_features + width, cell.num_gates * width))
        bias = jnp.zeros(cell.num_biases * width)
        if cell.forget_gate is not None:
            gate = slice(cell.forget_gate * width, (cell.forget_gate + 1) * width)
            bias = bias.at[gate].set(forget_bias)
        self.input_kernel = nnx.Param(kernel[:in_features].T)
        self.hidden_kernel = nnx.Param(kernel[in_features:].T)
        self.bias = nnx.Param(bias)

    @property
    def weights(self) -> Weights:
        """The parameters as plain arrays, for the pure functions of `cells`, `scan` and `fused`."""
        return Weights(self.input_kernel[...], self.hidden_kernel[...], self.bias[...])

    def __call__(self, carry: State, inputs: Array) -> tuple[State, Array]:  # type: ignore[override]
        """The next state, and the output, which is its hidden part: inputs [..., D], carry and output [..., H]."""
        check_axis("inputs", inputs, -1, "D (features)", self.in_features)
        cell = CELLS[self.kind]
        carry = cell.state_type(*carry)
        columns = jax.tree.map(lambda leaf: leaf.reshape(-1, leaf.shape[-1]).T, (carry, inputs))
        state = cell.step(self.weights, *columns)
        state = jax.tree.map(lambda leaf, old: leaf.T.reshape(old.shape), state, carry)
        return state, state.hidden

    def initialize_carry(self, input_shape: tuple[int, ...], rngs: Any = None) -> State:  # type: ignore[override]
        """The state before the first symbol, zeros [..., H], for inputs of shape [..., D]."""
        cell, dtype = CELLS[self.kind], self.bias[...].dtype
        return cell.zero_state(*input_shape[:-1], self.hidden_features, dtype=dtype)

    @property
    def num_feature_axes(self) -> int:
        """How many trailing axes of the inputs are features: one."""
        return 1


class LSTMCell(RecurrentCell):
    """One step of an LSTM (`cells.lstm_step`); see RecurrentCell for arguments and shapes."""

    kind = "lstm"


class GRUCell(RecurrentCell):
    """One step of a GRU (`cells.gru_step`); see RecurrentCell for arguments and shapes."""

    kind = "gru"


class SimpleCell(RecurrentCell):
    """One step of an Elman network (`cells.simple_step`); see RecurrentCell for arguments and shapes."""

    kind = "rnn"
