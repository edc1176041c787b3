"""Batches of a text against plain loops over its symbols."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_jax.network.inputs import Embedding
from lstm_jax.network.settings import ModelSettings, Scales
from lstm_jax.tasks.objectives import ClassObjective
from lstm_jax.training.mesh import Layout
from lstm_jax.training.optimizers import TrainSettings
from lstm_jax.training.sources import BATCHES, Batch, Moment, Streams, Windows
from lstm_jax.training.step import Common, Hyperparameters, Program, draw_batch, init_member, judge_batch, train_step

KEY = jax.random.key(3)


def whole_batch(rows):
    return rows


def draw(source, size, text, carry, step) -> tuple[Batch, object]:
    batch, carry = source.draw(size, (), jnp.asarray(text), carry, Moment(KEY, jnp.int32(step)), whole_batch)
    return jax.tree.map(np.asarray, batch), carry


@functools.partial(jax.jit, static_argnames=("source", "size", "windows", "updates"))
def draw_places(source, size, windows, updates):
    """Where the windows of so many updates begin, [updates, B]: the codes of the text are their own places."""

    def update(carry, step):
        batch, carry = source.draw(size, (), jnp.arange(windows + source.length), carry, Moment(KEY, step), whole_batch)
        return carry, batch.symbols[:, 0]

    return jax.lax.scan(update, source.begin(KEY, lambda batch: ()), jnp.arange(updates))[1]


def slide(total, length, count, restarts):
    """The tutorial's loop: where each window begins."""
    place, places = restarts.pop(0), []
    for _ in range(count):
        if place > total - length - 1:
            place = restarts.pop(0)
        places.append(place)
        place += length + 1
    return places


@settings(max_examples=12)  # each compiles
@given(st.integers(1, 4), st.integers(1, 30), st.integers(1, 5))
def test_sliding_windows_begin_where_the_tutorial_begins_them(length, windows, size):
    total, updates = windows + length, 6
    places = np.asarray(draw_places(Windows("sliding", length, False), size, windows, updates)).ravel()
    # After the last place the next one is random: it is taken from what was drawn, and must be one of length + 2.
    restarts = [int(places[0])]
    for before, after in itertools.pairwise(places):
        if before + length + 1 > total - length - 1:
            restarts.append(int(after))
    assert all(0 <= place < min(length + 2, windows) for place in restarts)
    np.testing.assert_array_equal(places, slide(total, length, updates * size, restarts))


def test_sliding_windows_begin_again_at_each_of_the_first_places():
    places = np.asarray(draw_places(Windows("sliding", 3, False), 4, 8, 100)).ravel()
    after_last = places[1:][places[:-1] + 4 >= 8]
    shares = np.bincount(after_last, minlength=5) / len(after_last)
    assert len(shares) == 5  # 0 .. length + 1
    assert (np.abs(shares - 0.2) < 4 * np.sqrt(0.16 / len(after_last))).all()


def test_windows_in_turn_are_all_windows_of_the_text():
    text = np.random.default_rng(0).integers(0, 50, 17)
    source = Windows("in_turn", 3, False)
    seen = [draw(source, 4, text, (), step)[0] for step in range(7)]
    place = 0
    for batch in seen:
        for symbols, answer, length in zip(batch.symbols, batch.answers, batch.lengths, strict=True):
            assert list(symbols) == list(text[place : place + 3])
            assert answer == text[place + 3]
            assert length == 3
            place = (place + 1) % 14


def test_random_windows_reach_every_place_and_depend_on_the_step():
    places = np.asarray(draw_places(Windows("random", 3, False), 5, 8, 60))
    assert set(places.ravel()) == set(range(8))
    assert not (places == places[0]).all(axis=1)[1:].all()


@pytest.mark.parametrize("order", ["random", "in_turn", "sliding"])
def test_every_symbol_of_a_window_has_the_one_after_it_as_its_answer(order):
    text = np.random.default_rng(1).integers(0, 50, 40)
    last, every = (Windows(order, 5, every_step) for every_step in (False, True))
    carry = every.begin(KEY, lambda batch: ())
    ours, _ = draw(every, 6, text, carry, 2)
    theirs, _ = draw(last, 6, text, carry, 2)
    np.testing.assert_array_equal(ours.symbols, theirs.symbols)
    np.testing.assert_array_equal(ours.answers[:, -1], theirs.answers)
    np.testing.assert_array_equal(ours.answers[:, :-1], ours.symbols[:, 1:])


@settings(max_examples=20)
@given(st.integers(1, 6), st.integers(1, 5), st.integers(0, 40))
def test_streams_go_on_where_they_were(length, size, extra):
    text = np.arange(length * size + 1 + extra)
    source, stream = Streams(length, size), (len(text) - 1) // size
    chunks = stream // length
    state = (jnp.ones((2, size)),)
    for step in range(2 * chunks + 1):
        batch, carry = draw(source, size, text, state, step)
        assert carry is state
        for row in range(size):
            begin = row * stream + step % chunks * length
            np.testing.assert_array_equal(batch.symbols[row], text[begin : begin + length])
            np.testing.assert_array_equal(batch.answers[row], text[begin + 1 : begin + length + 1])
        # Zeros at the start of each pass, the state as it was everywhere else.
        np.testing.assert_array_equal(batch.start[0][0], np.full((2, size), float(step % chunks > 0)))


def make_program(source, slices=1, batch_size=3, **settings) -> Program:
    model = ModelSettings(hidden_size=4, num_layers=2, impl="scan")
    every_step = isinstance(source, Streams) or source.every_step
    supervise = "every_step" if every_step else "last"
    training = TrainSettings(batch_size=batch_size, supervise=supervise, lr_schedule="constant", **settings)
    layout = Layout(1, 1, 1, slices)
    return Program(Embedding(7, 5), model, training, ClassObjective(0, 6), source, layout)


def hyper(program, rate=0.1):
    return Hyperparameters(rate, 0.0, Scales.of(program.model))


def test_the_state_of_streams_is_carried_as_one_long_unroll_has_it(float64):
    """Losses and gradients of each chunk, weights that stay, against the whole stream in one piece."""
    text = np.random.default_rng(2).integers(0, 7, 3 * 12 + 1)
    program = make_program(Streams(4, 3), optimizer="sgd")
    member = init_member(program, KEY, hyper(program))
    member = jax.tree.map(lambda leaf: leaf.astype(float) if leaf.dtype == jnp.float32 else leaf, member)
    still = hyper(program, 0.0)  # a learning rate of zero: all chunks see the same weights
    common = Common(jnp.ones(9), jnp.asarray(text))
    streams = np.stack([text[row * 12 : row * 12 + 13] for row in range(3)])

    def chunk_loss(params, chunk):
        """The chunk's loss; the state before it comes from reading the whole beginning, without a gradient."""
        model = program.with_params(params)
        before = streams[:, : chunk * 4].T
        state = jax.lax.stop_gradient(model.read_every(before)[1]) if chunk else None
        read, _ = model.read_every(streams[:, chunk * 4 : chunk * 4 + 4].T, state)
        right = streams[:, chunk * 4 + 1 : chunk * 4 + 5].T
        logs = jax.nn.log_softmax(model.read_out(read), axis=0)  # [C, T, B]
        return -jnp.mean(jnp.stack([logs[right[t, b], t, b] for t in range(4) for b in range(3)]))

    expected = jax.jit(jax.value_and_grad(chunk_loss), static_argnums=1)
    update = jax.jit(lambda member: train_step(program, member, (), still, common))
    chunk_gradient = jax.jit(jax.grad(lambda params, batch: judge_batch(program, params, batch).loss))
    for step in range(4):  # the fourth is the first of the next pass
        loss, gradient = expected(member.params, step % 3)
        batch, _ = draw_batch(program, member, (), common.corpus)
        ours = chunk_gradient(member.params, jax.tree.map(lambda leaf: leaf[0], batch))
        for our, their in zip(jax.tree.leaves(ours), jax.tree.leaves(gradient), strict=True):
            np.testing.assert_allclose(our, their, rtol=1e-9, atol=1e-12)
        before = member.totals.loss
        member = update(member)
        np.testing.assert_allclose(member.totals.loss - before, loss, rtol=1e-6)


@pytest.mark.parametrize("order", ["random", "in_turn", "sliding"])
def test_slices_are_the_rows_of_the_whole_batch(order):
    text = jnp.asarray(np.random.default_rng(3).integers(0, 7, 40))
    cut = []
    for slices in (1, 3):
        program = make_program(Windows(order, 3, True), slices, batch_size=6)
        member = init_member(program, KEY, hyper(program))
        cut.append(draw_batch(program, member, (), text))
    (whole, carry), (slices, other_carry) = cut
    for one, several in zip(whole[:3], slices[:3], strict=True):
        assert several.shape[:2] == (3, 2)
        np.testing.assert_array_equal(one[0], several.reshape(6, *several.shape[2:]))
    np.testing.assert_array_equal(carry, other_carry)


def test_batches_have_a_stream_of_random_numbers_of_their_own():
    now = Moment(KEY, jnp.int32(4))
    assert not np.array_equal(*map(jax.random.key_data, (now.draw_key(BATCHES), now.draw_key(2))))
