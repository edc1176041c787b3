"""One run trained by two processes: the same numbers as from one process, and one end for both."""

import json
import signal
import socket
import subprocess

import numpy as np
import orbax.checkpoint as ocp
import pytest

from lstm_jax.runs.checkpoint import Checkpoints
from tests.experiments.commands import ROOT, SMALL, command, environment, run, wait_for_checkpoint

BATCH = [*SMALL, "--batch_size=64", "--hidden_size=64", "--num_steps=100"]
"""Enough work for two devices: a batch is cut in two."""

MEMBERS = [*SMALL, "--num_steps=1000", "--eval_every=200", "--num_seeds=3", "--valid_size=20", "--patience=50"]
"""An odd number of members: one more fills up the second process."""


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The members trained by one process with two devices."""
    folder = tmp_path_factory.mktemp("alone")
    run(*MEMBERS, f"--workdir={folder}")
    return folder


@pytest.fixture
def begin():
    """Starts processes; none outlives the test."""
    started = []

    def begin(*commands, **variables):
        processes = [
            subprocess.Popen(
                words,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                cwd=ROOT,
                env={**environment(), **variables, **own},
            )
            for words, own in commands
        ]
        started.extend(processes)
        return processes

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def free_port():
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


def by_hand(*flags, second=()):
    """Two processes that are told by flags that they belong together."""
    address = f"--coordinator_address=localhost:{free_port()}"
    return [
        (command(*flags, "--cpu_devices=1", address, "--num_processes=2", f"--process_id={number}", *own), {})
        for number, own in enumerate([(), second])
    ]


def under_slurm(*flags):
    """Two processes that see what `srun --ntasks=2` on one machine tells them."""
    common = {
        "SLURM_JOB_ID": "1",
        "SLURM_NTASKS": "2",
        "SLURM_STEP_NUM_TASKS": "2",
        "SLURM_STEP_NODELIST": "localhost",
        "JAX_COORDINATOR_PORT": str(free_port()),
    }
    words = command(*flags, "--cpu_devices=1")
    return [(words, {**common, "SLURM_PROCID": number, "SLURM_LOCALID": number}) for number in ("0", "1")]


def ended(processes, status):
    """The output of processes that all ended with this status, and what they said to standard error."""
    said = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [status] * len(processes), said
    assert not any("Traceback" in errors for _, errors in said), said
    return said


def assert_same_run(folder, other):
    rows = [
        [json.loads(line) for line in (place / "metrics.jsonl").read_text().splitlines()] for place in (folder, other)
    ]
    timeless = [[{k: v for k, v in row.items() if k != "steps_per_second"} for row in lines] for lines in rows]
    assert timeless[0] == timeless[1]
    ours, theirs = last_arrays(folder), last_arrays(other)
    assert ours.keys() == theirs.keys()
    assert any("optimizer" in name for name in ours)
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name])
    records = [json.loads((place / "config.json").read_text())["settings"] for place in (folder, other)]
    assert records[0]["cpu_devices"] == records[1]["cpu_devices"] == 2


def last_arrays(folder):
    manager = ocp.CheckpointManager(folder / "checkpoints")
    return manager.restore(manager.latest_step(), args=ocp.args.Composite(arrays=ocp.args.StandardRestore())).arrays


def test_a_batch_is_split_between_two_processes(tmp_path, begin):
    both = begin(*by_hand(*BATCH, f"--workdir={tmp_path / 'both'}"))
    (output, errors), (second, _) = ended(both, 0)
    assert errors == ""
    assert "Seed 0: error" in output
    assert "error" not in second  # the second process says nothing of the run
    run(*BATCH, f"--workdir={tmp_path / 'alone'}")
    assert_same_run(tmp_path / "both", tmp_path / "alone")


def test_a_pair_that_died_and_was_interrupted_ends_as_one_process(tmp_path, begin, alone):
    folder = tmp_path / "both"
    flags = [*MEMBERS, f"--workdir={folder}"]
    both = begin(*under_slurm(*flags))
    wait_for_checkpoint(folder, 100, both[0])
    both[1].kill()
    [(_, errors)] = ended(both[:1], 1)
    assert "error: another process of this run ended or cannot be reached" in errors

    both = begin(*under_slurm(*flags))
    wait_for_checkpoint(folder, 400, both[0])
    both[1].send_signal(signal.SIGINT)
    (_, first), second = ended(both, 130)
    assert f"interrupted at step {max(Checkpoints(folder / 'checkpoints').steps()):,}" in first
    assert "interrupted" not in "".join(second)

    (output, _), _ = ended(begin(*under_slurm(*flags)), 0)
    assert "resuming at step" in output
    assert_same_run(folder, alone)
    assert "3 seeds: mean" in output
    assert "true count 4" in run(f"--workdir={folder}", "--predict=01100101").stdout


def test_what_one_process_refuses_ends_both(tmp_path, begin):
    both = begin(*by_hand(*BATCH, f"--workdir={tmp_path}", second=["--seed=1"]))
    for _, errors in ended(both, 2):
        assert errors == "error: --process_id=1: was started with other settings than 0: --seed=1 (there: 0)\n"
    (tmp_path / "config.json").mkdir()  # what only the first process sees
    both = begin(*by_hand(*BATCH, f"--workdir={tmp_path}"))
    for _, errors in ended(both, 2):
        assert f"{tmp_path / 'config.json'} cannot be read" in errors
        assert len(errors.splitlines()) == 1


def test_flags_that_belong_together():
    done = run("--num_processes=2", status=2)
    assert done.stderr == "error: --num_processes=2: needs --coordinator_address and --process_id as well\n"


def test_a_question_is_answered_by_one_process(alone):
    flags = ["--coordinator_address=host0:1", "--num_processes=2", "--process_id=1"]
    assert "is done by one process; leave out" in run(f"--workdir={alone}", "--predict=01", *flags, status=2).stderr
