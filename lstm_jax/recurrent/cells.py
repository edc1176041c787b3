"""The gate equations, one time step at a time, written as the papers write them: W x + U h + b.

Each step is a pure function `step(weights, state, inputs) -> state`. Sequences are columns, inputs [D, B] and state
[H, B], so that the product with a weight matrix stands as in the equations, and each gate is a block of rows.
Axes: see `lstm_jax.axes`.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp

from lstm_jax.axes import Array
from lstm_jax.recurrent.sequences import check_floating, check_shape


class LSTMState(NamedTuple):
    """What an LSTM carries from step to step: hidden (its output) and cell (its memory).

    [H, B] in the equations below, [B, H] in the layers, [..., H] in their cells.
    """

    hidden: Array
    cell: Array


class HiddenState(NamedTuple):
    """What a GRU or an Elman network carries from step to step: hidden, which is also its output.

    Axes as in `LSTMState`.
    """

    hidden: Array


type State = LSTMState | HiddenState


class Weights(NamedTuple):
    """The parameters of one recurrent layer: input [G·H, D], hidden [G·H, H], bias [G·H] (GRU: [4·H])."""

    input: Array
    hidden: Array
    bias: Array


def product(weights: Array, columns: Array) -> Array:
    """W x in the precision of the weights, added up in at least float32: [R, F], [F, B] to [R, B].

    So weights in bfloat16 make for fast products, while states and gates keep the precision of the state.
    """
    total = jnp.promote_types(weights.dtype, jnp.float32)
    return jnp.matmul(weights, columns.astype(weights.dtype), preferred_element_type=total)


def sigmoid(x: Array) -> Array:
    """σ(x) = 1 / (1 + exp(-x)), by way of tanh, for which XLA has the faster code."""
    return 0.5 + 0.5 * jnp.tanh(0.5 * x)


def lstm_step(weights: Weights, state: LSTMState, inputs: Array) -> LSTMState:
    """One step of a long short-term memory with a forget gate.

        i, f, g, o = σ, σ, tanh, σ of  W x + U h + b
        c' = f ⊙ c + i ⊙ g
        h' = o ⊙ tanh c'

    Args:
        weights: W = input [4·H, D], U = hidden [4·H, H], b = bias [4·H]; gate order i, f, g, o.
        state: hidden and cell, [H, B] each.
        inputs: [D, B].

    Returns:
        The next state, [H, B] each.

    Source: Gers, Schmidhuber and Cummins, Learning to Forget (2000), without peepholes; gate order of PyTorch and Flax.
    """
    gates = product(weights.input, inputs) + product(weights.hidden, state.hidden) + weights.bias[:, None]
    i, f, g, o = jnp.split(gates, 4)
    cell = sigmoid(f) * state.cell + sigmoid(i) * jnp.tanh(g)
    return LSTMState(sigmoid(o) * jnp.tanh(cell), cell)


def gru_step(weights: Weights, state: HiddenState, inputs: Array) -> HiddenState:
    """One step of a gated recurrent unit, the reset gate applied after the product.

        r, z = σ of  W x + U h + b
        n  = tanh(W_n x + b_n + r ⊙ (U_n h + b_hn))
        h' = (1 - z) ⊙ n + z ⊙ h

    Args:
        weights: W = input [3·H, D], U = hidden [3·H, H], gate order r, z, n; bias [4·H] in the order r, z, n, hn.
        state: hidden [H, B].
        inputs: [D, B].

    Returns:
        The next state, [H, B].

    Source: Cho et al. (2014), equations 5-8; the order of reset and product is that of PyTorch, cuDNN and Flax.
    """
    width = state.hidden.shape[0]
    from_input = product(weights.input, inputs) + weights.bias[: 3 * width, None]
    from_hidden = product(weights.hidden, state.hidden)
    gates = sigmoid(from_input[: 2 * width] + from_hidden[: 2 * width])
    reset, update = jnp.split(gates, 2)
    recalled = from_hidden[2 * width :] + weights.bias[3 * width :, None]
    new = jnp.tanh(from_input[2 * width :] + reset * recalled)
    return HiddenState((1 - update) * new + update * state.hidden)


def simple_step(weights: Weights, state: HiddenState, inputs: Array) -> HiddenState:
    """One step of an Elman network: h' = tanh(W x + U h + b).

    Args:
        weights: W = input [H, D], U = hidden [H, H], b = bias [H].
        state: hidden [H, B].
        inputs: [D, B].

    Returns:
        The next state, [H, B].

    Source: Elman, Finding Structure in Time (1990).
    """
    total = product(weights.input, inputs) + product(weights.hidden, state.hidden) + weights.bias[:, None]
    return HiddenState(jnp.tanh(total))


class Cell(NamedTuple):
    """What a layer must know of a kind of cell: its equations, how many blocks its weights have, its state."""

    step: Callable[[Weights, Any, Array], Any]
    num_gates: int
    num_biases: int
    forget_gate: int | None
    state_type: type[LSTMState] | type[HiddenState]

    def zero_state(self, *shape: int, dtype: Any = jnp.float32) -> State:
        """The state before the first time step: zeros of the given shape.

        Raises:
            ValueError: the type has no fractions, so that no state could be kept in it.
        """
        check_floating("dtype", dtype)
        return self.state_type(*(jnp.zeros(shape, dtype) for _ in self.state_type._fields))

    def check_fit(self, weights: Weights, inputs: Array, state: State, resets: Array | None) -> None:
        """Raises a ValueError where arrays do not belong together: as the weights of a network of another size do.

        Args:
            weights: should fit the inputs and the state.
            inputs: [T, D, B].
            state: should fit the inputs, [H, B] each.
            resets: should fit the inputs, [T, B]; None: there are none.
        """
        time, features, batch = inputs.shape
        units, gates = state.hidden.shape[0], f"{self.num_gates}·H" if self.num_gates > 1 else "H"
        biases = f"[{self.num_biases}·H]" if self.num_biases > 1 else "[H]"
        members = "; are these the members of an ensemble? Call it under jax.vmap or nnx.vmap"
        hint = members if weights.input.ndim > 2 else ""
        check_shape("input_kernel", weights.input, f"[{gates}, D]", (self.num_gates * units, features), hint)
        check_shape("hidden_kernel", weights.hidden, f"[{gates}, H]", (self.num_gates * units, units))
        check_shape("bias", weights.bias, biases, (self.num_biases * units,))
        for name, leaf in state._asdict().items():
            check_shape(f"state.{name}", leaf, "[H, B]", (units, batch))
        if resets is not None:
            check_shape("resets", resets, "[T, B]", (time, batch))


CELLS: dict[str, Cell] = {
    "lstm": Cell(lstm_step, 4, 4, 1, LSTMState),
    "gru": Cell(gru_step, 3, 4, None, HiddenState),
    "rnn": Cell(simple_step, 1, 1, None, HiddenState),
}
