"""Verdicts against hand-made results, and the chance against SciPy's t distribution."""

import math

import numpy as np
import pytest
import scipy.stats

from scripts.reproduction.verdicts import BETTER, MET, OPEN, SHORT, chance_of_reaching, judge


@pytest.mark.parametrize("values", [[0.1, 0.3], [0.2, 0.21, 0.25], [1.0, 2.0, 4.0, 3.0, 2.5], list(np.arange(30.0))])
@pytest.mark.parametrize("figure", [-1.0, 0.2, 0.5, 3.0, 40.0])
def test_the_chance_is_that_of_students_t(values, figure):
    scale = np.std(values, ddof=1) * math.sqrt(1 + 1 / len(values))
    expected = scipy.stats.t.sf(figure, len(values) - 1, loc=np.mean(values), scale=scale)
    assert chance_of_reaching(values, figure) == pytest.approx(expected, abs=1e-6)


def test_the_chance_is_that_of_one_more_draw():
    draws = np.random.default_rng(0).normal(size=(4_000, 6))
    chances = np.array([chance_of_reaching(row[:5].tolist(), row[5]) for row in draws])
    for share in (0.025, 0.1, 0.5):  # the chance of the published run, were it one of ours, is uniform
        assert np.mean(chances < share) == pytest.approx(share, abs=0.02)


@pytest.mark.parametrize(
    ("values", "figures", "more_is_better", "word"),
    [
        ([0.01, 0.02, 0.03], [0.021], False, BETTER),
        ([0.01, 0.02, 0.03], [0.019], False, MET),
        ([0.01, 0.02, 0.03], [0.001], False, MET),
        ([0.0199, 0.02, 0.0201], [0.01], False, SHORT),
        ([0.89, 0.90, 0.91], [0.88], True, BETTER),
        ([0.89, 0.90, 0.91], [0.912], True, MET),
        ([0.899, 0.90, 0.901], [0.912], True, SHORT),
        ([0.94], [0.93, 0.952], True, MET),
        ([0.96], [0.93, 0.952], True, BETTER),
        ([0.92], [0.93, 0.952], True, SHORT),
        ([0.0159], [0.016], False, BETTER),
        ([0.016], [0.016], False, MET),
        ([0.0161], [0.016], False, SHORT),
        ([0.016, 0.016], [0.015], False, SHORT),
        ([0.016, 0.016], [0.016], False, MET),
        ([], [0.016], False, OPEN),
    ],
)
def test_verdicts(values, figures, more_is_better, word):
    assert judge(values, figures, more_is_better).word == word
