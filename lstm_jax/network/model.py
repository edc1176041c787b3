"""The network: symbols are shown as features, pass through the recurrent stack, and are read out."""

import jax.numpy as jnp
from flax import nnx

from lstm_jax.axes import Array
from lstm_jax.network.inputs import Inputs
from lstm_jax.network.settings import DTYPES, ModelSettings, Scales, normal
from lstm_jax.recurrent.cells import State
from lstm_jax.recurrent.flax_cells import CellOptions
from lstm_jax.recurrent.layers import LAYERS

type States = tuple[State, ...]


class SequenceModel(nnx.Module):
    """Symbols to outputs: features, a recurrent stack, one linear readout shared by all time steps.

    Args:
        settings: the shape of the network.
        inputs: what it is shown of a symbol.
        num_outputs: C, numbers an answer.
        scales: where the initial weights lie; None: as the settings say.
        rngs: the source of the initial weights.
    """

    def __init__(
        self,
        settings: ModelSettings,
        inputs: Inputs,
        num_outputs: int,
        scales: Scales | None = None,
        *,
        rngs: nnx.Rngs,
    ):
        self.settings, self.inputs = settings, inputs
        scales = scales or Scales.of(settings)
        options: CellOptions = {"forget_bias": scales.forget_bias, "dtype": DTYPES[settings.dtype]}
        if settings.kernel_init == "normal":
            options["kernel_init"] = normal(scales.kernel_stddev, scales.kernel_mean, "truncated")
        self.recurrent = LAYERS[settings.cell](
            inputs.width,
            settings.hidden_size,
            settings.num_layers,
            settings.bidirectional,
            impl=settings.impl,
            remat=settings.remat,
            truncate=settings.truncate,
            rngs=rngs,
            **options,
        )
        weights = normal(scales.readout_stddev, 0.0, settings.readout_init)
        biases = normal(scales.readout_bias_stddev, scales.readout_bias, settings.readout_init)
        width = settings.hidden_size * self.recurrent.num_directions
        if inputs.table_shape is not None:
            initial = weights if inputs.tied else nnx.initializers.normal(1.0)
            self.embedding = nnx.Param(initial(rngs.params(), inputs.table_shape))
        if not inputs.tied:
            self.readout_kernel = nnx.Param(weights(rngs.params(), (num_outputs, width)))
        self.readout_bias = nnx.Param(biases(rngs.params(), (num_outputs,)))

    def read_every(self, symbols: Array, start: States | None = None) -> tuple[Array, States]:
        """What the readout sees after each symbol, and the last state: [T, B] to [H, T, B] and [H, B] a layer."""
        runs = self.recurrent.run(self._show_sequences(symbols), start)
        return jnp.moveaxis(self._read(runs[-1].states), 1, 0), tuple(run.final for run in runs)

    def read_last(
        self, symbols: Array, lengths: Array | None = None, start: States | None = None
    ) -> tuple[Array, States]:
        """What the readout sees after the last symbol, and that state.

        Args:
            symbols: [T, B].
            lengths: symbols of each string, [B]; None: all are T long.
            start: the state before the first symbol, [H, B] a layer; None: zeros.

        Returns:
            [H, B] (both directions: [2·H, B]), and the state of each layer and direction, [H, B].
        """
        runs = self.recurrent.run(self._show_sequences(symbols), start, lengths)
        ends = [self._read(run.final) for run in runs[-self.recurrent.num_directions :]]
        return jnp.concatenate(ends), tuple(run.final for run in runs)

    def every_output(self, symbols: Array) -> Array:
        """The outputs after each symbol: [T, B] to [C, T, B]."""
        return self.read_out(self.read_every(symbols)[0])

    def last_output(self, symbols: Array, lengths: Array | None = None) -> Array:
        """The outputs after the last symbol of each string: [T, B], lengths [B] (None: all are T long) to [C, B]."""
        return self.read_out(self.read_last(symbols, lengths)[0])

    def initial_state(self, batch: int) -> States:
        """The state before the first symbol, a tuple over layers, [H, B] each."""
        return self.recurrent.initial_columns(batch)

    def step(self, state: States, symbols: Array) -> States:
        """The state after one more symbol each, [B]; for networks that read in one direction only."""
        return self.recurrent.step_columns(self._show(symbols), state)

    def output(self, state: States) -> Array:
        """The outputs in this state, [C, B]."""
        return self.read_out(self._read(state[-1]))

    def read_out(self, read: Array) -> Array:
        """One linear layer: [H, ...] to [C, ...]."""
        bias = self.readout_bias[...].reshape(-1, *[1] * (read.ndim - 1))
        return jnp.tensordot(self.readout_weights, read, axes=1) + bias

    @property
    def readout_weights(self) -> Array:
        """The weights of the readout, [C, H]."""
        return self.embedding[...] if self.inputs.tied else self.readout_kernel[...]

    def _show(self, symbols: Array) -> Array:
        """What the network is shown: symbols [...] to features [D, ...]."""
        return self.inputs.show(symbols, self.embedding[...] if self.inputs.table_shape is not None else None)

    def _show_sequences(self, symbols: Array) -> Array:
        return jnp.moveaxis(self._show(symbols), 0, 1)

    def _read(self, state: State) -> Array:
        return getattr(state, self.settings.read_from)
