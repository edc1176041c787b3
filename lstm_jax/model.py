"""The network: symbols are shown as features, pass through the recurrent stack, and are read out."""

import dataclasses

import jax
import jax.numpy as jnp
from flax import nnx

from lstm_jax.axes import Array
from lstm_jax.recurrent.cells import CELLS, State
from lstm_jax.recurrent.fused import UNROLL
from lstm_jax.recurrent.layers import LAYERS
from lstm_jax.recurrent.unroll import IMPLEMENTATIONS
from lstm_jax.settings import SettingError, check_ranges, setting
from lstm_jax.tasks.objectives import READOUTS

DTYPES = {"float32": jnp.float32, "bfloat16": jnp.bfloat16}


@dataclasses.dataclass(frozen=True)
class ModelSettings:
    """The shape of the network, and how its weights begin."""

    cell: str = setting("lstm", "kind of recurrent cell", choices=tuple(CELLS))
    impl: str = setting("auto", "how the recurrence is computed", choices=IMPLEMENTATIONS)
    dtype: str = setting("float32", "what matrix products are computed in; states stay float32", choices=tuple(DTYPES))
    remat: int = setting(0, "symbols a segment that is recomputed backwards, for long strings; 0: none", minimum=0)
    truncate: int = setting(0, "symbols that gradients flow back through; 0: all", minimum=0)
    hidden_size: int = setting(24, "units a recurrent layer", minimum=1, maximum=65_536)
    num_layers: int = setting(1, "recurrent layers", minimum=1, maximum=64)
    bidirectional: bool = setting(False, "also read each string from its end")
    readout: str = setting("class", "answer as a class (softmax) or as a number (rounded)", choices=READOUTS)
    read_from: str = setting(
        "hidden", "state of the top layer that the answer is read from", choices=("hidden", "cell")
    )
    forget_bias: float = setting(1.0, "initial bias of the forget gate", minimum=-100, maximum=100)
    readout_stddev: float = setting(0.2, "standard deviation of the initial output weights", minimum=0, maximum=100)
    readout_bias: float = setting(0.0, "initial output bias", minimum=-100, maximum=100)

    def check(self) -> None:
        """Raises SettingError where a setting is out of range or contradicts another."""
        check_ranges(self)
        if self.read_from == "cell" and self.cell != "lstm":
            raise SettingError("read_from", "cell", f"needs --cell=lstm, a {self.cell} has no cell state")
        if self.impl == "fused" and self.cell not in UNROLL:
            raise SettingError("impl", "fused", f"needs --cell=lstm or gru; use --impl=scan for --cell={self.cell}")


class SequenceModel(nnx.Module):
    """Symbols to outputs: fixed features, a recurrent stack, one linear readout shared by all time steps.

    Args:
        settings: the shape of the network.
        features: what each symbol is shown as, A rows of D numbers.
        num_outputs: C, numbers an answer.
        rngs: the source of the initial weights.
    """

    def __init__(
        self, settings: ModelSettings, features: tuple[tuple[float, ...], ...], num_outputs: int, *, rngs: nnx.Rngs
    ):
        self.settings, self.features = settings, features
        self.recurrent = LAYERS[settings.cell](
            len(features[0]),
            settings.hidden_size,
            settings.num_layers,
            settings.bidirectional,
            impl=settings.impl,
            remat=settings.remat,
            truncate=settings.truncate,
            dtype=DTYPES[settings.dtype],
            forget_bias=settings.forget_bias,
            rngs=rngs,
        )
        width = settings.hidden_size * self.recurrent.num_directions
        initial = nnx.initializers.truncated_normal(settings.readout_stddev)(rngs.params(), (num_outputs, width))
        self.readout_kernel = nnx.Param(initial)
        self.readout_bias = nnx.Param(jnp.full(num_outputs, settings.readout_bias, jnp.float32))

    def every_output(self, symbols: Array) -> Array:
        """The outputs after each symbol: [T, B] to [C, T, B]."""
        states = self.recurrent.run(self._encode_sequences(symbols))[-1].states
        return self._read_out(jnp.moveaxis(self._read(states), 1, 0))

    def last_output(self, symbols: Array, lengths: Array | None = None) -> Array:
        """The outputs after the last symbol of each string: [T, B], lengths [B] (None: all are T long) to [C, B]."""
        runs = self.recurrent.run(self._encode_sequences(symbols), lengths=lengths)
        ends = [self._read(run.final) for run in runs[-self.recurrent.num_directions :]]
        return self._read_out(jnp.concatenate(ends))

    def initial_state(self, batch: int) -> tuple[State, ...]:
        """The state before the first symbol, a tuple over layers, [H, B] each."""
        return tuple(CELLS[cell.kind].zero_state(cell.hidden_features, batch) for cell in self.recurrent.cells)

    def step(self, state: tuple[State, ...], symbols: Array) -> tuple[State, ...]:
        """The state after one more symbol each, [B]; for networks that read in one direction only."""
        below, states = self._encode(symbols), []
        for cell, layer_state in zip(self.recurrent.cells, state, strict=True):
            states.append(cell.cell.step(cell.weights_for(below), layer_state, below))
            below = states[-1].hidden
        return tuple(states)

    def output(self, state: tuple[State, ...]) -> Array:
        """The outputs in this state, [C, B]."""
        return self._read_out(self._read(state[-1]))

    def _encode(self, symbols: Array) -> Array:
        """What the network is shown: symbols [...] to features [D, ...]."""
        table = jnp.array(self.features, jnp.float32).T
        # A product with the one-hot code: for a handful of symbols it is cheaper than a gather.
        return jnp.tensordot(table, jax.nn.one_hot(symbols, len(self.features), axis=0), axes=1)

    def _encode_sequences(self, symbols: Array) -> Array:
        return jnp.moveaxis(self._encode(symbols), 0, 1)

    def _read_out(self, read: Array) -> Array:
        """One linear layer: [H, ...] to [C, ...]."""
        bias = self.readout_bias[...].reshape(-1, *[1] * (read.ndim - 1))
        return jnp.tensordot(self.readout_kernel[...], read, axes=1) + bias

    def _read(self, state: State) -> Array:
        return getattr(state, self.settings.read_from)
