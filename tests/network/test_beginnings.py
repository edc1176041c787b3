"""Strings that begin alike, read together until they part, against reading every string in full."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from hypothesis import given
from hypothesis import strategies as st

from lstm_jax.network import model as models
from lstm_jax.network.beginnings import all_beginnings, number_beginnings, shared_symbols
from lstm_jax.network.inputs import Embedding, FixedFeatures
from lstm_jax.network.model import SequenceModel
from lstm_jax.network.settings import ModelSettings

pytestmark = pytest.mark.skipif(jax.default_backend() != "cpu", reason="only a CPU shares what strings begin with")

SIGNS = FixedFeatures(((0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)))
STRINGS = np.random.default_rng(0).integers(0, 4, (5, 100), dtype=np.uint8)  # [T, B]: 16 beginnings of two


@given(st.integers(1, 5), st.integers(1, 12), st.integers(1, 3_000))
def test_as_many_symbols_are_shared_as_leave_the_fewest_steps(num_symbols, length, batch):
    def steps(shared):
        return shared * num_symbols**shared + (length - shared) * batch

    shared = shared_symbols(num_symbols, length, batch)
    fewest = min(map(steps, range(length)))
    if shared:
        assert steps(shared) == fewest <= 0.8 * length * batch
        assert 0 < shared < length
    else:
        assert fewest > 0.8 * length * batch


def test_the_published_recipes_share_symbols_and_small_batches_none():
    assert shared_symbols(2, 20, 1_000) == 7
    assert shared_symbols(4, 6, 1_024) == 4
    assert shared_symbols(2, 20, 100) == shared_symbols(2, 20, 1) == shared_symbols(2, 1, 1_000) == 0
    assert shared_symbols(2, 0, 5) == shared_symbols(2, 5, 0) == 0


def test_every_string_finds_its_beginning():
    beginnings = all_beginnings(4, 3)
    assert beginnings.shape == (3, 64)
    np.testing.assert_array_equal(beginnings[:, number_beginnings(4, jnp.asarray(STRINGS[:3]))], STRINGS[:3])


def build(shown=SIGNS, **settings):
    return SequenceModel(ModelSettings(hidden_size=6, **settings), shown, 3, rngs=nnx.Rngs(1))


def last(model, *more):
    outputs, states = model.last_output(jnp.asarray(STRINGS), *more)
    return outputs, states


def every(model, *more):
    outputs, states = model.every_output(jnp.asarray(STRINGS), *more)
    return outputs, states


def with_gradients(read, model, *more):
    graph, params = nnx.split(model)

    def loss(params):
        results = read(nnx.merge(graph, params), *more)
        return sum(jnp.sum(jnp.sin(leaf)) for leaf in jax.tree.leaves(results)), results

    return jax.jit(jax.value_and_grad(loss, has_aux=True))(params)


@pytest.fixture
def lengths_read(monkeypatch):
    """How long the beginnings are that were read."""
    lengths = []
    monkeypatch.setattr(
        models, "all_beginnings", lambda *request: lengths.append(request[1]) or all_beginnings(*request)
    )
    return lengths


@pytest.mark.parametrize("read", [last, every])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"cell": "gru"},
        {"cell": "rnn"},
        {"cell": "flax_lstm"},
        {"num_layers": 2, "read_from": "cell"},
        {"num_layers": 3, "cell": "gru"},
    ],
)
def test_outputs_states_and_gradients_are_those_of_the_textbook(read, settings, lengths_read):
    ours = with_gradients(read, build(**settings))
    assert lengths_read == [2]
    textbook = with_gradients(read, build(**settings, impl="scan"))
    assert lengths_read == [2]  # the textbook reads every string in full
    for our, their in zip(*map(jax.tree.leaves, (ours, textbook)), strict=True):
        np.testing.assert_allclose(our, their, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize(
    ("read", "settings"),
    [
        (last, {"bidirectional": True}),
        *((read, settings) for read in (last, every) for settings in ({"remat": 2}, {"truncate": 2}, {"impl": "scan"})),
    ],
)
def test_what_beginnings_do_not_decide_is_read_in_full(read, settings, lengths_read):
    read(build(**settings))
    assert not lengths_read


def test_nothing_is_shared_from_another_state_with_lengths_or_of_learned_inputs(lengths_read):
    model, batch = build(), STRINGS.shape[1]
    last(model, jnp.full(batch, 3))
    last(model, None, model.initial_state(batch))
    every(model, model.initial_state(batch))
    every(build(Embedding(4, 2)))
    assert not lengths_read
