"""The layers under JAX's and Flax's transformations, and in training."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from jax.sharding import PartitionSpec

from lstm_jax.recurrent.cells import CELLS
from lstm_jax.recurrent.layers import LSTM
from tests.recurrent import cases
from tests.recurrent.cases import assert_close, expected

B, T, D, H = 4, 6, 3, 5
INPUTS = jax.random.normal(jax.random.key(0), (B, T, D))
KINDS = pytest.mark.parametrize("kind", CELLS)
WHOLE, SPLIT = PartitionSpec(), PartitionSpec("batch")


def make(kind, **arguments):
    return cases.make(kind, D, H, **arguments)


def loss(rnn, inputs):
    return jnp.sum(rnn(inputs)[0] ** 2)


def close(ours, theirs):
    for our, their in zip(*map(jax.tree.leaves, (ours, theirs)), strict=True):
        np.testing.assert_allclose(our, their, rtol=1e-4, atol=1e-5)


def on_two_devices(function, in_specs, out_specs):
    """The function under `jax.shard_map` as it comes, with its check of what varies from device to device."""
    if jax.device_count() < 2:
        pytest.skip("needs two devices")
    mesh = jax.make_mesh((2,), ("batch",), axis_types=(jax.sharding.AxisType.Auto,))
    return jax.jit(jax.shard_map(function, mesh=mesh, in_specs=in_specs, out_specs=out_specs))


@pytest.mark.parametrize(("kind", "impl"), [*cases.PATHS, ("flax_lstm", "scan")])
def test_shard_map_over_the_batch(kind, impl):
    rnn = make(kind, impl=impl)
    gradient = on_two_devices(jax.grad(loss), (WHOLE, SPLIT), WHOLE)
    close(gradient(rnn, INPUTS), jax.jit(jax.grad(loss))(rnn, INPUTS))


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(("kind", "impl"), [("lstm", "auto"), ("gru", "auto"), ("rnn", "scan")])
def test_shard_map_of_padded_sequences_in_segments(kind, impl):
    rnn = cases.make(kind, D, 64, 1, True, impl=impl, remat=2, truncate=3, param_dtype=jnp.float64)
    batch = (cases.random_state(rnn, B), jnp.array([T, 2, 0, 5]), np.random.default_rng(1).random((B, T)) < 0.3)
    graph, params = nnx.split(rnn)

    def total(params, inputs, state, lengths, resets):
        return sum(
            jnp.sum(jnp.sin(leaf)) for leaf in jax.tree.leaves(nnx.merge(graph, params)(inputs, state, lengths, resets))
        )

    def on_device(*given):
        value, gradients = jax.value_and_grad(total, argnums=(0, 1, 2))(*given)
        return jax.lax.psum(value, "batch"), gradients

    given = params, jnp.float64(INPUTS), *batch
    spread = on_two_devices(on_device, (WHOLE, *[SPLIT] * 4), (WHOLE, (WHOLE, SPLIT, SPLIT)))
    unspread = jax.jit(jax.value_and_grad(total, argnums=(0, 1, 2)))
    cases.assert_close(spread(*given), unspread(*given), rtol=1e-10, atol=1e-12)


def test_shard_map_over_the_weights_of_an_ensemble():
    rnns = [make("lstm"), cases.make("lstm", D, H, seed=1)]
    graph = nnx.split(rnns[0])[0]
    params = jax.tree.map(lambda *leaves: jnp.stack(leaves), *(nnx.split(rnn)[1] for rnn in rnns))

    def on_device(params, inputs):
        one = jax.tree.map(lambda leaf: leaf[0], params)
        return jax.grad(lambda inputs: loss(nnx.merge(graph, one), inputs))(inputs)

    gradient = on_two_devices(on_device, (SPLIT, WHOLE), WHOLE)(params, INPUTS)
    close(gradient, sum(jax.jit(jax.grad(loss, argnums=1))(rnn, INPUTS) for rnn in rnns))


@KINDS
def test_shard_map_of_a_cell_in_the_loop_of_flax(kind):
    cell = make(kind).cells[0]
    gradient = jax.grad(lambda cell, inputs: jnp.sum(nnx.RNN(cell)(inputs) ** 2))
    close(on_two_devices(gradient, (WHOLE, SPLIT), WHOLE)(cell, INPUTS), jax.jit(gradient)(cell, INPUTS))


@KINDS
def test_shard_map_of_a_loop_over_single_symbols(kind):
    def total(rnn, inputs):
        def read(state, symbol):
            outputs, state = rnn.step(symbol, state)
            return state, outputs

        return jnp.sum(jax.lax.scan(read, rnn.initial_state(len(inputs)), jnp.swapaxes(inputs, 0, 1))[1] ** 2)

    spread, unspread = on_two_devices(jax.grad(total), (WHOLE, SPLIT), WHOLE), jax.jit(jax.grad(loss))
    close(spread(make(kind), INPUTS), unspread(make(kind), INPUTS))


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_vmap_over_inputs_lengths_and_resets(kind):
    rnn, inputs = make(kind), jnp.stack([INPUTS, 2 * INPUTS])
    lengths = jnp.array([[T, 2, 0, 4], [1, T, 3, 0]])
    resets = jax.random.bernoulli(jax.random.key(1), 0.3, (2, B, T))
    ours = jax.jit(jax.vmap(lambda *given: rnn(given[0], None, *given[1:])))(inputs, lengths, resets)
    for number in range(2):
        own = jax.tree.map(lambda leaf, number=number: leaf[number], ours)
        assert_close(own, expected(rnn, inputs[number], None, lengths[number], resets[number]), atol=1e-5)


@KINDS
def test_checkpoint_around_a_layer(kind):
    rnn = make(kind)
    close(*jax.jit(lambda *given: [jax.grad(one)(*given) for one in (jax.checkpoint(loss), loss)])(rnn, INPUTS))


@KINDS
def test_a_scan_around_a_layer_carries_its_state(kind):
    rnn = make(kind)
    pieces = jnp.swapaxes(INPUTS.reshape(B, 3, 2, D), 0, 1)

    def piece(state, inputs):
        outputs, state = rnn(inputs, state)
        return state, outputs

    final, outputs = jax.jit(lambda: jax.lax.scan(piece, rnn.initial_state(B), pieces))()
    close((np.concatenate(outputs, axis=1), final), expected(rnn, INPUTS))


def test_an_ensemble_of_layers_under_vmap():
    @nnx.vmap(in_axes=0, out_axes=0)
    def build(key):
        return LSTM(D, H, rngs=nnx.Rngs(params=key))

    ensemble = build(jax.random.split(jax.random.key(1), 2))
    graph, params = nnx.split(ensemble)
    gradients = jax.jit(jax.vmap(jax.grad(lambda params: loss(nnx.merge(graph, params), INPUTS))))(params)
    gradient = jax.jit(jax.grad(lambda params: loss(nnx.merge(graph, params), INPUTS)))
    for number in range(2):
        one = jax.tree.map(lambda leaf, number=number: leaf[number], (params, gradients))
        close(one[1], gradient(one[0]))


def test_an_optimizer_of_flax_trains_it():
    """Remembers the first symbol's sign to the end of the string."""

    class Network(nnx.Module):
        def __init__(self):
            self.rnn, self.readout = make("lstm"), nnx.Linear(H, 1, rngs=nnx.Rngs(1))

        def __call__(self, inputs):
            return self.readout(self.rnn(inputs)[0][:, -1])[:, 0]

    network = Network()
    optimizer = nnx.Optimizer(network, optax.adam(0.02), wrt=nnx.Param)
    inputs = jax.random.normal(jax.random.key(2), (64, T, D))
    targets = jnp.sign(inputs[:, 0, 0])

    @nnx.jit
    def step(network, optimizer):
        value, gradient = nnx.value_and_grad(lambda network: jnp.mean((network(inputs) - targets) ** 2))(network)
        optimizer.update(network, gradient)
        return value

    losses = [float(step(network, optimizer)) for _ in range(150)]
    assert losses[-1] < 0.3 * losses[0]


@KINDS
def test_a_layer_is_a_tree_of_its_parameters(kind):
    rnn = make(kind, num_layers=2, bidirectional=True)
    doubled = jax.tree.map(lambda leaf: 2 * leaf, rnn)
    assert type(doubled) is type(rnn) and len(jax.tree.leaves(rnn)) == 4 * 3
    close(doubled.cells[3].bias[...], 2 * rnn.cells[3].bias[...])
