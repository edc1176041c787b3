"""The recurrent layers by their names: a stack for each kind of cell."""

from lstm_jax.recurrent.flax_builtin import FlaxLSTM
from lstm_jax.recurrent.flax_cells import GRUCell, LSTMCell, SimpleCell
from lstm_jax.recurrent.stack import RecurrentStack


class LSTM(RecurrentStack):
    """Long short-term memory with a forget gate over whole sequences; arguments and errors: see RecurrentStack.

    Reads [B, T, D]; gives outputs [B, T, H] (bidirectional: 2·H) and an LSTMState(hidden, cell), [B, H] each, per
    layer and direction. Equations: `cells.lstm_step`.

    Source: Hochreiter and Schmidhuber, Long Short-Term Memory (1997); Gers et al., Learning to Forget (2000).
    """

    cell_type = LSTMCell


class GRU(RecurrentStack):
    """Gated recurrent units over whole sequences; arguments and errors: see RecurrentStack.

    Reads [B, T, D]; gives outputs [B, T, H] (bidirectional: 2·H) and a HiddenState(hidden), [B, H], per layer and
    direction. Equations: `cells.gru_step`; there is no forget gate, so `forget_bias` is refused.

    Source: Cho et al., Learning Phrase Representations using RNN Encoder-Decoder (2014), with the reset gate after the
    product as in cuDNN.
    """

    cell_type = GRUCell


class SimpleRNN(RecurrentStack):
    """Elman networks (tanh, no gates) over whole sequences; arguments and errors: see RecurrentStack.

    Reads [B, T, D]; gives outputs [B, T, H] (bidirectional: 2·H) and a HiddenState(hidden), [B, H], per layer and
    direction. Equations: `cells.simple_step`; there is no fused path and no forget gate.

    Source: Elman, Finding Structure in Time (1990).
    """

    cell_type = SimpleCell


LAYERS: dict[str, type[RecurrentStack]] = {"lstm": LSTM, "gru": GRU, "rnn": SimpleRNN, "flax_lstm": FlaxLSTM}
