"""Sweeps from the command line: what they leave behind, what is added later, what fails, what is refused."""

import json
import os
import signal

import pytest

from tests.experiments.commands import run
from tests.scripts.commands import TINY, begin, rows, sweep, tables


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A sweep over two lengths and two learning rates, then one more length."""
    folder = tmp_path_factory.mktemp("sweep") / "sweep"
    flags = [*TINY, f"--workdir={folder}", "--set=learning_rate=0.01,0.02", "--num_seeds=2"]
    first = sweep(*flags, "--set=seq_len=5,6")
    times = {path: path.stat().st_mtime_ns for path in folder.glob("runs/*/result.json")}
    second = sweep(*flags, "--set=seq_len=5,6,7")
    return folder, first, times, second


def test_the_table_has_a_row_for_each_run_and_seed(small):
    folder, *_ = small
    found = [(row["seq_len"], row["learning_rate"], row["seed"], row["status"]) for row in rows(folder)]
    expected = [(t, rate, seed, "done") for rate in ("0.01", "0.02") for t in "567" for seed in "01"]
    assert found == expected
    assert [row["seeds"] for row in rows(folder, "summary")] == ["2"] * 6
    for row in rows(folder):
        result = json.loads((folder / row["folder"] / "result.json").read_text())
        (own,) = [seed for seed in result["seeds"] if seed["seed"] == int(row["seed"])]
        assert float(row["test_error"]) == own["test_error"]
    assert (folder / "report.html").read_text().count("<figure") >= 3
    assert not list((folder / "groups").iterdir())


def test_a_folder_in_ones_home_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    sweep(*TINY, "--workdir=~/sweep")
    assert (tmp_path / "sweep" / "report.html").exists()


def test_each_setting_is_said_when_it_is_done(small):
    _, first, _, _ = small
    assert "4 settings x 2 seeds = 8 runs; to do: 2 compiled programs, 320 updates" in first.stdout
    assert {line.split()[0] for line in first.stdout.splitlines()[1:5]} == {"[1/4]", "[2/4]", "[3/4]", "[4/4]"}
    assert "learning_rate=0.01, seq_len=5: error " in first.stdout


def test_only_what_is_new_is_run(small):
    _, _, times, second = small
    assert len(times) == 4
    assert all(path.stat().st_mtime_ns == time for path, time in times.items())
    assert "4 settings done before; to do: 2 compiled programs, 160 updates" in second.stdout
    assert "[5/6]" in second.stdout


def test_the_command_of_a_row_makes_the_same_run(small, tmp_path):
    folder, *_ = small
    row = rows(folder)[3]
    words = row["command"].split()[3:]
    run(*words, f"--workdir={tmp_path / 'alone'}")
    alone = json.loads((tmp_path / "alone" / "result.json").read_text())["seeds"][0]
    assert (alone["test_error"], alone["test_loss"]) == (float(row["test_error"]), float(row["test_loss"]))


def test_the_best_network_is_made_again_and_asked(small):
    folder, _, _, second = small
    *others, line = [line for line in second.stdout.splitlines() if f"--workdir={folder}/best/" in line]
    assert len(others) == 2, "one for each length"
    assert line.startswith("Train it:    ")
    flags = line.split("experiments.count_bits ")[1].split()
    said = run(*flags).stdout
    errors = {row["run"]: float(row["mean_error"]) for row in rows(folder, "summary") if row["seq_len"] == "7"}
    identity, seed = flags[-1].split("/")[-1].split("-")
    assert errors[identity] == min(errors.values())
    (row,) = [row for row in rows(folder) if (row["run"], row["seed"]) == (identity, seed)]
    assert f"Seed {seed}: error {float(row['test_error']):.4%}, " in said
    assert "0101: true count 2\n" in run(flags[-1], "--predict=0101").stdout


def test_a_dry_run_says_what_is_left_and_how_long_it_takes(small):
    folder, *_ = small
    flags = [*TINY, f"--workdir={folder}", "--set=learning_rate=0.01,0.02", "--num_seeds=2", "--dry_run"]
    before = sorted(folder.rglob("*"))
    said = sweep(*flags, "--set=seq_len=7,8,9").stdout
    assert "6 settings x 2 seeds = 12 runs, 2 settings done before; to do: 2 compiled programs" in said
    assert "  seq_len=9: 2 settings x 2 seeds, 160 updates\n    learning_rate=0.01\n    learning_rate=0.02\n" in said
    assert "4 settings of earlier commands are left out of the tables" in said
    assert "expected time: " in said
    assert "not known" not in said
    assert sorted(folder.rglob("*")) == before


def test_lengths_with_few_strings_need_no_further_flags(tmp_path):
    grid = ["--set=seq_len=5,10,20,40", "--set=hidden_size=4,8,16,32", "--num_seeds=8"]
    said = sweep("--experiment=count_bits", *grid, f"--workdir={tmp_path / 'lengths'}", "--dry_run").stdout
    assert "count_bits: 16 settings x 8 seeds = 128 runs; to do: 16 compiled programs, 320,000 updates" in said


def test_a_setting_that_fails_does_not_stop_the_others(tmp_path):
    flags = [
        *(*TINY, f"--workdir={tmp_path / 'fails'}", "--num_seeds=2", "--set=seq_len=5,6", "--set=clip_norm=0"),
        *("--set=optimizer=sgd", "--set=readout=number", "--set=learning_rate=0.001,1000000.0"),
    ]
    said = sweep(*flags, status=1).stdout
    assert "4 seeds of 2 settings failed: " in said
    assert "not finite at step" in next(line for line in said.splitlines() if "4 seeds of 2 settings" in line)
    found = [(row["learning_rate"], row["status"]) for row in rows(tmp_path / "fails")]
    assert found == ([("0.001", "done")] * 2 + [("1000000.0", "failed")] * 2) * 2
    reasons = {row["reason"] for row in rows(tmp_path / "fails") if row["status"] == "failed"}
    assert all("not finite at step" in reason for reason in reasons)
    before = tables(tmp_path / "fails")
    assert "nothing to do" in sweep(*flags, status=1).stdout
    planned = sweep(*flags, "--retry_failed", "--dry_run").stdout
    assert "2 settings done before; to do: 2 compiled programs" in planned
    again = sweep(*flags, "--retry_failed", status=1).stdout
    assert "2 settings done before; to do: 2 compiled programs" in again
    assert tables(tmp_path / "fails") == before


def test_an_interrupted_sweep_says_how_to_go_on(tmp_path):
    folder = tmp_path / "sweep"
    flags = [*TINY, f"--workdir={folder}", "--set=num_steps=200000", "--set=seq_len=5,6,7"]
    flags.remove("--set=num_steps=40")
    process = begin(*flags)
    while not list(folder.glob("groups/*/checkpoints/*/*")) and process.poll() is None:
        pass
    second = sweep(*flags, status=2)
    assert "another process is using it" in second.stderr
    os.kill(process.pid, signal.SIGTERM)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted; resume with:\n" in said
    assert f"--workdir={folder}" in said
    assert list(folder.glob("groups/*/checkpoints/*"))


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--set=seqlen=5"], ["there is no setting seqlen", "the nearest: seq_len"]),
        (["--set=seq_len=5,zero"], ["'zero' must be an integer from 1 to 10,000"]),
        (["--set=seq_len=4,5"], ["--train_size=20", "must be less than the 16 strings", "(with seq_len=4"]),
        (["--set=adam_b2=0.9", "--set=optimizer=sgd"], ["--set=adam_b2=0.9", "has no effect"]),
        (["--set=seq_len=5..9 linear"], ["must say how many values"]),
        (["--random=5", "--set=seq_len=5,6"], ["--random=5", "only 2 different"]),
        (
            ["--learning_rate=0.1"],
            ["--learning_rate: there is no such flag; it is a setting of the runs: --set learning_rate=VALUES"],
        ),
        (["--halving=1"], ["--halving=1"]),
        (["--threshold=2"], ["--threshold=2"]),
        (["--ray_address=auto"], ["has no effect with --executor=local"]),
        (["--preset=none"], ["must be one of fast, paper, exact"]),
        (["--workdir="], ["--workdir"]),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(flags, words, tmp_path):
    done = sweep(*TINY, f"--workdir={tmp_path / 'none'}", *flags, status=2)
    assert len(done.stderr.splitlines()) == 1
    for word in words:
        assert word in done.stderr
    assert not (tmp_path / "none" / "runs").exists()


def test_a_platform_that_is_not_there_is_refused_as_by_a_run(tmp_path):
    flags = ["--platform=tpu", f"--workdir={tmp_path / 'none'}"]
    assert sweep(*TINY, *flags, status=2).stderr == run(*flags, status=2).stderr
    assert not (tmp_path / "none").exists()
    # The machines of a cluster may have what its head has not.
    elsewhere = sweep(*TINY, *flags, "--executor=ray", "--ray_address=127.0.0.1:1", status=2).stderr
    assert "no Ray cluster can be reached there" in elsewhere


def test_an_experiment_is_asked_for(tmp_path):
    done = sweep("--set=hidden_size=4", f"--workdir={tmp_path / 'none'}", status=2)
    assert done.stderr == "error: --experiment=: must name what is run: count_bits, next_word, sign_sum\n"


def test_a_folder_keeps_to_one_sweep(small):
    folder, *_ = small
    done = sweep(*TINY, f"--workdir={folder}", "--set=seq_len=5", "--halving=3", status=2)
    assert "--halving=3: the sweep in " in done.stderr
    for flags, difference in (
        (["--set=seq_len=8,9", "--num_seeds=2", "--set=learning_rate=0.01"], "seq_len: 5, 6, 7 there, 8, 9 here"),
        (["--set=seq_len=5,6", "--num_seeds=3", "--set=learning_rate=0.01"], "num_seeds: 2 there, 3 here"),
    ):
        done = sweep(*TINY, f"--workdir={folder}", *flags, status=2)
        assert f"holds another sweep, of which this command has no run ({difference}); values are" in done.stderr
    assert len(rows(folder)) == 12


def test_runs_and_sweeps_keep_out_of_one_anothers_folders(small):
    folder, *_ = small
    (one, *_) = folder.glob("runs/*")
    assert "holds a run" in sweep(*TINY, f"--workdir={one}", "--set=seq_len=5,6", status=2).stderr
    assert "holds a sweep" in run("--num_steps=10", f"--workdir={folder}", status=2).stderr
    assert not (folder / "config.json").exists()
