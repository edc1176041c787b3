"""Initial weights: which initialiser draws what, in which shape and type."""

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import lstm_jax
from lstm_jax.recurrent.cells import CELLS
from lstm_jax.recurrent.layers import LAYERS
from tests.recurrent.cases import make

D, H = 2, 3
CELL_TYPES = {"lstm": lstm_jax.LSTMCell, "gru": lstm_jax.GRUCell, "rnn": lstm_jax.SimpleCell}
constant = nnx.initializers.constant


def recorder(calls, value):
    """An initialiser that numbers the entries of its array from `value` on, and notes what it was asked for."""

    def init(key, shape, dtype):
        calls.append((shape, jnp.dtype(dtype)))
        return (value + jnp.arange(np.prod(shape)).reshape(shape)).astype(dtype)

    return init


@pytest.mark.parametrize("kind", CELLS)
def test_without_a_recurrent_initialiser_both_kernels_are_drawn_as_one(kind):
    calls = []
    cell = CELL_TYPES[kind](D, H, kernel_init=recorder(calls, 0), param_dtype=jnp.float16, rngs=nnx.Rngs(0))
    columns = CELLS[kind].num_gates * H
    assert calls == [((D + H, columns), jnp.dtype("float16"))]
    both = np.arange((D + H) * columns).reshape(D + H, columns)
    np.testing.assert_array_equal(cell.input_kernel[...], both[:D].T)
    np.testing.assert_array_equal(cell.hidden_kernel[...], both[D:].T)


@pytest.mark.parametrize("kind", CELLS)
def test_each_initialiser_draws_its_own(kind):
    kernels, recurrent, biases = [], [], []
    gates, bias_size = CELLS[kind].num_gates, CELLS[kind].num_biases * H
    cell = CELL_TYPES[kind](
        D,
        H,
        kernel_init=recorder(kernels, 0),
        recurrent_kernel_init=recorder(recurrent, 100),
        bias_init=recorder(biases, 200),
        forget_bias=None,
        param_dtype=jnp.bfloat16,
        rngs=nnx.Rngs(0),
    )
    shapes = [(D, gates * H), (H, gates * H), (bias_size,)]
    assert [kernels, recurrent, biases] == [[(shape, jnp.dtype("bfloat16"))] for shape in shapes]
    np.testing.assert_array_equal(cell.input_kernel[...], np.arange(D * gates * H).reshape(D, -1).T)
    np.testing.assert_array_equal(cell.hidden_kernel[...], 100 + np.arange(H * gates * H).reshape(H, -1).T)
    np.testing.assert_array_equal(cell.bias[...], np.float32(jnp.bfloat16(200 + np.arange(bias_size))))


@pytest.mark.parametrize(("forget_bias", "expected"), [(1.0, 1.0), (0.0, 0.0), (-2.5, -2.5), (None, 7.0)])
def test_the_bias_of_the_forget_gate(forget_bias, expected):
    cell = lstm_jax.LSTMCell(D, H, bias_init=constant(7.0), forget_bias=forget_bias, rngs=nnx.Rngs(0))
    np.testing.assert_array_equal(cell.bias[...], np.repeat([7.0, expected, 7.0, 7.0], H))


@pytest.mark.parametrize("kind", ["gru", "rnn"])
def test_cells_without_a_forget_gate_keep_their_biases(kind):
    cell = CELL_TYPES[kind](D, H, bias_init=constant(7.0), rngs=nnx.Rngs(0))
    np.testing.assert_array_equal(cell.bias[...], np.full(CELLS[kind].num_biases * H, 7.0))


@pytest.mark.parametrize("kind", ["gru", "rnn"])
@pytest.mark.parametrize("forget_bias", [7.0, 0.0, 1.0, jnp.ones(H)])
def test_cells_without_a_forget_gate_refuse_a_bias_of_it(kind, forget_bias):
    for create in (CELL_TYPES[kind], LAYERS[kind]):
        with pytest.raises(ValueError, match=r"^forget_bias: (GRU|Simple)Cell has no forget gate; leave it out"):
            create(D, H, forget_bias=forget_bias, rngs=nnx.Rngs(0))


@pytest.mark.parametrize("kind", CELLS)
def test_a_layer_passes_every_option_to_every_cell_and_draws_each_anew(kind):
    options = {"bias_init": constant(7.0), "dtype": jnp.bfloat16, "param_dtype": jnp.float16}
    options |= {"forget_bias": 5.0} if kind == "lstm" else {}
    rnn = make(kind, D, H, 2, True, recurrent_kernel_init=constant(3.0), **options)
    assert len(rnn.cells) == 4
    kernels = [np.asarray(cell.input_kernel[...]) for cell in rnn.cells]
    assert [kernel.shape[1] for kernel in kernels] == [D, D, 2 * H, 2 * H]
    assert len({kernel[0, 0].item() for kernel in kernels}) == 4
    for cell in rnn.cells:
        assert (cell.dtype, cell.bias[...].dtype) == (jnp.bfloat16, jnp.float16)
        np.testing.assert_array_equal(cell.hidden_kernel[...], 3.0)
        assert set(np.asarray(cell.bias[...]).tolist()) == ({5.0, 7.0} if kind == "lstm" else {7.0})


def test_the_same_rngs_give_the_same_weights_and_others_give_others():
    first, again, other = (np.asarray(make("lstm", D, H, seed=seed).cells[0].input_kernel[...]) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.any(first == other)
