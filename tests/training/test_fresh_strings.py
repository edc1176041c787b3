"""Strings drawn anew, and how far a network carries, against plain loops."""

import jax
import numpy as np
import pytest

from lstm_jax.runs.setup import make_setup
from lstm_jax.tasks.sign_sum import SignSum
from lstm_jax.tasks.strings import Strings, running_answers
from lstm_jax.training.evaluate import read_whole
from lstm_jax.training.evaluate_prefixes import score_prefixes
from lstm_jax.training.fresh_strings import FreshStrings, draw_codes
from lstm_jax.training.growth import GrowingExamples, Growth, shortest_first
from lstm_jax.training.sources import Batch, Moment
from tests.training.cases import small_config, start, train

TASK = SignSum()


def drawn(step=0, updates=0, **changes):
    source = FreshStrings(
        TASK, **{"shortest": 0, "growth": Growth(1, 9, updates), "skew": 1.0, "every_step": True} | changes
    )
    batch, _ = source.draw(64, (), (), (), Moment(jax.random.key(3), np.int32(step)), lambda rows: rows)
    return [np.asarray(leaf) for leaf in batch[:3]]


@pytest.mark.parametrize("shortest", [0, 1, 4])
def test_the_answers_are_those_of_the_task(shortest):
    codes, lengths, answers = drawn(shortest=shortest)
    expected = running_answers(TASK, Strings(codes, lengths))
    np.testing.assert_array_equal(answers, expected)
    assert set(lengths) == (set(range(shortest, 10)) if shortest else {9})
    *_, last = drawn(shortest=shortest, every_step=False)
    np.testing.assert_array_equal(last, expected[np.arange(64), lengths - 1])


def test_every_update_has_strings_of_its_own():
    first, again, next_one = drawn(0)[0], drawn(0)[0], drawn(1)[0]
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, next_one)


def test_strings_grow_evenly_to_their_full_length():
    lengths = [int(drawn(step, updates=16)[1][0]) for step in range(20)]
    assert lengths == [min(9, 1 + (8 * (step + 1)) // 16) for step in range(20)]


def test_a_fixed_set_is_drawn_from_its_short_strings_first():
    lengths = np.random.default_rng(0).integers(3, 10, 500)
    examples = shortest_first(Batch(np.arange(500), lengths, 2 * np.arange(500)))
    source = GrowingExamples(Growth(3, 9, 12))
    for step in range(15):
        moment = Moment(jax.random.key(3), np.int32(step))
        batch, _ = source.draw(2_000, examples, (), (), moment, lambda rows: rows)
        allowed = lengths <= min(9, 3 + (6 * (step + 1)) // 12)
        assert set(batch.lengths.tolist()) == set(lengths[allowed].tolist())
        assert len(set(batch.symbols.tolist())) > 0.9 * allowed.sum()
        np.testing.assert_array_equal(batch.lengths, lengths[batch.symbols])
        np.testing.assert_array_equal(batch.answers, 2 * batch.symbols)


def test_a_set_without_short_strings_begins_with_the_shortest():
    examples = shortest_first(Batch(np.arange(3), np.array([9, 7, 8]), np.arange(3)))
    moment = Moment(jax.random.key(3), np.int32(0))
    batch, _ = GrowingExamples(Growth(1, 9, 100)).draw(5, examples, (), (), moment, lambda rows: rows)
    assert batch.lengths.tolist() == [7] * 5


def test_skew_makes_strings_uneven_but_favours_no_symbol():
    even, uneven = (np.asarray(draw_codes(jax.random.key(1), (4000, 12), 4, skew)) for skew in (0.0, 3.0))
    for codes in (even, uneven):
        np.testing.assert_allclose(np.bincount(codes.ravel(), minlength=4) / codes.size, 0.25, atol=0.03)
    most_frequent = [np.mean([np.bincount(row).max() for row in codes]) for codes in (even, uneven)]
    assert most_frequent[0] < 6.5 < 9 < most_frequent[1]


def test_each_prefix_is_scored_as_a_string_of_its_own():
    setup = make_setup(small_config(train_size=0, readout="number", test_seq_len=11, test_size=30))
    params = jax.tree.map(lambda leaf: leaf[0], train(setup, start(setup), 5).params)
    problem = setup.problem
    strings = problem.strings(0).test
    score = score_prefixes(setup.program, problem.task, params, strings)
    for length in range(1, 12):
        outputs = read_whole(setup.program, params, strings.codes[:, :length], np.full(30, length)).outputs
        wrong = np.round(np.asarray(outputs)[:, 0]) != strings.codes[:, :length].sum(axis=1)
        assert score.by_length[length] == (int(wrong.sum()), 30)
    assert (score.mistakes, score.size) == score.by_length[11]
    np.testing.assert_allclose(
        score.loss, np.mean((np.asarray(outputs)[:, 0] - strings.codes.sum(axis=1)) ** 2), rtol=1e-5
    )
    assert sum(size for _, size in score.by_answer.values()) == 30


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"growth": 0.5},
        {"min_seq_len": 2},
        {"supervise": "last", "growth": 1.0},
        {"train_size": 20, "growth": 0.5, "min_seq_len": 1},
    ],
)
def test_a_member_learns_from_fresh_and_from_growing_strings(settings):
    config = small_config(**{"train_size": 0, "supervise": "every_step", "readout": "number", **settings})
    setup = make_setup(config)
    members = train(setup, start(setup), 12)
    assert np.all(np.isfinite(np.asarray(members.totals.loss)))
