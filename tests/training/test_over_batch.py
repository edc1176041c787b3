"""What a spread function may return, and where it may be called."""

import jax
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


@pytest.mark.parametrize("impl", ["fused", "scan"])
def test_outside_of_jit_it_computes_the_same(impl):
    rnn = lstm_jax.LSTM(3, 4, impl=impl, rngs=nnx.Rngs(0))
    spread = lstm_jax.over_batch(lambda rnn, inputs: rnn(inputs)[0][:, -1])
    alone = np.concatenate([rnn(INPUTS[row : row + 1])[0][:, -1] for row in range(len(INPUTS))])
    for function in (spread, jax.jit(spread)):
        np.testing.assert_allclose(function(rnn, INPUTS), alone, atol=1e-6)
