"""Learning curves: lines, bands and what explains them."""

import math

from lstm_jax.sweeps.courses import band, best_runs, learning_curves, panel_settings
from tests.sweeps.cases import LENGTHS
from tests.sweeps.pictured import GRID, SWEEPS


def test_learning_curves_have_a_line_a_setting_and_those_to_compare_with():
    (picture,) = learning_curves(GRID)
    assert panel_settings(GRID) == ("seq_len",)
    compared = {5: 2, 10: 1, 20: 2, 40: 1}
    for axes, length in zip(picture.figure.axes, LENGTHS["seq_len"], strict=True):
        assert axes.get_title() == f"seq_len={length}"
        assert len(axes.lines) == 4 + 1 + compared[length]  # settings, the threshold, baselines
    legend = [text.get_text() for text in picture.figure.legends[0].get_texts()]
    expected = ["solved: 1 %", "always the same: 69 %, 82 %", "published: 0.1 %"]
    assert legend == [*(f"hidden_size={size}" for size in LENGTHS["hidden_size"]), *expected]
    (many,) = learning_curves(SWEEPS["random"][0])
    assert len(many.figure.axes[0].lines) == 20 + 3 and len(many.figure.axes[0].collections) == 8


def test_bands_against_numpy():
    curves = [[(100, 0.5), (200, 0.25)], [(100, 0.25), (200, math.nan)], [(100, 1.0)]]
    assert band(curves) == [(100, 0.25, 0.5, 1.0), (200, 0.25, 0.25, 0.25)]
    assert band([]) == []


def test_the_best_lines_are_those_that_came_furthest_and_ended_lowest():
    ends = {**{f"early {number}": (4, number / 100) for number in range(20)}, "late": (12, 0.9), "later": (12, 0.3)}
    bands = {run: [(2, 0.0, 0.0, 0.0), (step, error, error, error)] for run, (step, error) in ends.items()}
    assert best_runs(bands, bands) == {"late", "later", *(f"early {number}" for number in range(6))}
