"""Pictures: what is in them, against brute force over the rows; that nothing is cut off."""

import dataclasses
import itertools
import math
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.patches import Rectangle

from lstm_jax.sweeps.baselines import baseline_handles
from lstm_jax.sweeps.courses import band, best_runs, learning_curves, panel_settings
from lstm_jax.sweeps.figures import Baseline, Sweep, percent, save
from lstm_jax.sweeps.heat_cells import ALL_DROPPED, MEASURES, NO_RESULT, NO_RUN, NOT_REACHED, missing_cells, panels
from lstm_jax.sweeps.heat_maps import heat_maps
from lstm_jax.sweeps.parallel import parallel_coordinates
from lstm_jax.sweeps.pictures import draw
from lstm_jax.sweeps.points import error_by_setting
from lstm_jax.sweeps.table import sort_rows, summarize
from tests.sweeps.cases import LENGTHS, THRESHOLD, run_of, some_fail, sweep_of

BASELINES = (
    Baseline("always the same", 0.69, {"seq_len": 5}),
    Baseline("always the same", 0.82, {"seq_len": 20}),
    Baseline("published", 0.001),
)


def sweep(axes, num_seeds, failures=None, baselines=BASELINES):
    rows, curves = sweep_of(axes, num_seeds, failures=failures)
    rows = sort_rows(rows)
    return Sweep(rows, summarize(rows, THRESHOLD), curves, tuple(axes), THRESHOLD, baselines)


def drawn_at_random():
    rng = np.random.default_rng(0)
    rows, curves = [], {}
    for number in range(20):
        settings = {
            "learning_rate": float(rng.uniform(0.001, 0.1)),
            "cell": "gru" if number % 2 else "a $\\long$ _word_",
        }
        own, curve = run_of(settings, 2, varied=list(settings))
        rows, curves = rows + own, {**curves, own[0].run: curve}
    rows = sort_rows(rows)
    varied = ("learning_rate", "cell")
    return Sweep(rows, summarize(rows, THRESHOLD), curves, varied, THRESHOLD, BASELINES, drawn=varied[:1])


DIAGONAL = {(0.011, 0.3), (0.013, 1.7), (0.04, 2.9)}


def few_draws():
    """Three draws of two settings: a heat map would be empty but for its diagonal."""
    given = sweep({"learning_rate": [0.011, 0.013, 0.04], "clip_norm": [0.3, 1.7, 2.9]}, 2)
    rows = [row for row in given.rows if tuple(row.varied.values()) in DIAGONAL]
    return dataclasses.replace(given, rows=rows, summaries=summarize(rows, THRESHOLD), drawn=given.varied)


GRID = sweep(LENGTHS, 8, some_fail)
THREE = {"seq_len": [5, 10], "hidden_size": [4, 8], "num_layers": [1, 2]}
SWEEPS = {
    "grid": (GRID, "heat_error heat_success heat_steps learning_curves parallel_coordinates"),
    "one setting": (sweep({"hidden_size": [4, 8, 16]}, 3), "error_by_hidden_size learning_curves"),
    "three settings": (
        sweep(THREE, 2),
        "heat_error heat_success heat_steps error_by_num_layers learning_curves parallel_coordinates",
    ),
    "one run": (sweep({"hidden_size": [8]}, 1), "learning_curves"),
    "nothing varies": (sweep({}, 2), "learning_curves"),
    "all failed": (
        sweep({"hidden_size": [4, 8]}, 2, lambda *_: "no memory", ()),
        "error_by_hidden_size learning_curves",
    ),
    "few draws": (few_draws(), "error_by_learning_rate error_by_clip_norm learning_curves parallel_coordinates"),
    "random": (drawn_at_random(), "error_by_learning_rate error_by_cell learning_curves parallel_coordinates"),
}


@pytest.mark.parametrize("name", SWEEPS)
def test_pictures_are_written_and_nothing_is_cut_off(name, tmp_path):
    one, expected = SWEEPS[name]
    pictures = draw(one)
    assert [picture.name for picture in pictures] == expected.split()
    for picture in pictures:
        svg = save(picture, tmp_path)
        assert (tmp_path / f"{picture.name}.png").read_bytes().startswith(b"\x89PNG")
        assert (tmp_path / f"{picture.name}.svg").read_text() == svg
        ElementTree.fromstring(svg)
        picture.figure.draw_without_rendering()
        whole, (width, height) = picture.figure.get_tightbbox(), picture.figure.get_size_inches()
        assert whole.x0 >= 0 and whole.y0 >= 0 and whole.x1 <= width and whole.y1 <= height, (picture.name, whole)
        boxes = [part.get_tightbbox() for part in (*picture.figure.axes, *picture.figure.legends)]
        assert not any(a.padded(-1).overlaps(b.padded(-1)) for a, b in itertools.combinations(boxes, 2))


def test_equal_sweeps_make_equal_files(tmp_path):
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        for picture in draw(sweep(THREE, 2)):
            save(picture, folder)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_heat_maps_hold_the_numbers_of_the_rows():
    numbers = {measure.name: panels(GRID, measure, ("seq_len", "hidden_size")) for measure in MEASURES}
    for (y, length), (x, size) in itertools.product(*(list(enumerate(values)) for values in LENGTHS.values())):
        own = [row for row in GRID.rows if tuple(row.varied.values()) == (length, size)]
        errors = [row.test_error for row in own if row.test_error is not None]
        error, success, steps = (numbers[name][0].cells[y][x] for name in ("error", "success", "steps"))
        assert own[0].command.replace("--seed=0", "--seed=0 --num_seeds=8") in error.title
        if not errors:
            assert {error.missing, success.missing, steps.missing} == {NO_RESULT}
            continue
        median = np.median([row.steps_to_solve or math.inf for row in own])
        partial = f"\n{len(errors)} of 8" if len(errors) < 8 else ""
        assert error.text == percent(np.mean(errors)) + partial
        assert success.text == percent(sum(error <= THRESHOLD for error in errors) / 8) + partial
        assert steps.missing == (None if np.isfinite(median) else NOT_REACHED)
        assert steps.text == (f"{median:,.0f}{partial}" if np.isfinite(median) else "")
    best = {name: [cell.goodness for row in part[0].cells for cell in row] for name, part in numbers.items()}
    assert (
        max(filter(None, best["error"])) == max(filter(None, best["success"])) == max(filter(None, best["steps"])) == 1
    )


def test_cells_of_runs_that_were_not_made_are_marked():
    rows = [row for row in GRID.rows if row.varied != {"seq_len": 5, "hidden_size": 4}]
    part = Sweep(rows, summarize(rows, THRESHOLD), GRID.curves, GRID.varied, THRESHOLD)
    cells = panels(part, MEASURES[0], ("seq_len", "hidden_size"))
    assert cells[0].cells[0][0].missing == NO_RUN and missing_cells(cells) == [NO_RUN, NO_RESULT]


def test_other_settings_are_panels_or_averaged():
    three = SWEEPS["three settings"][0]
    assert [panel.label for panel in panels(three, MEASURES[0], ("seq_len", "hidden_size"))] == [
        "num_layers=1",
        "num_layers=2",
    ]
    many = sweep({"seq_len": [5, 10], "hidden_size": [4, 8], "batch_size": list(range(1, 8))}, 1)
    (panel,) = panels(many, MEASURES[0], ("seq_len", "hidden_size"))
    errors = [row.test_error for row in many.rows if row.settings["seq_len"] == row.settings["hidden_size"] + 6 == 10]
    assert len(errors) == 7 and panel.cells[1][0].text == percent(np.mean(errors))


def test_figures_have_all_cells_lines_and_points():
    for picture in heat_maps(GRID):
        cells = {patch.get_gid() for patch in picture.figure.findobj(Rectangle) if patch.get_gid()}
        assert cells == picture.titles.keys() and len(cells) == 16
    (parallel,) = parallel_coordinates(GRID)
    segments = [len(lines.get_segments()) for lines in parallel.figure.findobj(LineCollection)]
    assert sorted(segments) == [10, 118]
    (points,) = error_by_setting(SWEEPS["one setting"][0])
    dots = [line for line in points.figure.axes[0].lines if line.get_marker() == "o"]
    assert len(dots) == 9


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


def test_cells_whose_seeds_were_dropped_say_so():
    summaries = [dataclasses.replace(one, done=0, dropped=8) for one in GRID.summaries]
    cells = panels(dataclasses.replace(GRID, summaries=summaries), MEASURES[0], tuple(LENGTHS))
    assert missing_cells(cells) == [ALL_DROPPED]


def test_baselines_of_a_text_are_told_apart():
    names = [*(f"{order}-gram" for order in range(1, 5)), "best possible", "published"]
    drawn = tuple(Baseline(name, 0.1) for name in names)
    one = dataclasses.replace(GRID, baselines=drawn)
    _, *handles = baseline_handles(one, drawn)
    assert len({str(handle._unscaled_dash_pattern) for handle in handles}) == len(handles) == len(names)
