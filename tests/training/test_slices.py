"""The spread gradient against Flax's own, with the batch on one device."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import lstm_jax
from lstm_jax.recurrent.native import passes as native
from lstm_jax.training.slices import over_batch, value_and_grad


class Network(nnx.Module):
    """An LSTM with a readout and, if wanted, a dropout."""

    def __init__(self, dropout: float = 0.0, units: int = 24, **layer):
        rngs = nnx.Rngs(0)
        self.rnn = lstm_jax.LSTM(3, units, rngs=rngs, **layer)
        self.readout = nnx.Linear(units, 1, rngs=rngs)
        self.dropout = nnx.Dropout(dropout, rngs=rngs)

    def __call__(self, inputs):
        return self.readout(self.dropout(self.rnn(inputs)[0][:, -1]))


def loss(network, inputs, targets):
    return jnp.mean((network(inputs)[:, 0] - targets) ** 2)


def batch_of(size):
    return jax.random.normal(jax.random.key(1), (size, 20, 3)), jnp.arange(size) / size


@pytest.fixture
def by_xla(monkeypatch):
    """Without the kernel, whose threads make a second device superfluous for small layers."""
    monkeypatch.setattr(native, "available", lambda: False)


@pytest.mark.usefixtures("by_xla")
@pytest.mark.parametrize("size", [1, 7, 200, 500, 1001])
def test_equals_the_gradient_of_the_whole_batch(size):
    equals_the_gradient_of_the_whole_batch(Network(), size)


@pytest.mark.parametrize("size", [7, 256])
def test_equals_it_where_the_kernel_computes(size):
    equals_the_gradient_of_the_whole_batch(Network(units=256), size)


def equals_the_gradient_of_the_whole_batch(network, size):
    value, gradient = jax.jit(value_and_grad(loss))(network, *batch_of(size))
    expected_value, expected = nnx.value_and_grad(loss)(network, *batch_of(size))
    np.testing.assert_allclose(value, expected_value, rtol=1e-5)
    for our, their in zip(*map(jax.tree.leaves, (gradient, expected)), strict=True):
        np.testing.assert_allclose(our, their, atol=1e-6)


def size_of_mesh(network, num_devices=None):
    program = jax.make_jaxpr(value_and_grad(loss, num_devices))(network, *batch_of(500))
    (call,) = [equation for equation in program.eqns if equation.primitive.name == "shard_map"]
    return call.params["mesh"].size


def test_a_large_batch_is_spread_over_both_devices(by_xla):
    assert (size_of_mesh(Network()), size_of_mesh(Network(), 1)) == (2, 1)


@pytest.mark.skipif(not native.available(), reason="no CPU computes here, or the kernel cannot be compiled")
def test_with_the_kernel_a_wide_layer_is_spread_and_a_small_one_has_its_threads():
    assert (size_of_mesh(Network(units=256)), size_of_mesh(Network(units=256), 1), size_of_mesh(Network())) == (2, 1, 1)
    # What others compute is spread, whoever is there.
    assert [size_of_mesh(Network(impl="scan")), size_of_mesh(Network(dtype=jnp.bfloat16))] == [2, 2]


NO_BATCH = "expected an array with the batch as axis 0, not"


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ((jnp.ones((8, 2, 3)), jnp.ones(4)), r"^batch\[1\]: axis 0 \(B\) has size 4, expected 8 as in batch\[0\]"),
        ((), "^expected arrays with the batch as axis 0"),
        ((jnp.ones((8, 2, 3)), jnp.ones(())), rf"^batch\[1\]: {NO_BATCH} an array \[\]$"),
        ((jnp.ones((8, 2, 3)), {"scale": 2.0}), rf"^batch\[1\]\['scale'\]: {NO_BATCH} float$"),
        ((jnp.ones((0, 2, 3)), jnp.ones(0)), r"^batch\[0\]: axis 0 \(B\) has size 0"),
    ],
)
@pytest.mark.parametrize("spread", [value_and_grad, over_batch])
def test_arrays_that_are_no_batch_are_refused(spread, batch, message):
    with pytest.raises(ValueError, match=message):
        spread(loss)(Network(), *batch)


@pytest.mark.parametrize(
    ("num_devices", "wrong"),
    [
        (0, "at least 1, not 0"),
        (-1, "at least 1, not -1"),
        (1.5, "an integer, not 1.5"),
        (True, "an integer, not True"),
    ],
)
@pytest.mark.parametrize("spread", [value_and_grad, over_batch])
def test_what_is_no_number_of_devices_is_refused(spread, num_devices, wrong):
    with pytest.raises(ValueError, match=rf"^num_devices \(None: all there are\) must be {wrong}$"):
        spread(loss, num_devices)(Network(), *batch_of(8))


@pytest.mark.usefixtures("by_xla")
@pytest.mark.parametrize("size", [7, 500])
def test_a_sum_and_what_it_is_to_be_divided_by(size):
    lengths = jnp.sort(
        jax.random.randint(jax.random.key(3), (size,), 0, 21)
    )  # each slice has another number of symbols

    def parts(network, inputs, lengths):
        outputs = network.readout(network.rnn(inputs, None, lengths)[0])[..., 0]
        counted = jnp.arange(20) < lengths[:, None]
        return jnp.sum(jnp.where(counted, outputs**2, 0)), jnp.sum(counted)

    def mean(*arguments):
        total, count = parts(*arguments)
        return total / count

    network, batch = Network(), (batch_of(size)[0], lengths)
    value, gradient = jax.jit(value_and_grad(parts))(network, *batch)
    expected_value, expected = nnx.value_and_grad(mean)(network, *batch)
    np.testing.assert_allclose(value, expected_value, rtol=1e-5)
    for our, their in zip(*map(jax.tree.leaves, (gradient, expected)), strict=True):
        np.testing.assert_allclose(our, their, atol=1e-6)


def test_a_sum_in_bfloat16_is_divided_by_a_count_that_bfloat16_has_not():
    network = Network()
    network.readout.bias[...] = jnp.float32(1)

    def parts(network, inputs):
        return 257 * network.readout.bias[0].astype(jnp.bfloat16), jnp.sum(jnp.ones(len(inputs), int))

    value, gradient = jax.jit(value_and_grad(parts))(network, jnp.ones((257, 1, 3)))
    assert (value.dtype, value) == (jnp.bfloat16, jnp.bfloat16(256 / 257))  # the sum is 256 there
    np.testing.assert_allclose(gradient.readout.bias[...], 256 / 257, rtol=1e-6)


TOTAL, NOT_THESE = (
    jnp.float32(1),
    "(?m)^the loss must return a scalar, or a pair of scalars \\(sum, divisor\\), .*, not ",
)


@pytest.mark.parametrize(
    ("returned", "described"),
    [
        ((TOTAL, TOTAL, TOTAL), r"\(float32\[\], float32\[\], float32\[\]\)$"),
        ((TOTAL, {"accuracy": TOTAL}), r"\(float32\[\], dict\)$"),
        ((TOTAL, None), r"\(float32\[\], NoneType\)$"),
        ((TOTAL,), r"\(float32\[\],\)$"),
        ((TOTAL, jnp.ones(8)), r"\(float32\[\], float32\[8\]\)$"),
        (jnp.ones(8), r"float32\[8\]$"),
        (jnp.int32(1), r"int32\[\]$"),
        ([TOTAL, TOTAL], "list$"),
        (None, "NoneType$"),
    ],
)
def test_what_is_no_loss_is_refused(returned, described):
    with pytest.raises(ValueError, match=NOT_THESE + described):
        jax.jit(value_and_grad(lambda *_: returned))(Network(), *batch_of(8))


def test_strings_without_symbols_have_a_gradient():
    def after_the_last(network, inputs):
        return jnp.mean(network.readout(network.rnn(inputs)[1][0].hidden))

    value, gradient = jax.jit(value_and_grad(after_the_last))(Network(), jnp.ones((8, 0, 3)))
    assert value == 0
    np.testing.assert_array_equal(gradient.readout.bias[...], 1)


def test_each_slice_and_each_call_draws_its_own_dropout():
    def dropped(network, inputs, targets):
        return jnp.mean(network.dropout(jnp.ones((inputs.shape[0], 1))) * inputs[:, 0, :1])

    network, step = Network(dropout=0.5), nnx.jit(value_and_grad(dropped))
    # Each half of the batch holds the same numbers: with the same masks both halves would have the same mean.
    inputs = jnp.tile(jnp.concatenate([jnp.ones(300), -jnp.ones(300)])[:, None, None], (1, 20, 3))
    first, second = step(network, inputs, jnp.zeros(600))[0], step(network, inputs, jnp.zeros(600))[0]
    assert first != 0 and first != second


@pytest.mark.usefixtures("by_xla")
@pytest.mark.parametrize("size", [1, 7, 500, 1000])
def test_outputs_of_a_spread_batch_equal_those_of_the_whole(size):
    network, (inputs, _) = Network(), batch_of(size)
    ours = jax.jit(over_batch(lambda network, inputs: {"outputs": network(inputs)}))(network, inputs)["outputs"]
    np.testing.assert_allclose(ours, network(inputs), atol=1e-6)
    assert len(ours.sharding.device_set) == (2 if size >= 500 else 1)
