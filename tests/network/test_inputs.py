"""What the network is shown of a symbol, and where its weights begin."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from lstm_jax.network import inputs
from lstm_jax.network.inputs import Code, Embedding, FixedFeatures, OneHot, look_up
from lstm_jax.network.model import SequenceModel
from lstm_jax.network.settings import ModelSettings, Scales

SYMBOLS = np.array([[3, 0, 6], [1, 1, 5]])


@pytest.mark.parametrize("most", [0, 256])
def test_rows_of_a_table_are_looked_up_by_a_product_or_a_gather(most, monkeypatch):
    monkeypatch.setattr(inputs, "SMALL_ALPHABET", most)
    table = jax.random.normal(jax.random.key(0), (7, 4))
    rows = look_up(jnp.asarray(SYMBOLS), table)
    np.testing.assert_array_equal(rows, np.moveaxis(np.asarray(table)[SYMBOLS], -1, 0))
    gradient = jax.grad(lambda table: jnp.sum(look_up(jnp.asarray(SYMBOLS), table) ** 2))(table)
    times = np.bincount(SYMBOLS.ravel(), minlength=7)
    np.testing.assert_allclose(gradient, 2 * np.asarray(table) * times[:, None], rtol=1e-6)


@pytest.mark.parametrize("size", [1, 2, inputs.FEW_SYMBOLS, inputs.FEW_SYMBOLS + 1])
def test_fixed_features_are_rows_of_their_table_for_any_alphabet(size):
    rng = np.random.default_rng(size)
    rows, symbols = rng.normal(size=(size, 3)).astype(np.float32), rng.integers(0, size, (5, 4), dtype=np.uint8)
    shown = FixedFeatures(tuple(map(tuple, rows.tolist()))).show(jnp.asarray(symbols), None)
    np.testing.assert_array_equal(shown, np.moveaxis(rows[symbols], -1, 0))


def test_codes_and_one_hot_codes_and_fixed_features():
    np.testing.assert_array_equal(Code().show(jnp.asarray(SYMBOLS), None), SYMBOLS[None])
    assert Code().show(jnp.asarray(SYMBOLS), None).dtype == jnp.float32
    shown = np.asarray(OneHot(7).show(jnp.asarray(SYMBOLS), None))
    np.testing.assert_array_equal(np.moveaxis(shown, 0, -1), np.eye(7)[SYMBOLS])
    rows = ((0.0, 1.0), (2.0, 3.0))
    np.testing.assert_array_equal(FixedFeatures(rows).show(jnp.array([1, 0]), None), np.array(rows)[[1, 0]].T)
    assert [kind.width for kind in (Code(), OneHot(7), Embedding(7, 5), FixedFeatures(rows))] == [1, 7, 5, 2]
    assert [kind.table_shape for kind in (Code(), OneHot(7), FixedFeatures(rows))] == [None] * 3


def build(shown, seed=0, scales=None, **settings):
    model = ModelSettings(hidden_size=5, impl="scan", **settings)
    return SequenceModel(model, shown, 7, scales, rngs=nnx.Rngs(seed))


def test_tied_weights_are_one_parameter_whose_gradient_has_both_uses():
    tied, apart = build(Embedding(7, 5, tied=True)), build(Embedding(7, 5))
    assert not hasattr(tied, "readout_kernel")
    names = {path[0] for path, _ in nnx.to_flat_state(nnx.state(tied, nnx.Param))}
    assert names == {"embedding", "readout_bias", "recurrent"}
    # The same network with two copies of the table: its two gradients add up to the one of the table that is shared.
    nnx.update(apart, nnx.state(tied, nnx.Param))
    apart.readout_kernel[...] = tied.embedding[...]

    def loss(model):
        outputs, _ = model.last_output(jnp.asarray(SYMBOLS))
        return jnp.mean(jax.nn.logsumexp(outputs, axis=0) - outputs[2])

    np.testing.assert_allclose(loss(tied), loss(apart), rtol=1e-6)
    shared, two = nnx.grad(loss)(tied), nnx.grad(loss)(apart)
    both = two["embedding"][...] + two["readout_kernel"][...]
    np.testing.assert_allclose(shared["embedding"][...], both, rtol=1e-5, atol=1e-7)
    assert float(jnp.abs(two["embedding"][...]).max()) > 1e-4 < float(jnp.abs(two["readout_kernel"][...]).max())


def moments(numbers):
    return float(np.mean(numbers)), float(np.std(numbers))


TRUNCATED = 0.8796
"""Standard deviation of a standard normal number between -2 and 2 (scipy.stats.truncnorm(-2, 2).std())."""


def large(**settings):
    """A network with weights enough for their moments to be told."""
    model = ModelSettings(hidden_size=100, impl="scan", **settings)
    return SequenceModel(model, Embedding(400, 60), 400, rngs=nnx.Rngs(1))


def test_truncated_normal_weights_have_their_mean_and_bounds():
    network = large(kernel_init="normal", kernel_mean=-0.2, kernel_stddev=0.1, readout_stddev=0.3, readout_bias=0.4)
    kernels = np.concatenate([np.asarray(leaf).ravel() for leaf in network.recurrent.cells[0].weights[:2]])
    mean, deviation = moments(kernels)
    assert mean == pytest.approx(-0.2, abs=0.002)
    assert deviation == pytest.approx(0.1 * TRUNCATED, rel=0.02)
    assert np.abs(kernels + 0.2).max() <= 0.2 + 1e-6
    readout = np.asarray(network.readout_kernel)
    assert moments(readout) == (pytest.approx(0, abs=0.005), pytest.approx(0.3 * TRUNCATED, rel=0.02))
    assert 0.55 < np.abs(readout).max() <= 0.6 + 1e-6
    np.testing.assert_array_equal(network.readout_bias, np.full(400, np.float32(0.4)))


def test_normal_weights_are_not_cut_off():
    network = large(readout_init="normal", readout_stddev=0.5, readout_bias=2.0, readout_bias_stddev=0.5)
    readout, bias = np.asarray(network.readout_kernel), np.asarray(network.readout_bias)
    assert moments(readout) == (pytest.approx(0, abs=0.01), pytest.approx(0.5, rel=0.02))
    assert np.abs(readout).max() > 1.5
    assert moments(bias) == (pytest.approx(2, abs=0.1), pytest.approx(0.5, rel=0.15))
    assert moments(np.asarray(network.embedding)) == (pytest.approx(0, abs=0.03), pytest.approx(1, rel=0.02))


def test_scales_that_are_traced_give_the_weights_of_those_that_are_not():
    settings = ModelSettings(
        hidden_size=5,
        impl="scan",
        kernel_init="normal",
        kernel_mean=-0.2,
        forget_bias=0.7,
        readout_stddev=0.9,
        readout_bias=0.1,
        readout_bias_stddev=0.3,
    )
    plain = ModelSettings(hidden_size=5, impl="scan", kernel_init="normal")

    @jax.jit
    def traced(scales):
        return nnx.state(SequenceModel(plain, Embedding(7, 3), 7, scales, rngs=nnx.Rngs(4)), nnx.Param)

    expected = nnx.state(SequenceModel(settings, Embedding(7, 3), 7, rngs=nnx.Rngs(4)), nnx.Param)
    ours = traced(Scales.of(settings))
    for our, their in zip(jax.tree.leaves(ours), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(our, their, rtol=1e-5, atol=1e-7)
    for name in Scales._fields:
        other = dataclasses.replace(settings, **{name: getattr(settings, name) + 0.5})
        changed = traced(Scales.of(other))
        same = [np.array_equal(a, b) for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(changed), strict=True)]
        assert not all(same), name
