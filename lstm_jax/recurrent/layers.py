"""The recurrent layers as Flax modules: stacks of cells over whole sequences."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from lstm_jax.axes import Array
from lstm_jax.recurrent import fused, scan
from lstm_jax.recurrent.cells import CELLS, LSTMState, State
from lstm_jax.recurrent.flax_cells import (
    GRUCell,
    Initializer,
    LSTMCell,
    RecurrentCell,
    SimpleCell,
    glorot_uniform,
)
from lstm_jax.recurrent.sequences import at_length, check_axis, reverse_time

IMPLEMENTATIONS = ("auto", "scan", "fused")


class Run(NamedTuple):
    """What one layer did in one direction: the state after the last symbol [H, B], the states over time [T, H, B]."""

    final: State
    states: State


class RecurrentStack(nnx.Module):
    """Layers of one kind of cell over whole sequences: the common part of LSTM, GRU and SimpleRNN.

    Args:
        in_features: D, numbers a symbol.
        hidden_features: H, units a layer and direction.
        num_layers: layers, each reading the outputs of the one below.
        bidirectional: adds a second set of layers that read each sequence from its end; outputs are then [B, T, 2·H].
        impl: `scan` is the textbook, `fused` the fast path (LSTM only so far), `auto` the fast path where there is one.
        kernel_init: see RecurrentCell.
        forget_bias: see RecurrentCell.
        rngs: the source of the initial weights.

    Raises:
        ValueError: a size below one, an unknown `impl`, or `impl="fused"` for a cell that has no fused path.

    Call it as `outputs, state = rnn(inputs, initial_state=None, lengths=None)`.
    """

    cell_type: type[RecurrentCell]

    def __init__(
        self,
        in_features: int,
        hidden_features: int,
        num_layers: int = 1,
        bidirectional: bool = False,
        *,
        impl: str = "auto",
        kernel_init: Initializer = glorot_uniform,
        forget_bias: float = 1.0,
        rngs: nnx.Rngs,
    ):
        if num_layers < 1:
            raise ValueError(f"num_layers must be at least 1, not {num_layers}")
        if impl not in IMPLEMENTATIONS:
            raise ValueError(f"impl must be one of {', '.join(IMPLEMENTATIONS)}, not {impl}")
        if impl == "fused" and self.cell_type is not LSTMCell:
            raise ValueError(f'{self.cell_type.__name__} has no fused path: use impl="scan"')
        self.impl, self.num_directions = impl, 2 if bidirectional else 1
        cells = []
        for layer in range(num_layers):
            features = in_features if layer == 0 else hidden_features * self.num_directions
            for _ in range(self.num_directions):
                cells.append(
                    self.cell_type(
                        features, hidden_features, kernel_init=kernel_init, forget_bias=forget_bias, rngs=rngs
                    )
                )
        self.cells = nnx.List(cells)

    def __call__(
        self, inputs: Array, initial_state: tuple[State, ...] | None = None, lengths: Array | None = None
    ) -> tuple[Array, tuple[State, ...]]:
        """Reads whole sequences.

        Args:
            inputs: [B, T, D].
            initial_state: one state a layer and direction (forward, backward), [B, H] each; zeros where it is None.
            lengths: [B] integers, symbols of each sequence that count, those above T as T; None: all of them.

        Returns:
            The outputs of the top layer, [B, T, H] or [B, T, 2·H], without meaning beyond a sequence's length; and one
            state a layer and direction, after the last symbol that counts, [B, H] each.

        Raises:
            ValueError: names the axis of the inputs that is wrong, what it is and what was expected.
        """
        if inputs.ndim != 3:
            raise ValueError(f"inputs must be [B, T, D], three axes, not {inputs.ndim}: shape {inputs.shape}")
        check_axis("inputs", inputs, -1, "D (features)", self.cells[0].in_features)
        if initial_state is not None:
            self._check_state(initial_state, inputs.shape[0])
            initial_state = tuple(self._state_type(*map(jnp.transpose, state)) for state in initial_state)
        runs = self.run(jnp.transpose(inputs, (1, 2, 0)), initial_state, lengths)
        outputs = jnp.concatenate([run.states.hidden for run in runs[-self.num_directions :]], axis=1)
        final = tuple(jax.tree.map(jnp.transpose, run.final) for run in runs)
        return jnp.transpose(outputs, (2, 0, 1)), final

    def run(
        self, inputs: Array, initial_state: tuple[State, ...] | None = None, lengths: Array | None = None
    ) -> list[Run]:
        """The states of every layer (and direction) over time, in the layout in which they are computed: batch last.

        Args:
            inputs: [T, D, B].
            initial_state: one state a layer and direction, [H, B] each; zeros where it is None.
            lengths: [B], symbols of each sequence that count; None: all of them.
        """
        runs: list[Run] = []
        for number, cell in enumerate(self.cells):
            direction = number % self.num_directions
            if number and direction == 0:
                below = [run.states.hidden for run in runs[-self.num_directions :]]
                inputs = jnp.concatenate(below, axis=1)
            if initial_state is None:
                dtype = jnp.result_type(inputs, cell.bias[...])
                start = CELLS[cell.kind].zero_state(cell.hidden_features, inputs.shape[-1], dtype=dtype)
            else:
                start = initial_state[number]
            runs.append(self._run_one(cell, inputs, start, lengths, backward=direction == 1))
        return runs

    @property
    def _state_type(self) -> type[State]:
        return CELLS[self.cell_type.kind].state_type

    def _check_state(self, initial_state: tuple[State, ...], batch: int) -> None:
        fields, expected = self._state_type._fields, (batch, self.cells[0].hidden_features)
        if len(initial_state) != len(self.cells) or isinstance(initial_state, self._state_type):
            raise ValueError(
                f"initial_state: expected a tuple of {len(self.cells)}, one {self._state_type.__name__} a layer and "
                f"direction, not {type(initial_state).__name__} of {len(initial_state)}"
            )
        for number, state in enumerate(initial_state):
            shapes = [jnp.shape(leaf) for leaf in jax.tree.leaves(state)]
            if shapes != [expected] * len(fields):
                raise ValueError(
                    f"initial_state[{number}]: expected {' and '.join(fields)} of shape [B, H] = {list(expected)} "
                    f"each, not {shapes}"
                )

    def _run_one(self, cell: RecurrentCell, inputs: Array, start: State, lengths: Array | None, backward: bool) -> Run:
        if backward:
            inputs = reverse_time(inputs, lengths)
        final: State
        states: State
        if isinstance(start, LSTMState) and self.impl != "scan":
            final, states = fused.unroll_lstm(cell.weights, inputs, start)
        else:
            final, states = scan.unroll(CELLS[cell.kind], cell.weights, inputs, start)
        if lengths is not None:
            final = jax.tree.map(lambda leaf, first: at_length(leaf, lengths, first), states, start)
        if backward:
            states = jax.tree.map(lambda leaf: reverse_time(leaf, lengths), states)
        return Run(final, states)


class LSTM(RecurrentStack):
    """Long short-term memory over whole sequences, LSTMState a layer and direction; see RecurrentStack."""

    cell_type = LSTMCell


class GRU(RecurrentStack):
    """Gated recurrent units over whole sequences, HiddenState a layer and direction; see RecurrentStack."""

    cell_type = GRUCell


class SimpleRNN(RecurrentStack):
    """Elman networks over whole sequences, HiddenState a layer and direction; see RecurrentStack."""

    cell_type = SimpleCell


LAYERS: dict[str, type[RecurrentStack]] = {"lstm": LSTM, "gru": GRU, "rnn": SimpleRNN}
