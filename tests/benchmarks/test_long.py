"""Long sequences: what is computed, how it is told beside what is promised, and what happens where memory ends."""

import dataclasses

import numpy as np
import pytest
from rich.console import Console

from benchmarks import curves, long, point, scaling
from benchmarks.contestants import ours
from benchmarks.curves import Point
from benchmarks.long import Run
from benchmarks.process import NotMeasuredError
from benchmarks.work import Shape, draw
from lstm_jax.recurrent.cells import Weights
from lstm_jax.settings import SettingError
from tests import references

SIZES = {"batch": 1, "time": 11, "features": 1, "hidden": 4}
MIB = 2**20


@pytest.mark.parametrize("remat", [0, 3])
def test_the_loss_looks_at_every_output(remat):
    loss, gradients = point.long(SIZES, {"cell": "lstm", "remat": remat})()
    arrays = draw("lstm", Shape(**SIZES))
    weights = Weights(*(arrays[name].astype(np.float64) for name in ("input_kernel", "hidden_kernel", "bias")))

    def expected(bias):
        outputs = references.lstm(weights._replace(bias=bias), arrays["inputs"][0], np.zeros(4), np.zeros(4))[0]
        return np.mean(np.square(outputs))

    assert float(loss) == pytest.approx(expected(weights.bias), rel=1e-5)
    moves = 1e-5 * np.eye(len(weights.bias))
    slopes = [(expected(weights.bias + move) - expected(weights.bias - move)) / 2e-5 for move in moves]
    np.testing.assert_allclose(gradients["cells"][0]["bias"][...], slopes, rtol=1e-3, atol=1e-6)


def test_segments_are_computed_anew_where_that_is_asked_for():
    arrays = draw("lstm", Shape(**SIZES))
    assert [ours.make_layer("lstm", arrays, np.float32, remat).unrolling.remat for remat in (0, 3)] == [0, 3]


def runs(milliseconds=9_000.0, mebibytes=800, hidden=64):
    """A short sequence takes 6 µs a symbol anew and 5 µs all kept, the long one as many ms as are given."""
    base = {"batch": 1, "time": 64, "features": 1, "hidden": hidden}
    kept = Run(0, base, [Point(10_000, [0.05], 300 * MIB)])
    anew = [Point(10_000, [0.06, 0.01, 0.9], 300 * MIB), Point(1_000_000, [milliseconds / 1e3], mebibytes * MIB)]
    return [kept, Run(1000, base, anew)]


@pytest.mark.parametrize(
    ("milliseconds", "mebibytes", "words"),
    [
        (
            7_500,
            3_071,
            "1.50 times the time a symbol of T = 10,000 (aim: at most 1.5), 3,071 MiB for the whole process",
        ),
        (7_500, 3_072, "NOT reached"),
        (7_600, 800, "1.52 times"),
    ],
)
def test_what_is_promised_beside_what_was_measured(milliseconds, mebibytes, words):
    said = long.verdict(runs(milliseconds, mebibytes))
    assert words in said
    assert ("NOT reached" in said) == (milliseconds > 7_500 or mebibytes >= 3_072)
    assert said in long.markdown(runs(milliseconds, mebibytes))


def test_nothing_is_promised_of_other_sizes():
    assert long.verdict(runs(hidden=32)) == ""
    assert long.verdict(runs()[:1]) == ""
    assert long.verdict([*runs()[:1], Run(1000, runs()[1].base)]) == ""


def test_the_table_relates_to_the_faster_way_through_the_shortest():
    rows = long.table(runs())[1:]
    assert rows[0][2:] == ["50.0 ms", "5.00 µs", "1.00", "300 MiB"]
    assert rows[1] == ["10,000", "segments of 1,000 computed anew", "60.0 ms", "6.00 µs", "1.20", "300 MiB"]
    assert rows[2] == ["1,000,000", "all kept", *["–"] * 4]
    assert rows[3][2:] == ["9.00 s", "9.00 µs", "1.80", "800 MiB"]


def test_the_picture_has_the_promise_as_a_line_where_it_holds():
    for found, aims in ((runs(), [7.5, 3_072]), (runs(hidden=32), [])):
        figure = curves.draw([], lambda above, below, found=found: long.draw(above, below, found))
        dashed = [line for axes in figure.axes for line in axes.lines if line.get_linestyle() == "--"]
        assert [line.get_ydata()[0] for line in dashed] == pytest.approx(aims)


def test_after_a_failure_nothing_longer_is_tried_in_that_way(monkeypatch):
    asked = []

    def measure_point(kind, sizes, chosen, remat):
        asked.append((kind, sizes["batch"], sizes["time"], remat))
        if remat == 0 and sizes["time"] == 30:
            raise NotMeasuredError("its process ended by signal 9")
        return {"seconds": [1.0], "peak_bytes": 7}

    monkeypatch.setattr(scaling, "measure_point", measure_point)
    chosen = dataclasses.replace(scaling.Settings(), long="60,30,10", remat=4)
    (kept, anew), reasons = scaling.measure_long(chosen, Console(quiet=True))
    assert asked == [("long", 1, *pair) for pair in ((10, 0), (10, 4), (30, 0), (30, 4), (60, 4))]
    assert [point.size for point in kept.points] == [10]
    assert [(point.size, point.bytes) for point in anew.points] == [(10, 7), (30, 7), (60, 7)]
    assert reasons == ["not measured from T = 30 on, all kept: its process ended by signal 9"]


def test_something_must_be_measured():
    nothing = dict.fromkeys(("time", "hidden", "batch", "members"), "")
    dataclasses.replace(scaling.Settings(), **nothing).check()
    with pytest.raises(SettingError, match="must name a length"):
        dataclasses.replace(scaling.Settings(), **nothing, long="").check()
    with pytest.raises(SettingError, match=r"^--remat=0: must be an integer of at least 1"):
        dataclasses.replace(scaling.Settings(), remat=0).check()
