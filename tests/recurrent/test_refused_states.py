"""States that are not a layer's or a cell's: the error names the argument, and says what to write."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from lstm_jax.recurrent.cells import CELLS
from tests.recurrent.test_refusals import INPUTS, LSTM_STATE, SYMBOL, B, D, H, make, refused

STATE = jnp.zeros((B, H))
WIDE_STATE, GRU_STATE = CELLS["lstm"].zero_state(B, H + 1), CELLS["gru"].zero_state(B, H)

TUPLE_OF = "{{0}}: expected a tuple of {}, one {} per layer and direction, not {}; write {{0}}="
LSTM_IS, GRU_IS = "LSTMState(hidden, cell)", "HiddenState(hidden)"
ONE_LSTM, TWO_LSTMS, ONE_GRU = f"({LSTM_IS},)", f"({LSTM_IS}, {LSTM_IS})", f"({GRU_IS},)"
NO_LSTM = "{0}[0]: expected LSTMState of hidden and cell, [B, H] each, not "
NO_GRU = "{0}[0]: expected HiddenState of hidden, [B, H], not "


@pytest.mark.parametrize(
    ("layer", "state", "message"),
    [
        ({}, LSTM_STATE, TUPLE_OF.format(1, "LSTMState", "LSTMState of 2") + ONE_LSTM),
        ({}, (STATE[None], STATE[None]), TUPLE_OF.format(1, "LSTMState", "tuple of 2") + ONE_LSTM),  # as in PyTorch
        ({"num_layers": 2}, LSTM_STATE, TUPLE_OF.format(2, "LSTMState", "LSTMState of 2") + TWO_LSTMS),
        ({"num_layers": 2}, (LSTM_STATE,), TUPLE_OF.format(2, "LSTMState", "tuple of 1") + TWO_LSTMS),
        ({"num_layers": 3}, (), TUPLE_OF.format(3, "LSTMState", "tuple of 0") + TWO_LSTMS[:-1] + ", ...)"),
        ({"bidirectional": True}, [LSTM_STATE], TUPLE_OF.format(2, "LSTMState", "list of 1") + TWO_LSTMS),
        ({"kind": "rnn"}, STATE, TUPLE_OF.format(1, "HiddenState", "an array [4, 5]") + ONE_GRU),
        ({"kind": "gru"}, 0, TUPLE_OF.format(1, "HiddenState", "int") + ONE_GRU),
        ({}, (WIDE_STATE,), "{0}[0].hidden: expected [B, H] = [4, 5], not [4, 6]"),
        ({}, ((STATE, STATE[:3]),), "{0}[0].cell: expected [B, H] = [4, 5], not [3, 5]"),
        ({}, ((STATE, [[0.0] * H] * B),), "{0}[0].cell must be an array [B, H], not list of 4"),
        ({}, (GRU_STATE,), NO_LSTM + "HiddenState of 1; write {0}=" + ONE_LSTM),
        ({"kind": "gru"}, (LSTM_STATE,), NO_GRU + "LSTMState of 2; write {0}=" + ONE_GRU),
        ({"kind": "gru"}, (STATE,), NO_GRU + "an array [4, 5]; write {0}=" + ONE_GRU),
        ({"num_layers": 2}, (STATE, STATE), NO_LSTM + "an array [4, 5]; write {0}=" + TWO_LSTMS),
        ({"num_layers": 2}, (LSTM_STATE, WIDE_STATE), "{0}[1].hidden: expected [B, H] = [4, 5], not [4, 6]"),
    ],
)
def test_states(layer, state, message):
    refused(lambda: make(**layer)(INPUTS, state), message.format("initial_state"))
    if not layer.get("bidirectional"):
        refused(lambda: make(**layer).step(SYMBOL, state), message.format("state"))


CARRY_OF_GRU = f"carry: expected HiddenState of hidden, [..., H], not an array [4, 5]; write carry={GRU_IS}"
CARRY_OF_LSTM = f"carry: expected LSTMState of hidden and cell, [..., H] each, not tuple of 1; write carry={LSTM_IS}"


@pytest.mark.parametrize(
    ("kind", "carry", "inputs", "message"),
    [
        ("lstm", LSTM_STATE, [[0.0] * D] * B, "inputs must be an array [..., D], not list of 4"),
        ("gru", GRU_STATE, 0.5, "inputs must be an array [..., D], not float"),
        ("lstm", (STATE, [[0.0] * H] * B), SYMBOL, "carry.cell must be an array [..., H], not list of 4"),
        ("lstm", LSTM_STATE, SYMBOL[:, :2], "inputs: axis -1, D (features), has size 2, expected 3; shape (4, 2)"),
        ("rnn", GRU_STATE, jnp.float32(0), "inputs: axis -1, D (features), has size none, expected 3; shape ()"),
        ("lstm", WIDE_STATE, SYMBOL, "carry.hidden: expected [..., H] = [4, 5], not [4, 6]"),
        ("lstm", (STATE, STATE[0]), SYMBOL, "carry.cell: expected [..., H] = [4, 5], not [5]"),
        ("gru", GRU_STATE, SYMBOL[:2], "carry.hidden: expected [..., H] = [2, 5], not [4, 5]"),
        ("gru", STATE, SYMBOL, CARRY_OF_GRU),
        ("lstm", (STATE,), SYMBOL, CARRY_OF_LSTM),
    ],
)
def test_cells(kind, carry, inputs, message):
    refused(lambda: make(kind).cells[0](carry, inputs), message)


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn", "flax_lstm"])
@pytest.mark.parametrize("dtype", ["int32", "bool"])
def test_a_carry_without_fractions(kind, dtype):
    cell = make(kind).cells[0]
    carry = cell.cell.state_type(*(np.zeros((B, H), dtype) for _ in cell.cell.state_type._fields))
    message = f"carry.hidden must be floating point, not {dtype}"
    refused(lambda: cell(carry, SYMBOL), message)
    refused(lambda: nnx.RNN(cell)(INPUTS, initial_carry=carry), message)
    refused(lambda: make(kind).initial_state(B, dtype), f"dtype must be a floating-point type, not {dtype}")


def test_one_array_of_a_carry_without_fractions():
    cell = make().cells[0]
    refused(lambda: cell((STATE, STATE.astype(int)), SYMBOL), "carry.cell must be floating point, not int32")
    carry = jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), LSTM_STATE)
    assert cell(carry, SYMBOL)[0].cell.dtype == jnp.bfloat16


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn"])
def test_a_layer_reads_states_of_integers_as_numbers_with_fractions(kind):
    rnn = make(kind)
    zeros = rnn.initial_state(B)
    integers = jax.tree.map(lambda leaf: leaf.astype(int), zeros)
    jax.tree.map(np.testing.assert_array_equal, rnn(INPUTS + 1, integers), rnn(INPUTS + 1, zeros))
    jax.tree.map(np.testing.assert_array_equal, rnn.step(SYMBOL + 1, integers), rnn.step(SYMBOL + 1, zeros))


@pytest.mark.parametrize(
    ("batch", "wrong"),
    [
        (-1, "at least 0, not -1"),
        (2.0, "an integer, not 2.0"),
        (None, "an integer, not None"),
        ((2,), "an integer, not (2,)"),
        (True, "an integer, not True"),
    ],
)
def test_what_is_no_number_of_sequences(batch, wrong):
    for start in (make().initial_state, make("gru").initial_columns):
        refused(lambda start=start: start(batch), f"batch must be {wrong}")


@pytest.mark.parametrize("batch", [0, 2, np.int8(2), jnp.int32(2)])
def test_a_number_of_sequences(batch):
    assert make().initial_state(batch)[0].hidden.shape == (int(batch), H)


def test_a_number_of_sequences_that_is_open():
    (batch,) = jax.export.symbolic_shape("b")
    inputs = jax.ShapeDtypeStruct((batch, D), jnp.float32)
    rnn = make()
    step = jax.export.export(jax.jit(lambda inputs: rnn.step(inputs, rnn.initial_state(inputs.shape[0]))))
    assert step(inputs).call(SYMBOL)[0].shape == (B, H)
