"""Stories against a loop that asks the network for one symbol at a time."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax.network.inputs import Embedding
from lstm_jax.network.settings import ModelSettings
from lstm_jax.tasks.objectives import ClassObjective
from lstm_jax.training.generate import Choice, choose, continue_stream, continue_windows
from lstm_jax.training.mesh import Layout
from lstm_jax.training.optimizers import TrainSettings
from lstm_jax.training.sources import Windows
from lstm_jax.training.step import Program

KEY = jax.random.key(0)
PROMPT = np.array([1, 4, 2])


@pytest.fixture(scope="module")
def network():
    model = ModelSettings(hidden_size=6, num_layers=2, impl="scan", readout_stddev=3.0)
    program = Program(
        Embedding(7, 5), model, TrainSettings(), ClassObjective(0, 6), Windows("random", 3, False), Layout(1)
    )
    params = jax.tree.map(lambda leaf: 2 * leaf, jax.tree.map(jnp.asarray, _params(program)))
    return program, params


def _params(program):
    from flax import nnx

    return nnx.state(program.build(KEY), nnx.Param)


def likeliest(program, params, symbols):
    return int(np.argmax(program.with_params(params).last_output(np.asarray(symbols)[:, None])[0][:, 0]))


@pytest.mark.parametrize(("function", "seen"), [(continue_windows, 3), (continue_stream, 1000)])
def test_the_likeliest_symbol_is_read_next(network, function, seen):
    story = list(PROMPT)
    for _ in range(12):
        story.append(likeliest(*network, story[-seen:]))
    told = function(*network, PROMPT, 12, how(0))
    assert list(told) == story[3:]
    assert len(set(story)) > 2  # not the same all the time: what was read before matters


@pytest.mark.parametrize("function", [continue_windows, continue_stream])
def test_what_is_drawn_depends_on_the_key_alone(network, function):
    told = [list(function(*network, PROMPT, 30, how(2, jax.random.key(seed)))) for seed in (1, 1, 2)]
    assert told[0] == told[1] != told[2]


@pytest.mark.parametrize("temperature", [0, 2])
@pytest.mark.parametrize("function", [continue_windows, continue_stream])
def test_a_symbol_that_may_not_be_written_is_not(network, function, temperature):
    free = np.asarray(function(*network, PROMPT, 30, how(temperature)))
    never = int(free[0])
    told = np.asarray(function(*network, PROMPT, 30, how(temperature, never=never)))
    assert never not in told
    if not temperature:
        program, params = network
        outputs = np.array(program.with_params(params).last_output(PROMPT[:, None])[0][:, 0])
        assert told[0] == np.argsort(outputs)[-2], "the next likeliest takes its place"


def how(temperature, key=KEY, never=None, symbols=7):
    return Choice(key, jnp.float32(temperature), np.arange(symbols) == never)


def draw_many(outputs, temperature, top_k, count=20_000, never=None):
    way = how(temperature, never=never, symbols=len(outputs))
    return np.asarray(jax.vmap(lambda number: choose(outputs, way, number, top_k))(jnp.arange(count)))


OUTPUTS = jnp.array([0.5, 2.0, -1.0, 1.5, 0.0, 1.9])


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_draws_follow_the_softmax(temperature):
    shares = np.bincount(draw_many(OUTPUTS, temperature, 0), minlength=6) / 20_000
    expected = np.exp(np.asarray(OUTPUTS) / temperature)
    expected /= expected.sum()
    assert (np.abs(shares - expected) < 4 * np.sqrt(expected * (1 - expected) / 20_000)).all()


@pytest.mark.parametrize(
    ("top_k", "kept"), [(1, [1]), (2, [1, 5]), (3, [1, 3, 5]), (6, [0, 1, 2, 3, 4, 5]), (99, range(6))]
)
def test_top_k_draws_from_the_likeliest_only_and_in_their_proportion(top_k, kept):
    shares = np.bincount(draw_many(OUTPUTS, 1.0, top_k), minlength=6) / 20_000
    expected = np.zeros(6)
    expected[list(kept)] = np.exp(np.asarray(OUTPUTS)[list(kept)])
    expected /= expected.sum()
    assert (shares[expected == 0] == 0).all()
    assert (np.abs(shares - expected) <= 4 * np.sqrt(expected * (1 - expected) / 20_000)).all()


@pytest.mark.parametrize(("top_k", "kept"), [(0, [0, 2, 3, 4, 5]), (2, [3, 5])])
def test_what_is_never_drawn_leaves_the_proportion_of_the_others(top_k, kept):
    shares = np.bincount(draw_many(OUTPUTS, 1.0, top_k, never=1), minlength=6) / 20_000
    expected = np.zeros(6)
    expected[kept] = np.exp(np.asarray(OUTPUTS)[kept])
    expected /= expected.sum()
    assert (np.abs(shares - expected) <= 4 * np.sqrt(expected * (1 - expected) / 20_000)).all()


def test_of_equally_likely_symbols_no_more_than_k_are_drawn_from():
    assert len(set(draw_many(jnp.zeros(50), 1.0, 3))) == 3


def test_at_temperature_zero_nothing_is_drawn():
    assert set(draw_many(OUTPUTS, 0.0, 0, 50)) == {1}
    assert set(draw_many(OUTPUTS, 0.0, 3, 50)) == {1}


def test_a_tiny_temperature_is_the_likeliest_too():
    assert set(draw_many(OUTPUTS, 1e-30, 0, 50)) == {1}


@pytest.mark.parametrize("function", [continue_windows, continue_stream])
def test_each_symbol_is_drawn_anew(network, function):
    program, params = network
    told = function(program, jax.tree.map(jnp.zeros_like, params), PROMPT, 700, how(1))
    assert (np.abs(np.bincount(told, minlength=7) - 100) < 4 * np.sqrt(700 / 7)).all()  # all are equally likely
