"""Successive halving, against the table in the paper and updates counted one by one."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_jax.settings import SettingError
from lstm_jax.sweeps.rungs import Rung, describe, plan_rungs, survivors, updates


def test_the_first_bracket_of_hyperband():
    # Li et al. (2018), table 1, s = 4: 81, 27, 9, 3, 1 configurations for 1, 3, 9, 27, 81 units.
    assert plan_rungs(81, 81, 3, 1) == [(1, 27), (3, 9), (9, 3), (27, 1)]
    assert updates(plan_rungs(81, 81, 3, 1), 81, 81) == 81 * 1 + 27 * 2 + 9 * 6 + 3 * 18 + 1 * 54


def test_rungs_that_meet_are_one_and_the_end_is_none():
    assert plan_rungs(2_000, 27, 3, 100) == [(100, 9), (300, 3), (700, 1)]
    assert plan_rungs(2_000, 27, 3, 500) == [(500, 3), (1_000, 1)]
    assert plan_rungs(2_000, 27, 3, 2_000) == []
    assert plan_rungs(2_000, 2, 3, 100) == []
    assert describe([], 2_000, 2).startswith("no rung")


def test_what_is_saved_is_said():
    assert describe([Rung(500, 2)], 1_000, 4) == "of 4 members, 2 go on at 500: 3,000 of 4,000 updates, 25% saved"


@pytest.mark.parametrize("halving", [1, 0, -3])
def test_a_factor_below_two_is_refused(halving):
    with pytest.raises(SettingError, match=f"--halving={halving}: must be"):
        plan_rungs(100, 9, halving, 10)


@given(st.integers(1, 3_000), st.integers(1, 60), st.integers(2, 5), st.integers(1, 400))
def test_updates_against_counting(num_steps, members, halving, every):
    rungs = plan_rungs(num_steps, members, halving, every)
    alive, total, left = members, 0, dict(rungs)
    for step in range(num_steps):
        alive = left.get(step, alive)
        total += alive
    assert updates(rungs, num_steps, members) == total <= num_steps * members
    steps, counts = [rung.step for rung in rungs], [members, *(rung.survivors for rung in rungs)]
    assert steps == sorted(set(steps))
    assert all(0 < step < num_steps and step % every == 0 for step in steps)
    assert all(1 <= after <= before // halving for before, after in itertools.pairwise(counts))


NUMBERS = st.sampled_from([0.0, 0.5, 0.25, 1.0, math.nan, math.inf, -math.inf])


@given(st.lists(NUMBERS, min_size=1, max_size=12), st.integers(0, 12))
def test_survivors_against_repeated_choice(scores, count):
    left, chosen = dict(enumerate(scores)), []
    while left and len(chosen) < count:
        finite = {place: score for place, score in left.items() if np.isfinite(score)}
        best = min(finite.values()) if finite else None
        chosen.append(min(place for place in left if best is None or left[place] == best))
        del left[chosen[-1]]
    assert survivors(scores, count) == sorted(chosen)
