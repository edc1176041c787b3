"""Stacks of recurrent cells over whole sequences, as Flax modules."""

from typing import Any, Unpack

import jax
import jax.numpy as jnp
from flax import nnx

from lstm_jax.axes import Array
from lstm_jax.recurrent.cells import State
from lstm_jax.recurrent.flax_cells import CellOptions, RecurrentCell
from lstm_jax.recurrent.lists import checked_lengths_and_resets
from lstm_jax.recurrent.sequences import check_batch, check_inputs, check_layers, check_states
from lstm_jax.recurrent.unroll import Run, Unrolling
from lstm_jax.recurrent.varying import vary_everywhere


class RecurrentStack(nnx.Module):
    """Layers of one kind of cell over whole sequences: the common part of LSTM, GRU, SimpleRNN and FlaxLSTM.

    Args:
        in_features: D, features per time step.
        hidden_features: H, units per layer and direction.
        num_layers: layers, each reading the outputs of the one below.
        bidirectional: adds a second set of layers that read each sequence from its end; outputs are then [B, T, 2·H].
        dropout_rate: share of the outputs between two layers that is dropped in training, as in PyTorch; a single layer
            warns that there is nothing between. `rnn.eval()` switches it off; under `jax.jit` instead of `nnx.jit` each
            call drops the same ones.
        impl: `scan` is the textbook, `fused` the fast path (LSTM and GRU), `auto` the fast path where there is one.
        remat: time steps per segment of which only the first state is kept for the backward pass, which then computes
            the segment anew (rematerialisation, `jax.checkpoint`): memory for long sequences. 0: everything is kept.
        truncate: time steps per chunk; no gradient flows into the chunk before it (truncated back-propagation through
            time). 0: gradients flow to the first time step.
        rngs: the source of the initial weights, and of the dropout.
        **cell_options: kernel_init, recurrent_kernel_init, bias_init, forget_bias, dtype, param_dtype: see
            RecurrentCell.

    Raises:
        ValueError: a size or count that is no integer or too small, a rate outside 0 <= rate < 1, an unknown `impl`,
            `impl="fused"` for a cell that has no fused path, or `forget_bias` for one that has no forget gate.

    Call it as `outputs, state = rnn(inputs, initial_state=None, lengths=None, resets=None)`.
    """

    cell_type: type[RecurrentCell]

    def __init__(
        self,
        in_features: int,
        hidden_features: int,
        num_layers: int = 1,
        bidirectional: bool = False,
        *,
        dropout_rate: float = 0.0,
        impl: str = "auto",
        remat: int = 0,
        truncate: int = 0,
        rngs: nnx.Rngs,
        **cell_options: Unpack[CellOptions],
    ):
        check_layers(num_layers, dropout_rate)
        self.unrolling = Unrolling(impl, remat, truncate)
        self.unrolling.check(self.cell_type.kind)
        self.num_directions = 2 if bidirectional else 1
        cells = []
        for layer in range(num_layers):
            features = in_features if layer == 0 else hidden_features * self.num_directions
            for _ in range(self.num_directions):
                cells.append(self.cell_type(features, hidden_features, rngs=rngs, **cell_options))
        self.cells = nnx.List(cells)
        # One per boundary between layers; without a rate there is no random state to carry about.
        boundaries = num_layers - 1 if dropout_rate else 0
        self.dropouts = nnx.List(nnx.Dropout(dropout_rate, rngs=rngs) for _ in range(boundaries))

    def __call__(
        self,
        inputs: Array,
        initial_state: tuple[State, ...] | None = None,
        lengths: Array | None = None,
        resets: Array | None = None,
    ) -> tuple[Array, tuple[State, ...]]:
        """Reads whole sequences.

        Args:
            inputs: [B, T, D].
            initial_state: one state per layer and direction (forward, backward), [B, H] each; zeros where it is None.
            lengths: [B] integers, time steps of each sequence that count, those above T as T; None: all of them. What
                is beyond is not read, not even a NaN.
            resets: [B, T] truth values: before this step a new sequence begins, with a state of zeros; None: nowhere.

        Returns:
            The outputs of the top layer, [B, T, H] or [B, T, 2·H], zeros beyond a sequence's length; and one state a
            layer and direction, after the last time step that counts, [B, H] each: `initial_state` for a length of 0.

        Raises:
            ValueError: names the axis that is wrong, what it is and what was expected.
        """
        check_inputs(inputs, "[B, T, D]", self.cells[0].in_features)
        lengths, resets = checked_lengths_and_resets(lengths, resets, *inputs.shape[:2])
        if initial_state is not None:
            initial_state = jax.tree.map(jnp.transpose, self._checked("initial_state", initial_state, inputs.shape[0]))
        resets = None if resets is None else jnp.transpose(resets)
        runs = self.run(jnp.transpose(inputs, (1, 2, 0)), initial_state, lengths, resets)
        outputs = jnp.concatenate([run.states.hidden for run in runs[-self.num_directions :]], axis=1)
        final = tuple(jax.tree.map(jnp.transpose, run.final) for run in runs)
        return jnp.transpose(outputs, (2, 0, 1)).astype(self.cells[0].compute_dtype(inputs)), final

    def run(
        self,
        inputs: Array,
        initial_state: tuple[State, ...] | None = None,
        lengths: Array | None = None,
        resets: Array | None = None,
    ) -> list[Run]:
        """The states of every layer (and direction) over time, in the layout in which they are computed: batch last.

        Args:
            inputs: [T, D, B].
            initial_state: one state per layer and direction, [H, B] each; zeros where it is None.
            lengths: [B], time steps of each sequence that count; None: all of them.
            resets: [T, B], where a new sequence begins; None: nowhere.
        """
        runs: list[Run] = []
        unrolling = self.unrolling._replace(from_zeros=initial_state is None)
        if initial_state is None:
            initial_state = self.initial_columns(inputs.shape[-1], self.cells[0].state_dtype(inputs))
        for number, (cell, start) in enumerate(zip(self.cells, initial_state, strict=True)):
            layer, direction = divmod(number, self.num_directions)
            if number and direction == 0:
                below = jnp.concatenate([run.states.hidden for run in runs[-self.num_directions :]], axis=1)
                inputs = self._drop(layer, below.astype(cell.compute_dtype(inputs)))
            runs.append(cell.run(unrolling, inputs, start, lengths, resets, backward=direction == 1))
        return runs

    def step(self, inputs: Array, state: tuple[State, ...]) -> tuple[Array, tuple[State, ...]]:
        """Reads one time step of each sequence: what `__call__` gives for it, with a memory that does not grow.

        Args:
            inputs: [B, D].
            state: one state per layer, [B, H] each, from `initial_state`, `step` or `__call__`.

        Returns:
            The outputs of the top layer, [B, H], and the next state.

        Raises:
            ValueError: the layer is bidirectional, or an axis has the wrong size.
        """
        self._check_one_direction()
        check_inputs(inputs, "[B, D]", self.cells[0].in_features)
        state, states = self._checked("state", state, inputs.shape[0]), []
        for layer, (cell, before) in enumerate(zip(self.cells, state, strict=True)):
            dtype = cell.state_dtype(inputs)
            before = type(before)(*(leaf.astype(dtype) for leaf in before))
            after, outputs = cell(before, inputs if layer == 0 else self._drop(layer, inputs))
            states.append(after)
            inputs = outputs
        return inputs, tuple(states)

    def step_columns(self, inputs: Array, state: tuple[State, ...]) -> tuple[State, ...]:
        """Reads one time step of each sequence in the layout of `run`, batch last.

        Args:
            inputs: [D, B].
            state: one state per layer, [H, B] each, from `initial_columns` or `step_columns`.

        Returns:
            The next state.

        Raises:
            ValueError: the layer is bidirectional.
        """
        self._check_one_direction()
        states: list[State] = []
        for layer, (cell, before) in enumerate(zip(self.cells, state, strict=True)):
            if layer:
                inputs = self._drop(layer, states[-1].hidden.astype(cell.compute_dtype(inputs)))
            states.append(cell.step(inputs, before))
        return tuple(states)

    def initial_state(self, batch: int, dtype: Any = None) -> tuple[State, ...]:
        """The state before the first time step: zeros [B, H], one state per layer and direction."""
        return vary_everywhere(jax.tree.map(jnp.transpose, self.initial_columns(batch, dtype)))

    def initial_columns(self, batch: int, dtype: Any = None) -> tuple[State, ...]:
        """The same in the layout of `run` and `step_columns`: zeros [H, B], one state per layer and direction."""
        check_batch(batch)
        dtype = dtype or self.cells[0].state_dtype(self.cells[0].bias[...])
        return tuple(cell.cell.zero_state(cell.hidden_features, batch, dtype=dtype) for cell in self.cells)

    def _check_one_direction(self) -> None:
        if self.num_directions == 2:
            raise ValueError("a bidirectional layer reads each sequence from its end too: it has no step")

    def _checked(self, name: str, states: tuple[State, ...], batch: int) -> tuple[State, ...]:
        kind, shape = self.cells[0].cell.state_type, (batch, self.cells[0].hidden_features)
        check_states(name, states, kind, len(self.cells), shape)
        return tuple(kind(*state) for state in states)

    def _drop(self, layer: int, outputs: Array) -> Array:
        return self.dropouts[layer - 1](outputs) if self.dropouts else outputs
