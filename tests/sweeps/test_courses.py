"""Learning curves: lines, bands and what explains them."""

import dataclasses
import math

from lstm_jax.sweeps.courses import band, best_runs, learning_curves, panel_settings, why_no_curves
from lstm_jax.sweeps.figures import COLORS, FAINT, INK
from tests.sweeps.cases import LENGTHS
from tests.sweeps.pictured import GRID, SWEEPS, ended_at_once, sweep


def test_learning_curves_have_a_line_a_setting_and_those_to_compare_with():
    (picture,) = learning_curves(GRID)
    assert panel_settings(GRID) == ("seq_len",)
    compared = {5: 2, 10: 1, 20: 2, 40: 1}
    for axes, length in zip(picture.figure.axes, LENGTHS["seq_len"], strict=True):
        assert axes.get_title() == f"seq_len={length}"
        assert len(axes.lines) == 4 + 1 + compared[length]  # settings, the threshold, baselines
    legend = [text.get_text() for text in picture.figure.legends[0].get_texts()]
    expected = ["solved: 1%", "always the same: 69% (seq_len=5), 82% (seq_len=20)", "published: 0.1%"]
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


def test_points_that_would_lie_on_each_other_are_no_picture():
    once = ended_at_once(GRID, len(GRID.summaries))
    assert learning_curves(once) == []
    assert why_no_curves(once) == (
        "There are no learning curves: each run was evaluated once. "
        "--set eval_every=200, with another --workdir, evaluates more often."
    )
    assert why_no_curves(GRID) is None
    assert why_no_curves(dataclasses.replace(GRID, curves={})) is None


def test_runs_that_ended_early_are_seen_and_all_others_come_last():
    axes = {"learning_rate": [0.01 * number for number in range(1, 28)], "clip_norm": [0.5, 1.0, 2.0, 4.0]}
    given = sweep(axes, 1)
    (picture,) = learning_curves(ended_at_once(given, 50))
    legend = [text.get_text() for text in picture.figure.legends[0].get_texts()]
    assert [label.split("=")[0].split(":")[0] for label in legend] == (
        ["learning_rate"] * 8 + ["all others", "solved", "always the same", "published"]
    )
    lines = [line for line in picture.figure.axes[0].lines if line.get_color() == FAINT and line.get_linewidth() < 1]
    assert len(lines) == 108 - 8
    assert [line.get_marker() for line in lines] == ["o" if len(line.get_xdata()) == 1 else "None" for line in lines]
    assert sum(len(line.get_xdata()) == 1 for line in lines) == 50


def test_no_setting_looks_like_the_line_of_the_threshold():
    assert len({*COLORS, FAINT, INK}) == len(COLORS) + 2
