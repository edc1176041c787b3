"""What a spread function may return, and where it may be called."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import lstm_jax

INPUTS = jax.random.normal(jax.random.key(0), (8, 5, 3))


@pytest.fixture
def rnn():
    return lstm_jax.LSTM(3, 4, rngs=nnx.Rngs(0))


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (lambda outputs: outputs.sum(), r"(?m)^result: expected an array with the batch as axis 0, not an array \[\]$"),
        (lambda outputs: (outputs, {"mean": 1.0}), r"(?m)^result\[1\]\['mean'\]: expected .* axis 0, not float$"),
        (lambda outputs: [outputs.sum(0)], r"(?m)^result\[0\]: expected .* axis 0, not an array \[5, 4\]$"),
    ],
)
def test_a_result_without_the_batch_as_axis_0_is_refused(rnn, returned, message):
    spread = lstm_jax.over_batch(lambda rnn, inputs: returned(rnn(inputs)[0]))
    with pytest.raises(ValueError, match=message):
        jax.jit(spread)(rnn, INPUTS)


def test_outside_of_jit_it_says_so(rnn):
    def last(rnn, inputs):
        return rnn(inputs)[0][:, -1]

    np.testing.assert_allclose(jax.jit(lstm_jax.over_batch(last))(rnn, INPUTS), last(rnn, INPUTS), atol=1e-6)
    with pytest.raises(RuntimeError, match=r"^lstm_jax.over_batch: call it under jax.jit$"):
        lstm_jax.over_batch(last)(rnn, INPUTS)


def test_what_the_function_itself_cannot_do_is_told_as_it_is(rnn):
    def unfinished(rnn, inputs):
        raise NotImplementedError("later")

    with pytest.raises(NotImplementedError, match=r"(?m)^later$"):
        jax.jit(lstm_jax.over_batch(unfinished))(rnn, jnp.ones((8, 5, 3)))
