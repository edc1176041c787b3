"""The cells as the GPU computes them: each gate an array of its own, [H, B], one time step each.

What `fused_cells` has as rows of one array is a list here, gate by gate: a kernel can cut an array into equal parts
only. What is kept of a gate for the way back is its value.

Blocks: an LSTM has i, f, g, o, each the sum of a part from the inputs and one from the hidden state. A GRU has r, z, n
from the inputs and r, z, hn from the hidden state; hn = U_n h + b_hn is what the reset gate scales. Both have four.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from lstm_jax.axes import Array
from lstm_jax.recurrent.cells import HiddenState, LSTMState, State, sigmoid

NUM_BLOCKS = 4

type Blocks = Sequence[Array]


class GPUCell(NamedTuple):
    """One kind of cell, gate by gate, in both directions of time.

    Fields:
        input_blocks: which of the four blocks have a part from the inputs, in the order of the weights.
        hidden_blocks: which have one from the hidden state.
        activate: (parts from the inputs with their biases, parts from the hidden state, state before) -> (state after,
            what is kept: four blocks).
        differentiate: (what was kept, memory after, memory before, derivative by the state after) -> (derivatives by
            the four blocks, derivative by the state before as far as it does not pass through them). Memory is the
            last field of the state: the cell of an LSTM, the hidden state of a GRU.
    """

    input_blocks: tuple[int, ...]
    hidden_blocks: tuple[int, ...]
    activate: Callable[[Blocks, Blocks, Any], tuple[Any, Blocks]]
    differentiate: Callable[[Blocks, Array, Array, Any], tuple[Blocks, Any]]

    def step(
        self, from_inputs: Blocks, before: State, reset: Array | None, multiply: Callable[[Array], Blocks]
    ) -> tuple[State, Blocks]:
        """The state after a step, and what is kept; `multiply` makes of the hidden state its part in the blocks."""
        before = without_past(reset, before)
        return self.activate(from_inputs, multiply(before.hidden), before)

    def step_back(
        self,
        kept: Blocks,
        memories: tuple[Array, Array],
        reset: Array | None,
        d_after: State,
        multiply: Callable[[Blocks], Array],
    ) -> tuple[Blocks, State]:
        """The derivatives by the blocks and by the state before a time step.

        Args:
            kept: by `step`.
            memories: after and before the time step, the latter as it was before a reset.
            reset: where the state was set to zero; None: nowhere.
            d_after: derivative by the state after the time step.
            multiply: makes of the derivatives by `hidden_blocks` that by the hidden state.
        """
        after, before = memories
        blocks, d_before = self.differentiate(kept, after, without_past(reset, before), d_after)
        through = multiply([blocks[number] for number in self.hidden_blocks])
        return blocks, without_past(reset, d_before._replace(hidden=d_before.hidden + through))


def without_past[Tree](reset: Array | None, tree: Tree) -> Tree:
    """Zeros in the columns in which a new sequence begins."""
    return tree if reset is None else jax.tree.map(lambda leaf: jnp.where(reset, jnp.zeros_like(leaf), leaf), tree)


def _activate_lstm(from_inputs: Blocks, from_hidden: Blocks, before: LSTMState) -> tuple[LSTMState, Blocks]:
    i, f, g, o = (one + other for one, other in zip(from_inputs, from_hidden, strict=True))
    i, f, g, o = sigmoid(i), sigmoid(f), jnp.tanh(g), sigmoid(o)
    cell = f * before.cell + i * g
    return LSTMState(o * jnp.tanh(cell), cell), [i, f, g, o]


def _differentiate_lstm(kept: Blocks, cell: Array, cell_before: Array, d_after: LSTMState) -> tuple[Blocks, LSTMState]:
    i, f, g, o = kept
    d_hidden, cell_tanh = d_after.hidden, jnp.tanh(cell)
    d_cell = d_after.cell + d_hidden * o * (1 - cell_tanh * cell_tanh)
    blocks = [
        d_cell * g * i * (1 - i),
        d_cell * cell_before * f * (1 - f),
        d_cell * i * (1 - g * g),
        d_hidden * cell_tanh * o * (1 - o),
    ]
    return blocks, LSTMState(jnp.zeros_like(d_cell), d_cell * f)


def _activate_gru(from_inputs: Blocks, from_hidden: Blocks, before: HiddenState) -> tuple[HiddenState, Blocks]:
    r, z = (sigmoid(one + other) for one, other in zip(from_inputs[:2], from_hidden[:2], strict=True))
    recalled = from_hidden[2]
    n = jnp.tanh(from_inputs[2] + r * recalled)
    return HiddenState(n + z * (before.hidden - n)), [r, z, n, recalled]


def _differentiate_gru(
    kept: Blocks, hidden: Array, hidden_before: Array, d_after: HiddenState
) -> tuple[Blocks, HiddenState]:
    r, z, n, recalled = kept
    d_hidden = d_after.hidden
    d_n = d_hidden * (1 - z) * (1 - n * n)
    blocks = [d_n * recalled * r * (1 - r), d_hidden * (hidden_before - n) * z * (1 - z), d_n, d_n * r]
    return blocks, HiddenState(d_hidden * z)


GPU_CELLS = {
    "lstm": GPUCell((0, 1, 2, 3), (0, 1, 2, 3), _activate_lstm, _differentiate_lstm),
    "gru": GPUCell((0, 1, 2), (0, 1, 3), _activate_gru, _differentiate_gru),
}
