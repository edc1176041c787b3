"""Runs that are killed, interrupted, damaged, or started twice."""

import shutil
import signal
import time
from pathlib import Path

import pytest

from lstm_jax.runs.checkpoint import Checkpoints
from tests.experiments.alike import assert_equal_runs
from tests.experiments.commands import SMALL, begin, run, stop, wait_for_checkpoint

LONG = [*SMALL, "--num_steps=4000", "--eval_every=500", "--num_seeds=2", "--valid_size=20", "--patience=50"]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    run(*LONG, f"--workdir={folder}")
    return folder


def test_killed_at_any_moment_and_started_again_it_ends_the_same(tmp_path, undisturbed):
    flags = [*LONG, f"--workdir={tmp_path}"]
    for step in (100, 1300, 2900):
        process = begin(*flags)
        wait_for_checkpoint(tmp_path, step, process)
        status, _ = stop(process, signal.SIGKILL)
        assert status == -signal.SIGKILL
        assert not (tmp_path / "result.json").exists()
    assert "resuming at step" in run(*flags).stdout
    assert_equal_runs(tmp_path, undisturbed)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_saves_and_says_how_to_go_on(tmp_path, undisturbed, number):
    process = begin(*LONG, f"--workdir={tmp_path}")
    wait_for_checkpoint(tmp_path, 200, process)
    status, output = stop(process, number)
    assert status == 130
    *_, saved, line = output.strip().splitlines()
    step = int(saved.split("at step ")[1].split(";")[0])
    assert step == max(Checkpoints(tmp_path / "checkpoints").steps())
    assert "python -m experiments.count_bits " in line
    if number == signal.SIGINT:
        assert f"resuming at step {step:,}" in run(*line.split()[3:]).stdout
        assert_equal_runs(tmp_path, undisturbed)


def test_interrupted_before_training_it_leaves_quietly(tmp_path):
    process = begin(*LONG, f"--workdir={tmp_path}")
    time.sleep(0.7)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in errors


def test_a_damaged_checkpoint_is_reported_and_the_one_before_it_used(tmp_path, undisturbed):
    process = begin(*LONG, f"--workdir={tmp_path}")
    wait_for_checkpoint(tmp_path, 300, process)
    stop(process, signal.SIGKILL)
    newest = max(Checkpoints(tmp_path / "checkpoints").steps())
    for path in (tmp_path / "checkpoints" / str(newest) / "arrays").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:-20])
    output = run(*LONG, f"--workdir={tmp_path}").stdout
    assert f"the checkpoint of step {newest} is damaged" in output
    assert "resuming at step" in output
    assert_equal_runs(tmp_path, undisturbed)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="the system is not Linux")
def test_a_checkpoint_that_cannot_be_read_now_is_said_in_one_line_and_kept(tmp_path, undisturbed):
    shutil.copytree(undisturbed, tmp_path / "run")
    (tmp_path / "run" / "result.json").unlink()
    notes = tmp_path / "run" / "checkpoints" / "4000" / "notes" / "metadata"
    content = notes.read_bytes()
    notes.unlink()
    notes.symlink_to("/proc/self/mem")  # which answers every reader with an error, EIO
    for flags in (LONG, ["--predict=01"]):
        done = run(*flags, f"--workdir={tmp_path / 'run'}", status=1)
        assert len(done.stderr.strip().splitlines()) == 1
        assert "step 4000 cannot be read now (Input/output error), and nothing was changed" in done.stderr
    notes.unlink()
    notes.write_bytes(content)
    assert "resuming at step 4,000" in run(*LONG, f"--workdir={tmp_path / 'run'}").stdout
    assert_equal_runs(tmp_path / "run", undisturbed)


def test_killed_while_it_writes_its_result_nothing_stands_twice(tmp_path, undisturbed):
    shutil.copytree(undisturbed, tmp_path / "run")
    (tmp_path / "run" / "result.json").unlink()
    run(*LONG, f"--workdir={tmp_path / 'run'}")
    assert_equal_runs(tmp_path / "run", undisturbed)


def test_a_second_process_and_other_settings_are_refused(tmp_path):
    flags = [*LONG, f"--workdir={tmp_path}"]
    process = begin(*flags)
    wait_for_checkpoint(tmp_path, 100, process)
    second = run(*flags, status=2)
    assert second.stderr.strip() == f"error: --workdir={tmp_path}: another process is using it"
    stop(process, signal.SIGKILL)
    other = run(*flags, "--hidden_size=9", "--seed=4", status=2)
    assert "--hidden_size=9 (there: 8), --seed=4 (there: 0)" in other.stderr
    assert len(other.stderr.strip().splitlines()) == 1


def test_a_finished_run_is_not_trained_again(undisturbed):
    before = (undisturbed / "metrics.jsonl").read_bytes()
    output = run(*LONG, f"--workdir={undisturbed}").stdout
    assert "This run was finished before" in output
    assert (undisturbed / "metrics.jsonl").read_bytes() == before
