"""Mistakes, counted by key."""

import collections

import numpy as np

from lstm_jax.training.score import mistakes_by


def test_mistakes_by_key_are_those_of_a_loop():
    rng = np.random.default_rng(0)
    keys, wrong = rng.choice([-7, -1, 0, 3, 1000], 500), rng.random(500) < 0.3
    mistakes, sizes = collections.Counter(keys[wrong].tolist()), collections.Counter(keys.tolist())
    found = mistakes_by(keys, wrong)
    assert found == {key: (mistakes[key], sizes[key]) for key in sorted(sizes)}
    assert list(found) == sorted(found)
    assert mistakes_by(keys[:1], wrong[:1]) == {keys[0]: (int(wrong[0]), 1)}
