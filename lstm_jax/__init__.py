"""LSTMs in JAX and Flax: an explicit cell, a fast layer, and experiments whose answers are exact.

    import lstm_jax
    from flax import nnx
    rnn = lstm_jax.LSTM(in_features=1, hidden_features=24, rngs=nnx.Rngs(0))
    outputs, state = rnn(inputs)                        # inputs [B, T, 1] -> outputs [B, T, 24]

Axes and their letters: `lstm_jax.axes`. The floors of the library: ARCHITECTURE.md.
"""

from lstm_jax.recurrent.cells import HiddenState, LSTMState
from lstm_jax.recurrent.flax_cells import GRUCell, LSTMCell, SimpleCell
from lstm_jax.recurrent.flax_weights import from_flax, to_flax
from lstm_jax.recurrent.layers import GRU, LSTM, SimpleRNN
from lstm_jax.recurrent.torch_weights import from_torch, load_torch, to_torch
from lstm_jax.training.slices import over_batch, value_and_grad
from lstm_jax.version import __version__

__all__ = [
    "GRU",
    "LSTM",
    "GRUCell",
    "HiddenState",
    "LSTMCell",
    "LSTMState",
    "SimpleCell",
    "SimpleRNN",
    "__version__",
    "from_flax",
    "from_torch",
    "load_torch",
    "over_batch",
    "to_flax",
    "to_torch",
    "value_and_grad",
]
