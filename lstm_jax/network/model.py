"""The network: symbols are shown as features, pass through the recurrent stack, and are read out."""

import jax
import jax.numpy as jnp
from flax import nnx

from lstm_jax.axes import Array
from lstm_jax.network.beginnings import all_beginnings, continue_from, number_beginnings, shared_symbols
from lstm_jax.network.inputs import FixedFeatures, Inputs
from lstm_jax.network.settings import DTYPES, ModelSettings, Scales, normal
from lstm_jax.recurrent.cells import CELLS, State
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
        options: CellOptions = {"dtype": DTYPES[settings.dtype]}
        if CELLS[settings.kind].forget_gate is not None:
            options["forget_bias"] = scales.forget_bias
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
        if start is None and lengths is None and (shared := self._shared_symbols(symbols)):
            _, states, beginnings = self._read_beginnings(symbols[:shared])
            start = continue_from(states, beginnings)
            symbols = symbols[shared:]
        runs = self.recurrent.run(self._show_sequences(symbols), start, lengths)
        ends = [self._read(run.final) for run in runs[-self.recurrent.num_directions :]]
        return jnp.concatenate(ends), tuple(run.final for run in runs)

    def every_output(self, symbols: Array, start: States | None = None) -> tuple[Array, States]:
        """The outputs after each symbol, and the last state: [T, B] to [C, T, B] and [H, B] a layer."""
        shared = self._shared_symbols(symbols) if start is None else 0
        if not shared:
            read, states = self.read_every(symbols, start)
            return self.read_out(read), states
        read, states, beginnings = self._read_beginnings(symbols[:shared])
        begun, start = continue_from((self.read_out(read), states), beginnings)
        read, states = self.read_every(symbols[shared:], start)
        return jnp.concatenate([begun, self.read_out(read)], axis=1), states

    def last_output(
        self, symbols: Array, lengths: Array | None = None, start: States | None = None
    ) -> tuple[Array, States]:
        """The outputs after the last symbol of each string, and that state: those of `read_last`, [C, B]."""
        read, states = self.read_last(symbols, lengths, start)
        return self.read_out(read), states

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

    def _shared_symbols(self, symbols: Array) -> int:
        """How many first symbols of strings [T, B] are read once for all that begin so; 0: none.

        None by the textbook's path (`impl="scan"`), where gradients are cut or recomputed every so many symbols, and on
        accelerators, which take no longer for many strings than for a few.
        """
        settings = self.settings
        plain = not (settings.bidirectional or settings.truncate or settings.remat or settings.impl == "scan")
        if plain and isinstance(self.inputs, FixedFeatures) and jax.default_backend() == "cpu":
            return shared_symbols(len(self.inputs.rows), *symbols.shape)
        return 0

    def _read_beginnings(self, symbols: Array) -> tuple[Array, States, Array]:
        """`read_every` of all beginnings as long as these, [length, B]; and which of them each string has, [B]."""
        assert isinstance(self.inputs, FixedFeatures)
        num_symbols, length = len(self.inputs.rows), len(symbols)
        read, states = self.read_every(jnp.asarray(all_beginnings(num_symbols, length)))
        return read, states, number_beginnings(num_symbols, symbols)

    def _show(self, symbols: Array) -> Array:
        """What the network is shown: symbols [...] to features [D, ...]."""
        return self.inputs.show(symbols, self.embedding[...] if self.inputs.table_shape is not None else None)

    def _show_sequences(self, symbols: Array) -> Array:
        return jnp.moveaxis(self._show(symbols), 0, 1)

    def _read(self, state: State) -> Array:
        return getattr(state, self.settings.read_from)
