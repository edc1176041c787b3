"""One symbol at a time: `step` gives what the whole sequence gives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from lstm_jax.recurrent.cells import CELLS
from lstm_jax.recurrent.layers import LAYERS
from tests.recurrent.cases import assert_close, expected, make, random_state

B, T, D, H = 3, 6, 2, 4
INPUTS = np.random.default_rng(0).normal(size=(B, T, D))


def stream(rnn, inputs, state):
    """Outputs and states of the layer, symbol by symbol."""
    step, outputs = nnx.jit(lambda rnn, symbol, state: rnn.step(symbol, state)), []
    for time in range(inputs.shape[1]):
        output, state = step(rnn, inputs[:, time], state)
        outputs.append(output)
    return jnp.stack(outputs, axis=1), state


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("kind", LAYERS)
def test_symbol_by_symbol_equals_the_whole_sequence(kind):
    rnn = make(kind, D, H, 3, param_dtype=jnp.float64)
    start = random_state(rnn, B)
    assert_close(stream(rnn, jnp.asarray(INPUTS), start), expected(rnn, INPUTS, start), rtol=1e-12)


@pytest.mark.parametrize("dtype", ["int32", "bfloat16"])
@pytest.mark.parametrize("kind", LAYERS)
def test_a_state_of_a_narrower_type_does_not_narrow_what_comes_after(kind, dtype):
    rnn = make(kind, D, H, 2)
    start = jax.tree.map(lambda leaf: leaf.astype(dtype), rnn.initial_state(B))
    inputs = jnp.asarray(INPUTS, jnp.float32)
    assert_close(stream(rnn, inputs, start), rnn(inputs, start), rtol=1e-5)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("kind", LAYERS)
def test_symbol_by_symbol_with_the_batch_last(kind):
    rnn = make(kind, D, H, 2, param_dtype=jnp.float64)
    columns = jnp.asarray(INPUTS.transpose(1, 2, 0))

    def read(state, symbol):
        state = rnn.step_columns(symbol, state)
        return state, state

    final, states = jax.jit(lambda: jax.lax.scan(read, rnn.initial_columns(B), columns))()
    outputs, last = expected(rnn, INPUTS)
    np.testing.assert_allclose(states[-1].hidden.transpose(2, 0, 1), outputs, rtol=1e-12)
    assert_close(jax.tree.map(jnp.transpose, final), last, rtol=1e-12)
    for run, state in zip(rnn.run(columns), states, strict=True):
        assert_close(run.states, state, rtol=1e-12)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("kind", CELLS)
def test_a_stream_goes_on_where_a_padded_batch_ended_and_back(kind):
    rnn = make(kind, D, H, 2, param_dtype=jnp.float64)
    lengths = np.array([3, 0, 2])
    _, state = rnn(jnp.asarray(INPUTS[:, :3]), lengths=lengths)
    outputs, state = stream(rnn, jnp.asarray(INPUTS[:, 3:5]), state)
    last, state = rnn(jnp.asarray(INPUTS[:, 5:]), state)
    for row, length in enumerate(lengths):
        alone = np.concatenate([INPUTS[row, :length], INPUTS[row, 3:]])[None]
        theirs, their_state = expected(rnn, alone)
        np.testing.assert_allclose(outputs[row], theirs[0, length:-1], rtol=1e-12)
        np.testing.assert_allclose(last[row, 0], theirs[0, -1], rtol=1e-12)
        assert_close(jax.tree.map(lambda leaf, row=row: leaf[row : row + 1], state), their_state, rtol=1e-12)


@pytest.mark.parametrize(("kind", "dtype", "tolerance"), [("lstm", "bfloat16", 0.02), ("gru", "float16", 0.002)])
def test_a_stream_in_low_precision_keeps_its_state_in_float32(kind, dtype, tolerance):
    rnn = make(kind, D, H, 2, dtype=jnp.dtype(dtype))
    ours = stream(rnn, jnp.float32(INPUTS), rnn.initial_state(B))
    theirs = rnn(jnp.float32(INPUTS))
    assert jax.tree.map(jnp.result_type, ours) == jax.tree.map(jnp.result_type, theirs)
    assert {leaf.dtype for leaf in jax.tree.leaves(ours[1])} == {jnp.dtype("float32")}
    assert_close(ours, theirs, atol=tolerance)


@pytest.mark.usefixtures("float64")
def test_a_stream_in_double_precision_begins_in_it():
    rnn = make("lstm", D, H, 2, dtype=jnp.float64)
    assert_close(stream(rnn, jnp.asarray(INPUTS), rnn.initial_state(B)), expected(rnn, INPUTS), rtol=1e-12)


def test_a_stream_of_integers_begins_with_zeros():
    rnn = make("lstm", D, H, 2)
    inputs = jnp.arange(B * T * D).reshape(B, T, D) % 3 - 1
    outputs, state = stream(rnn, inputs, rnn.initial_state(B))
    assert_close((outputs, state), expected(rnn, inputs), atol=1e-5)
