"""Ceilings and n-grams, against dictionaries filled symbol by symbol."""

import collections
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_jax.runs.texts import read_text
from lstm_jax.tasks.baselines import MAX_ORDER, ceiling, name_windows, ngram_scores
from lstm_jax.tasks.corpus import make_corpus
from lstm_jax.tasks.next_word import NextWord
from lstm_jax.tasks.text_settings import TextSettings

CODES = st.lists(st.integers(0, 3), max_size=60)


def follow(codes, length):
    """What follows each context, with how often."""
    table = collections.defaultdict(collections.Counter)
    for place in range(length, len(codes)):
        table[tuple(codes[place - length : place])][codes[place]] += 1
    return table


def probability(tables, history, code, num_symbols):
    """Witten-Bell, from the recursion: the longest context first."""
    if not tables:
        return 1 / num_symbols
    *lower, longest = tables
    following = longest.get(tuple(history[len(history) - len(lower) :]))
    below = probability(lower, history, code, num_symbols)
    if following is None:
        return below
    times = sum(following.values())
    return (following[code] + len(following) * below) / (times + len(following))


def guess(tables, history):
    """The most frequent continuation of the longest context that is known, the smallest of equally frequent ones."""
    for length in reversed(range(len(tables))):
        following = tables[length].get(tuple(history[len(history) - length :]))
        if following:
            return min(following, key=lambda code: (-following[code], code))
    return 0


@given(CODES, st.integers(0, 12))
def test_equal_windows_have_the_same_name_and_others_do_not(codes, length):
    if length > len(codes):
        return
    windows = [tuple(codes[place : place + length]) for place in range(len(codes) - length + 1)]
    names = list(name_windows(np.array(codes, np.int32), length))
    assert len(names) == len(windows)
    assert len(set(zip(names, windows, strict=True))) == len(set(names)) == len(set(windows))
    assert max(names, default=0) < max(len(set(windows)), 1)


@given(CODES, st.integers(0, 12))
def test_the_ceiling_is_a_plain_count(codes, context):
    right = sum(max(following.values()) for following in follow(codes, context).values())
    assert ceiling(np.array(codes, np.int32), context) == (right, max(len(codes) - context, 0))
    never = 1
    able = sum(
        max([0, *(n for code, n in after.items() if code != never)]) for after in follow(codes, context).values()
    )
    assert ceiling(np.array(codes, np.int32), context, never)[0] == able


@pytest.mark.parametrize(
    ("context", "windows", "published"), [(1, 203, 130 / 203), (2, 202, 0.916), (3, 201, 199 / 201), (4, 200, 0.995)]
)
def test_the_ceilings_of_the_fable(context, windows, published):
    codes = make_corpus(read_text(TextSettings()), TextSettings()).train
    right, counted = ceiling(codes, context)
    assert counted == windows
    assert abs(right / windows - published) < 5e-4


@given(st.lists(st.integers(0, 3), min_size=9, max_size=60), CODES, st.integers(1, 7))
def test_n_grams_are_those_of_dictionaries(train, test, context):
    num_symbols = 5
    test = test if len(test) > context else []
    scored = test or train
    scores = ngram_scores(np.array(train, np.int32), np.array(test, np.int32), num_symbols, context)
    assert [score.order for score in scores] == list(range(1, min(context + 1, MAX_ORDER) + 1))
    for score in scores:
        tables = [follow(train, length) for length in range(score.order)]
        places = range(context, len(scored))
        right = [guess(tables, scored[:place]) == scored[place] for place in places]
        loss = [-math.log(probability(tables, scored[:place], scored[place], num_symbols)) for place in places]
        assert score.accuracy == pytest.approx(np.mean(right))
        assert score.perplexity == pytest.approx(math.exp(np.mean(loss)))


@given(st.lists(st.integers(0, 3), min_size=9, max_size=40), CODES, st.integers(0, 4))
def test_probabilities_sum_to_one(train, history, length):
    """Of the module itself: a test part of one window for each symbol that may follow, under any history."""
    num_symbols, context = 6, max(len(history), length, 1)
    history = ([0] * context + history)[-context:]
    scores = [
        ngram_scores(np.array(train, np.int32), np.array([*history, code], np.int32), num_symbols, context)
        for code in range(num_symbols)
    ]
    for of_order in zip(*scores, strict=True):
        assert sum(1 / score.perplexity for score in of_order) == pytest.approx(1)


@given(st.lists(st.integers(0, 3), min_size=9, max_size=60), st.integers(1, MAX_ORDER - 1))
def test_without_a_test_part_the_full_order_reaches_the_ceiling(codes, context):
    codes = np.array(codes, np.int32)
    right, windows = ceiling(codes, context)
    scores = ngram_scores(codes, codes[:0], 4, context)
    assert scores[-1].accuracy == pytest.approx(right / windows)


def test_published_figures_stay_below_the_ceiling_of_the_fable():
    one, two = (NextWord().published({"num_layers": layers}) for layers in (1, 2))
    assert (one["accuracy"], one["error"], one["loss"]) == ([0.906, 0.912], 0.088, 0.416)
    assert (two["accuracy"], two["error"]) == ([0.93, 0.952], 0.048)
    codes = make_corpus(read_text(TextSettings()), TextSettings()).train
    right, windows = ceiling(codes, 3)
    assert max(two["accuracy"]) < right / windows
