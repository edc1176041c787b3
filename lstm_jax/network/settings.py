"""The shape of the network, and where its weights begin."""

import dataclasses
from typing import Any, NamedTuple, Self

import jax
import jax.numpy as jnp

from lstm_jax.axes import Array
from lstm_jax.recurrent.fused import UNROLL
from lstm_jax.recurrent.initial import Initializer
from lstm_jax.recurrent.layers import LAYERS
from lstm_jax.recurrent.native import passes as native
from lstm_jax.recurrent.unroll import IMPLEMENTATIONS
from lstm_jax.settings import SettingError, check_ranges, setting
from lstm_jax.tasks.objectives import MEASURES, READOUTS

DTYPES = {"float32": jnp.float32, "bfloat16": jnp.bfloat16}

DRAWS = ("truncated", "normal")


@dataclasses.dataclass(frozen=True)
class ModelSettings:
    """The shape of the network, and how its weights begin."""

    cell: str = setting("lstm", "kind of recurrent cell; flax_lstm: Flax's own", choices=tuple(LAYERS))
    impl: str = setting("auto", "how the recurrence is computed", choices=IMPLEMENTATIONS)
    dtype: str = setting("float32", "what matrix products are computed in; states stay float32", choices=tuple(DTYPES))
    remat: int = setting(0, "symbols a segment that is recomputed backwards, for long strings; 0: none", minimum=0)
    truncate: int = setting(0, "symbols that gradients flow back through; 0: all", minimum=0)
    hidden_size: int = setting(24, "units a recurrent layer", minimum=1, maximum=65_536)
    num_layers: int = setting(1, "recurrent layers", minimum=1, maximum=64)
    bidirectional: bool = setting(False, "also read each string from its end")
    readout: str = setting("class", "answer as a class (softmax) or as a number (rounded)", choices=READOUTS)
    number_loss: str = setting("squared", "error that --readout=number learns from", choices=MEASURES)
    read_from: str = setting(
        "hidden", "state of the top layer that the answer is read from", choices=("hidden", "cell")
    )
    forget_bias: float = setting(1.0, "initial bias of the forget gate", minimum=-100, maximum=100)
    kernel_init: str = setting(
        "default",
        "initial weights of the cells: the cell's own rule (Glorot uniform), or truncated normal numbers",
        choices=("default", "normal"),
    )
    kernel_mean: float = setting(
        0.0, "mean of the cells' initial weights, with --kernel_init=normal", minimum=-100, maximum=100
    )
    kernel_stddev: float = setting(
        0.1, "standard deviation of the cells' initial weights, with --kernel_init=normal", minimum=0, maximum=100
    )
    readout_init: str = setting(
        "truncated", "initial output weights: normal numbers, cut off at twice their deviation or not", choices=DRAWS
    )
    readout_stddev: float = setting(0.2, "standard deviation of the initial output weights", minimum=0, maximum=100)
    readout_bias: float = setting(0.0, "initial output bias, or its mean", minimum=-100, maximum=100)
    readout_bias_stddev: float = setting(0.0, "standard deviation of the initial output bias", minimum=0, maximum=100)

    @property
    def kind(self) -> str:
        """The equations of the cell, one of `recurrent.cells.CELLS`."""
        return LAYERS[self.cell].cell_type.kind

    @property
    def has_threads(self) -> bool:
        """Whether the recurrent layers have threads of their own, the kernel's, and so every core on one device."""
        return self.cell in UNROLL and self.impl != "scan" and self.dtype == "float32" and native.available()

    def check(self) -> None:
        """Raises SettingError where a setting is out of range or contradicts another."""
        check_ranges(self)
        if self.read_from == "cell" and self.kind != "lstm":
            reason = f"needs --cell=lstm or flax_lstm, a {self.cell} has no cell state"
            raise SettingError("read_from", "cell", reason, "read_from=hidden")
        if self.impl == "fused" and self.cell not in UNROLL:
            raise SettingError("impl", "fused", f"needs --cell=lstm or gru; use --impl=scan for --cell={self.cell}")


class Scales(NamedTuple):
    """Where the initial weights lie: settings that are numbers in a program, so that a population may vary them."""

    forget_bias: Array | float
    kernel_mean: Array | float
    kernel_stddev: Array | float
    readout_stddev: Array | float
    readout_bias: Array | float
    readout_bias_stddev: Array | float

    @classmethod
    def of(cls, settings: ModelSettings) -> Self:
        """Those of a network's settings."""
        return cls(*(getattr(settings, name) for name in cls._fields))


def normal(stddev: Array | float, mean: Array | float, draw: str) -> Initializer:
    """Draws initial weights: `truncated` normal numbers lie within two deviations of the mean, as in TensorFlow."""

    def initialize(key: Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Array:
        unit = (
            jax.random.truncated_normal(key, -2, 2, shape, dtype)
            if draw == "truncated"
            else jax.random.normal(key, shape, dtype)
        )
        return jnp.asarray(mean, dtype) + jnp.asarray(stddev, dtype) * unit

    return initialize
