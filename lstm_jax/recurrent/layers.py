"""The recurrent layers by their names: a stack for each kind of cell."""

from lstm_jax.recurrent.flax_builtin import FlaxLSTM
from lstm_jax.recurrent.flax_cells import GRUCell, LSTMCell, SimpleCell
from lstm_jax.recurrent.stack import RecurrentStack


class LSTM(RecurrentStack):
    """Long short-term memory over whole sequences, LSTMState a layer and direction; see RecurrentStack."""

    cell_type = LSTMCell


class GRU(RecurrentStack):
    """Gated recurrent units over whole sequences, HiddenState a layer and direction; see RecurrentStack."""

    cell_type = GRUCell


class SimpleRNN(RecurrentStack):
    """Elman networks over whole sequences, HiddenState a layer and direction; see RecurrentStack."""

    cell_type = SimpleCell


LAYERS: dict[str, type[RecurrentStack]] = {"lstm": LSTM, "gru": GRU, "rnn": SimpleRNN, "flax_lstm": FlaxLSTM}
