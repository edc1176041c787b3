"""The table of a sweep: read back with the standard library, summaries against NumPy."""

import csv
import io
import json
import math
import random
import shlex

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lstm_jax.sweeps import results
from lstm_jax.sweeps.collect import curves, read_metrics, read_result, steps_to_reach
from lstm_jax.sweeps.table import sort_rows, summarize
from tests.sweeps.cases import LENGTHS, THRESHOLD, run_of, some_fail, sweep_of

ROWS, CURVES = sweep_of(LENGTHS, 8, failures=some_fail)


def read(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_csv_and_json_hold_every_row(tmp_path):
    results.write_tables(tmp_path, ROWS, THRESHOLD)
    cells, objects = read(tmp_path / "results.csv"), (tmp_path / "results.jsonl").read_text().splitlines()
    assert len(cells) == len(objects) == len(ROWS) == 128
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "results.csv",
        "results.jsonl",
        "summary.csv",
        "summary.jsonl",
    ]
    assert list(cells[0])[:5] == ["experiment", "run", "seq_len", "hidden_size", "seed"]
    assert [name for name in read(tmp_path / "summary.csv")[0] if name.endswith("_error")] == [
        *("mean_error", "sd_error", "best_error")  # a column `std_error` would be taken for a standard error
    ]
    for row, cell, line in zip(sort_rows(ROWS), cells, objects, strict=True):
        entry = json.loads(line)
        assert cell.keys() == entry.keys()
        assert {name: results.show(value) for name, value in entry.items()} == cell
        assert (int(cell["seq_len"]), int(cell["hidden_size"]), int(cell["seed"])) == (*row.varied.values(), row.seed)
        assert (row.test_error is None and cell["test_error"] == "") or float(cell["test_error"]) == row.test_error
        assert entry["setting.test_size"] == 10_000 and entry["test_size"] in (1_000, None)
        assert (cell["status"] == "done") == (cell["reason"] == "")
        assert f"--seq_len={row.settings['seq_len']} " in cell["command"]


def test_the_order_of_ends_and_wall_times_leave_no_trace(tmp_path):
    texts = []
    for number in range(3):
        rows = [row for row in ROWS if number < 2 or row.settings["seq_len"] != 5]
        random.Random(number).shuffle(rows)
        (folder := tmp_path / str(number)).mkdir()
        results.write_tables(folder, rows, THRESHOLD)
        texts.append([path.read_bytes() for path in sorted(folder.iterdir())])
    assert texts[0] == texts[1] != texts[2]
    assert (tmp_path / "0/results.csv").read_text().splitlines()[0].endswith(",wall_seconds")


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
def test_any_text_is_read_back(reason, word):
    rows, _ = run_of({"cell": word}, 2, varied=["cell"], failures={1: reason})
    table = [results.row_cells(row) for row in rows]
    cells = list(csv.DictReader(io.StringIO(results.csv_text(table), newline="")))
    assert (
        cells[1]["reason"] == json.loads(results.jsonl_text(table).split("\n")[1])["reason"] == (reason or "no result")
    )
    assert cells[0]["cell"] == word
    assert shlex.split(cells[0]["command"]) == ["python", "-m", "experiments.count_bits", f"--cell={word}", "--seed=0"]


def test_values_are_written_as_flags_take_them():
    (row,), _ = run_of({"bidirectional": True, "learning_rate": 0.1 + 0.2}, 1, varied=["bidirectional"])
    (cells,) = csv.DictReader(io.StringIO(results.csv_text([results.row_cells(row)])))
    assert cells["bidirectional"] == "true" and float(cells["learning_rate"]) == 0.1 + 0.2
    assert row.command == "python -m experiments.count_bits --bidirectional=true --seed=0"


def test_summaries_against_numpy():
    summaries = {tuple(one.varied.values()): one for one in summarize(ROWS, THRESHOLD)}
    assert list(summaries) == [(length, size) for length in (5, 10, 20, 40) for size in (4, 8, 16, 32)]
    for key, one in summaries.items():
        own = [row for row in ROWS if tuple(row.varied.values()) == key]
        errors = np.array([row.test_error for row in own if row.status == "done"])
        assert (one.seeds, one.done) == (8, len(errors))
        assert one.success_rate == np.sum(errors <= THRESHOLD) / 8
        steps = np.median([row.steps_to_solve or math.inf for row in own])
        assert one.median_steps_to_solve == (steps if np.isfinite(steps) else None)
        assert one.command.endswith("--seed=0 --num_seeds=8")
        if len(errors):
            expected = [errors.mean(), errors.std(ddof=1), errors.min()]
            np.testing.assert_allclose([one.mean_error, one.sd_error, one.best_error], expected, rtol=1e-12)
    assert summaries[40, 32].mean_error is None and summaries[40, 32].done == 0
    assert summaries[20, 4].done == 6


def test_one_seed_has_no_spread():
    rows, _ = run_of({}, 1, varied=[])
    (one,) = summarize(rows, THRESHOLD)
    assert one.sd_error is None and one.mean_error == one.best_error == rows[0].test_error


def test_steps_to_reach_are_those_of_the_first_evaluation():
    metrics = [
        {"step": 100, "split": "train", "error": 0.0},
        {"step": 100, "split": "test", "error": 0.5},
        {"step": 200, "split": "test", "error": 0.01},
        {"step": 300, "split": "test", "error": 0.4},
        {"step": 400, "split": "test", "error": 0.0},
    ]
    assert steps_to_reach(metrics, 0.01) == 200
    assert steps_to_reach(metrics, 0.0) == 400
    assert steps_to_reach(metrics[:2], 0.01) is steps_to_reach([], 1) is None


def test_a_runs_folder_is_read(tmp_path):
    assert read_result(tmp_path) is None and read_metrics(tmp_path) == []
    (tmp_path / "result.json").write_text('{"seeds": []}')
    lines = [
        {"step": 20, "split": "test", "seed": 1, "error": 0.5},
        {"step": 10, "split": "test", "seed": 1, "error": 0.75},
        {"step": 10, "split": "train", "seed": 1, "error": 0.25},
    ]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"step": 30, "spl')
    assert read_result(tmp_path) == {"seeds": []}
    assert read_metrics(tmp_path) == lines
    assert curves(lines) == {1: [(10, 0.75), (20, 0.5)]}
