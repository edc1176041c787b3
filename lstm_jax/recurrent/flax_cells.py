"""The cells as Flax modules: parameters with their initial values, usable in `nnx.RNN` and `nnx.Bidirectional`."""

import functools
from typing import Any, TypedDict

import jax
import jax.numpy as jnp
from flax import nnx

from lstm_jax.axes import Array
from lstm_jax.recurrent.cells import CELLS, Cell, State, Weights
from lstm_jax.recurrent.initial import ForgetBias, Initializer, checked_replacement, initial_weights
from lstm_jax.recurrent.sequences import check_array, check_axis, check_carry, check_floating, check_sizes
from lstm_jax.recurrent.unroll import Run, Unrolling, run, unroll
from lstm_jax.recurrent.varying import vary_everywhere

glorot_uniform = nnx.initializers.glorot_uniform()
zeros = nnx.initializers.zeros_init()


class CellOptions(TypedDict, total=False):
    """How a cell begins and computes; RecurrentCell explains each."""

    kernel_init: Initializer
    recurrent_kernel_init: Initializer | None
    bias_init: Initializer
    forget_bias: ForgetBias
    dtype: Any
    param_dtype: Any


class RecurrentCell(nnx.RNNCellBase):
    """One step of a recurrent layer with its parameters: the common part of LSTMCell, GRUCell and SimpleCell.

    Args:
        in_features: D, features per time step.
        hidden_features: H, units.
        kernel_init: draws the weights of the inputs, [D, G·H]; without a `recurrent_kernel_init` both matrices as one
            [D + H, G·H], as TensorFlow does. What is drawn is stored transposed.
        recurrent_kernel_init: draws the weights of the hidden state, [H, G·H].
        bias_init: draws the biases, [G·H] (GRU: [4·H], the last H inside the reset gate's reach).
        forget_bias: initial bias of the forget gate, a number or one for each unit, [H]; 1 if it is not given; None
            leaves it to `bias_init`. Refused by cells that have no such gate.
        dtype: what the products are computed in, and the type of the outputs; None: that of inputs and parameters.
            States and gates are kept in at least float32, so that `dtype=jnp.bfloat16` counts beyond 256.
        param_dtype: type of the parameters.
        rngs: the source of the initial weights.

    Raises:
        ValueError: a size that is no integer or below one, an initialiser that gives another shape, `rngs` that are no
            nnx.Rngs, or a `forget_bias` of the wrong length, or where there is no forget gate.

    Call it as `carry, output = cell(carry, inputs)` with inputs [..., D]; the output is the next hidden state [..., H].
    """

    kind: str

    def __init__(
        self,
        in_features: int,
        hidden_features: int,
        *,
        kernel_init: Initializer = glorot_uniform,
        recurrent_kernel_init: Initializer | None = None,
        bias_init: Initializer = zeros,
        forget_bias: ForgetBias = ...,
        dtype: Any = None,
        param_dtype: Any = jnp.float32,
        rngs: nnx.Rngs,
    ):
        check_sizes(in_features, hidden_features)
        check_floating("dtype", dtype)
        check_floating("param_dtype", param_dtype)
        if self.cell.forget_gate is None and forget_bias is not None and forget_bias is not ...:
            raise ValueError(f"forget_bias: {type(self).__name__} has no forget gate; leave it out, or use bias_init")
        self.in_features, self.hidden_features = in_features, hidden_features
        self.dtype, self.param_dtype = dtype, param_dtype
        weights = initial_weights(
            self.cell,
            in_features,
            hidden_features,
            kernel_init,
            recurrent_kernel_init,
            bias_init,
            forget_bias,
            param_dtype,
            rngs,
        )
        self.input_kernel, self.hidden_kernel, self.bias = map(nnx.Param, weights)

    @property
    def cell(self) -> Cell:
        """The equations."""
        return CELLS[self.kind]

    def compute_dtype(self, inputs: Array) -> Any:
        """What the products with these inputs are computed in."""
        return jnp.result_type(inputs, self.bias[...]) if self.dtype is None else self.dtype

    def state_dtype(self, inputs: Array) -> Any:
        """What states and gates are kept in: at least float32."""
        return jnp.promote_types(jnp.promote_types(self.compute_dtype(inputs), self.bias[...].dtype), jnp.float32)

    @property
    def weights(self) -> Weights:
        """The parameters as plain arrays, for the pure functions of `cells`, `scan` and `fused`."""
        return Weights(self.input_kernel[...], self.hidden_kernel[...], self.bias[...])

    def set_weights(self, weights: Weights) -> None:
        """Takes other parameters, rounded to the types of those it has.

        Raises:
            ValueError: they are no Weights, or one has another shape.
        """
        weights = checked_replacement(weights, self.weights)
        for param, value in zip((self.input_kernel, self.hidden_kernel, self.bias), weights, strict=True):
            param[...] = jnp.array(value, param.dtype)

    def weights_for(self, inputs: Array) -> Weights:
        """The parameters in the types in which they compute with these inputs."""
        kernel, recurrent_kernel, bias = self.weights
        dtype = self.compute_dtype(inputs)
        return Weights(kernel.astype(dtype), recurrent_kernel.astype(dtype), bias.astype(self.state_dtype(inputs)))

    def __call__(self, carry: State, inputs: Array) -> tuple[State, Array]:  # type: ignore[override]
        """The next state, of the type of `carry`, and the output, its hidden part.

        Args:
            carry: hidden (and cell), [..., H] each.
            inputs: [..., D].

        Raises:
            ValueError: names the axis that is wrong, what it is and what was expected.
        """
        check_array("inputs", inputs, "[..., D]")
        check_axis("inputs", inputs, -1, "D (features)", self.in_features)
        check_carry(carry, self.cell.state_type, (*inputs.shape[:-1], self.hidden_features))
        carry = self.cell.state_type(*carry)
        columns = jax.tree.map(lambda leaf: leaf.reshape(-1, leaf.shape[-1]).T, (carry, inputs))
        state = self.step(columns[1], columns[0])
        state = jax.tree.map(lambda leaf, old: leaf.T.reshape(old.shape).astype(old.dtype), state, carry)
        return state, state.hidden.astype(self.compute_dtype(inputs))

    def step(self, inputs: Array, state: State) -> State:
        """The next state [H, B] after inputs [D, B]: the pure step with these parameters."""
        return self.cell.step(self.weights_for(inputs), state, inputs)

    def run(
        self,
        how: Unrolling,
        inputs: Array,
        start: State,
        lengths: Array | None = None,
        resets: Array | None = None,
        *,
        backward: bool = False,
    ) -> Run:
        """The states over whole sequences, batch last: `unroll.run` with these parameters, in their types."""
        start = jax.tree.map(lambda leaf: leaf.astype(self.state_dtype(inputs)), start)
        weights, inputs = self.weights_for(inputs), inputs.astype(self.compute_dtype(inputs))
        apply = functools.partial(unroll, self.kind, how)
        return run(apply, weights, inputs, start, lengths, resets, backward=backward)

    def initialize_carry(self, input_shape: tuple[int, ...], rngs: Any = None) -> State:  # type: ignore[override]
        """The state before the first time step, zeros [..., H], for inputs [..., D] no wider than the parameters."""
        dtype = self.state_dtype(self.bias[...])
        return vary_everywhere(self.cell.zero_state(*input_shape[:-1], self.hidden_features, dtype=dtype))

    @property
    def num_feature_axes(self) -> int:
        """How many trailing axes of the inputs are features: one."""
        return 1


class LSTMCell(RecurrentCell):
    """One step of an LSTM, `cells.lstm_step`: inputs [..., D] and carry LSTMState(hidden, cell), [..., H] each.

    Arguments and errors: see RecurrentCell. Source: Gers et al., Learning to Forget (2000).
    """

    kind = "lstm"


class GRUCell(RecurrentCell):
    """One step of a GRU, `cells.gru_step`: inputs [..., D] and carry HiddenState(hidden), [..., H] each.

    Arguments and errors: see RecurrentCell. Source: Cho et al. (2014).
    """

    kind = "gru"


class SimpleCell(RecurrentCell):
    """One step of an Elman network, `cells.simple_step`: inputs [..., D] and carry HiddenState(hidden), [..., H] each.

    Arguments and errors: see RecurrentCell. Source: Elman, Finding Structure in Time (1990).
    """

    kind = "rnn"
