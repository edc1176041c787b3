"""Verdicts against hand-made results."""

import pytest

from scripts.reproduction.verdicts import BETTER, MET, OPEN, SHORT, judge


@pytest.mark.parametrize(
    ("values", "figures", "more_is_better", "word"),
    [
        ([0.01, 0.02, 0.03], [0.021], False, BETTER),
        ([0.01, 0.02, 0.03], [0.019], False, MET),
        ([0.01, 0.02, 0.03], [0.001], False, SHORT),
        ([0.0199, 0.02, 0.0201], [0.01], False, SHORT),
        ([0.89, 0.90, 0.91], [0.88], True, BETTER),
        ([0.89, 0.90, 0.913], [0.912], True, MET),
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


def test_the_seeds_that_are_as_good_are_counted():
    assert judge([0.01, 0.02, 0.03], [0.02], False).as_good == 2
    assert judge([0.93, 0.94, 0.96], [0.935, 0.952], True).as_good == 2, "of a range its worse end"
