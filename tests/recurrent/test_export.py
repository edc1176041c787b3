"""Programs that `jax.export` makes for batches and time axes of any size."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

from tests.recurrent.cases import assert_close, expected, make

D = 3


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn"])
def test_a_layer_of_symbolic_shapes(kind):
    rnn = make(kind, D, 4, 2, True, impl="scan")
    batch, time = export.symbolic_shape("b, t")
    given = (
        jax.ShapeDtypeStruct((batch, time, D), jnp.float32),
        jax.ShapeDtypeStruct((batch,), jnp.int8),
        jax.ShapeDtypeStruct((batch, time), jnp.bool),
    )
    read = jax.jit(lambda inputs, lengths, resets: rnn(inputs, lengths=lengths, resets=resets))
    program = export.export(read)(*given)
    rng = np.random.default_rng(0)
    for shape in ((2, 5), (4, 9)):
        inputs, resets = rng.normal(size=(*shape, D)), rng.random(shape) < 0.3
        lengths = np.append(rng.integers(0, shape[1], shape[0] - 1), 100)  # beyond the last time step
        ours = program.call(np.float32(inputs), np.int8(lengths), resets)
        assert_close(ours, expected(rnn, inputs, None, lengths.clip(max=shape[1]), resets), atol=1e-5)
