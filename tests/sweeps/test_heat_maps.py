"""Heat maps: what is in them, against brute force over the rows."""

import dataclasses
import itertools
import math

import numpy as np
from matplotlib.collections import LineCollection, QuadMesh
from matplotlib.patches import Rectangle

from lstm_jax.sweeps.figures import Sweep, percent
from lstm_jax.sweeps.heat_cells import ALL_DROPPED, MEASURES, NO_RESULT, NO_RUN, NOT_REACHED, missing_cells, panels
from lstm_jax.sweeps.heat_maps import heat_maps
from lstm_jax.sweeps.parallel import parallel_coordinates
from lstm_jax.sweeps.points import error_by_setting
from lstm_jax.sweeps.table import summarize
from tests.sweeps.cases import LENGTHS, THRESHOLD
from tests.sweeps.pictured import GRID, SWEEPS, sweep


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


def test_a_heat_map_says_itself_what_it_shows():
    error, success, steps = heat_maps(GRID)
    for picture, title, ends in (
        (error, "Mean error on unseen strings, 8 seeds", ["0%", "10%"]),
        (success, "Share of seeds that solved it (error ≤ 1%), 8 seeds", ["0%", "100%"]),
        (steps, "Updates until solved, median (error ≤ 1%), 8 seeds", ["400", "1,600"]),
    ):
        assert picture.figure.get_suptitle().replace("\n", " ") == picture.title == title
        bar = picture.figure.axes[-1]
        labels = [label.get_text() for label in bar.get_xticklabels()]
        assert [labels[0], labels[-1]] == ends
        assert picture.title not in picture.caption
        (shades,) = bar.findobj(QuadMesh)
        shades.update_scalarmappable()
        light = shades.get_facecolors()[:, :3].sum(axis=1)
        assert (light[0] > light[-1]) == (picture is not success)
    tiny = heat_maps(sweep({"seq_len": [5, 10], "hidden_size": [4, 8]}, 1))[-1]  # with a single number: no scale
    assert (tiny.name, len(tiny.figure.axes)) == ("heat_steps", 1)
    averaged = sweep({"seq_len": [5, 10], "hidden_size": [4, 8], "batch_size": list(range(1, 8))}, 1)
    assert heat_maps(averaged)[0].title == "Mean error on unseen strings, one seed, averaged over batch_size"


def test_a_heat_map_without_any_number_is_left_out():
    error, success = heat_maps(sweep({"seq_len": [40, 50], "hidden_size": [2, 3]}, 2))
    assert (error.name, success.name) == ("heat_error", "heat_success")
    assert "Nowhere did more than half of the seeds solve it" in success.caption
    assert "Nowhere" not in error.caption
    assert not any("Nowhere" in picture.caption for picture in heat_maps(GRID))
    assert not heat_maps(sweep({"seq_len": [40, 50], "hidden_size": [2, 3]}, 2, lambda *_: "no memory"))


def test_cells_whose_seeds_were_dropped_say_so():
    summaries = [dataclasses.replace(one, done=0, dropped=8) for one in GRID.summaries]
    cells = panels(dataclasses.replace(GRID, summaries=summaries), MEASURES[0], tuple(LENGTHS))
    assert missing_cells(cells) == [ALL_DROPPED]
