"""What cannot be computed is refused before anything is, with the axis, what it is and what was expected."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import lstm_jax
from lstm_jax.recurrent import fused, scan
from lstm_jax.recurrent.cells import CELLS, Weights
from lstm_jax.recurrent.layers import LAYERS

B, T, D, H = 4, 6, 3, 5
INPUTS, SYMBOL = jnp.zeros((B, T, D)), jnp.zeros((B, D))
LSTM_STATE = CELLS["lstm"].zero_state(B, H)


def make(kind="lstm", in_features=D, hidden_features=H, **arguments):
    return LAYERS[kind](in_features, hidden_features, rngs=nnx.Rngs(0), **arguments)


def refused(call, message):
    """The message is the whole one, not a part."""
    with pytest.raises(ValueError) as error:
        call()
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"in_features": 0}, "in_features must be at least 1, not 0"),
        ({"hidden_features": -1}, "hidden_features must be at least 1, not -1"),
        ({"in_features": 3.0}, "in_features must be an integer, not 3.0"),
        ({"hidden_features": "5"}, "hidden_features must be an integer, not '5'"),
        ({"kind": "flax_lstm", "hidden_features": 5.0}, "hidden_features must be an integer, not 5.0"),
        ({"num_layers": 1.5}, "num_layers must be an integer, not 1.5"),
        ({"num_layers": True}, "num_layers must be an integer, not True"),
        ({"remat": 2.5}, "remat must be an integer, not 2.5"),
        ({"remat": True}, "remat must be an integer, not True"),
        ({"truncate": None}, "truncate must be an integer, not None"),
        ({"dtype": jnp.int32}, "dtype must be a floating-point type, not int32"),
        ({"param_dtype": "int8"}, "param_dtype must be a floating-point type, not int8"),
        ({"num_layers": 0}, "num_layers must be at least 1, not 0"),
        ({"dropout_rate": 1.0}, "dropout_rate must be at least 0 and below 1, not 1.0"),
        ({"dropout_rate": -0.1}, "dropout_rate must be at least 0 and below 1, not -0.1"),
        ({"dropout_rate": float("nan")}, "dropout_rate must be at least 0 and below 1, not nan"),
        ({"dropout_rate": None}, "dropout_rate must be at least 0 and below 1, not None"),
        ({"dropout_rate": "0.1"}, "dropout_rate must be at least 0 and below 1, not '0.1'"),
        ({"dropout_rate": [0.1]}, "dropout_rate must be at least 0 and below 1, not [0.1]"),
        ({"impl": "fast"}, "impl must be one of auto, scan, fused, not fast"),
        ({"kind": "rnn", "impl": "fused"}, 'the cell "rnn" has no fused path: use impl="scan"'),
        ({"remat": -1}, "remat must be at least 0, not -1"),
        ({"truncate": -2}, "truncate must be at least 0, not -2"),
    ],
)
def test_settings(arguments, message):
    refused(lambda: make(**arguments), message)


@pytest.mark.parametrize("cell_type", [lstm_jax.LSTMCell, lstm_jax.GRUCell, lstm_jax.SimpleCell])
def test_sizes_of_cells(cell_type):
    refused(lambda: cell_type(0, H, rngs=nnx.Rngs(0)), "in_features must be at least 1, not 0")
    refused(lambda: cell_type(D, 0, rngs=nnx.Rngs(0)), "hidden_features must be at least 1, not 0")
    refused(lambda: cell_type(D, 5.0, rngs=nnx.Rngs(0)), "hidden_features must be an integer, not 5.0")


def test_integers_of_numpy_are_sizes_too():
    rnn = make(in_features=np.int64(D), hidden_features=np.int32(H), num_layers=np.int8(2), remat=np.int64(2))
    assert rnn(INPUTS)[0].shape == (B, T, H)


@pytest.mark.parametrize(
    ("inputs", "options", "message"),
    [
        (INPUTS[0], {}, "inputs must be [B, T, D], 3 axes, not 2: shape (6, 3)"),
        ([[1.0]], {}, "inputs must be an array [B, T, D], not list of 1"),
        (INPUTS + 1j, {}, "inputs must be real numbers, not complex64"),
        (INPUTS[None], {}, "inputs must be [B, T, D], 3 axes, not 4: shape (1, 4, 6, 3)"),
        (INPUTS[:, :, :2], {}, "inputs: axis -1, D (features), has size 2, expected 3; shape (4, 6, 2)"),
        (INPUTS, {"lengths": jnp.ones(3, int)}, "lengths: expected [B] = [4], not [3]"),
        (INPUTS, {"lengths": jnp.ones((4, 1), int)}, "lengths: expected [B] = [4], not [4, 1]"),
        (INPUTS, {"lengths": jnp.ones(4)}, "lengths: expected integers, not float32"),
        (INPUTS, {"lengths": np.ones(4, bool)}, "lengths: expected integers, not bool"),
        (INPUTS, {"resets": jnp.zeros((6, 4), bool)}, "resets: expected [B, T] = [4, 6], not [6, 4]"),
        (INPUTS, {"resets": jnp.zeros((4, 6), int)}, "resets: expected truth values (bool), not int32"),
    ],
)
def test_sequences(inputs, options, message):
    refused(lambda: make()(inputs, **options), message)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (INPUTS, "inputs must be [B, D], 2 axes, not 3: shape (4, 6, 3)"),
        (SYMBOL[0], "inputs must be [B, D], 2 axes, not 1: shape (3,)"),
        (jnp.float32(0), "inputs must be [B, D], 2 axes, not 0: shape ()"),
        (SYMBOL[:, :2], "inputs: axis -1, D (features), has size 2, expected 3; shape (4, 2)"),
        (SYMBOL[:2], "state[0].hidden: expected [B, H] = [2, 5], not [4, 5]"),
    ],
)
def test_symbols(inputs, message):
    refused(lambda: make().step(inputs, (LSTM_STATE,)), message)


@pytest.mark.parametrize("kind", LAYERS)
def test_a_step_in_both_directions(kind):
    rnn = make(kind, bidirectional=True)
    message = "a bidirectional layer reads each sequence from its end too: it has no step"
    refused(lambda: rnn.step(SYMBOL, rnn.initial_state(B)), message)
    refused(lambda: rnn.step_columns(SYMBOL.T, rnn.initial_columns(B)), message)


@pytest.mark.parametrize("impl", ["auto", "scan"])
@pytest.mark.parametrize(
    ("kind", "other", "message"),
    [
        ("lstm", (D, 2), "input_kernel: expected [4·H, D] = [20, 3], not [8, 3]"),
        ("gru", (D, 7), "input_kernel: expected [3·H, D] = [15, 3], not [21, 3]"),
        ("rnn", (D + 1, H), "input_kernel: expected [H, D] = [5, 3], not [5, 4]"),
        ("lstm", (D + 1, H), "input_kernel: expected [4·H, D] = [20, 3], not [20, 4]"),
    ],
)
def test_weights_of_another_layer(kind, other, message, impl):
    rnn = make(kind, impl=impl)
    nnx.update(rnn, nnx.state(LAYERS[kind](*other, rngs=nnx.Rngs(0)), nnx.Param))
    refused(lambda: rnn(INPUTS), message)
    refused(lambda: jax.jit(jax.grad(lambda rnn: jnp.sum(rnn(INPUTS)[0])))(rnn), message)


def test_weights_of_an_ensemble_without_vmap():
    rnn = make("lstm")
    for cell in rnn.cells:
        for name in ("input_kernel", "hidden_kernel", "bias"):
            setattr(cell, name, nnx.Param(jnp.stack([getattr(cell, name)[...]] * 2)))
    hint = "; are these the members of an ensemble? Call it under jax.vmap or nnx.vmap"
    refused(lambda: rnn(INPUTS), "input_kernel: expected [4·H, D] = [20, 3], not [2, 20, 3]" + hint)
    assert nnx.vmap(lambda rnn: rnn(INPUTS)[0])(rnn).shape == (2, B, T, H)


@pytest.mark.parametrize("unroll", [fused.UNROLL["lstm"], functools.partial(scan.unroll, CELLS["lstm"])])
def test_arrays_that_do_not_belong_together(unroll):
    weights, inputs = Weights(jnp.ones((20, 3)), jnp.ones((20, 5)), jnp.ones(20)), jnp.ones((6, 3, 4))
    state = CELLS["lstm"].zero_state(5, 4)
    wrong = [
        (
            (weights._replace(hidden=jnp.ones((20, 4))), inputs, state),
            "hidden_kernel: expected [4·H, H] = [20, 5], not [20, 4]",
        ),
        ((weights._replace(bias=jnp.ones(15)), inputs, state), "bias: expected [4·H] = [20], not [15]"),
        ((weights, inputs[..., :3], state), "state.hidden: expected [H, B] = [5, 3], not [5, 4]"),
        ((weights, inputs, state, jnp.zeros((5, 4), bool)), "resets: expected [T, B] = [6, 4], not [5, 4]"),
    ]
    for arguments, message in wrong:
        refused(lambda arguments=arguments: unroll(*arguments), message)
