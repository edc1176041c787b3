"""Nothing lost: a sweep that is killed at random moments ends with the table of one that was not."""

import random
import time
from pathlib import Path

import pytest

from tests.scripts.commands import begin, kill, rows, sweep, tables

KILLS = 11
SMALL = [
    *("--experiment=count_bits", "--set=train_size=20", "--set=batch_size=10", "--set=seq_len=5,6"),
    *("--set=hidden_size=3", "--set=learning_rate=0.01,1000000.0", "--set=clip_norm=0", "--set=optimizer=sgd"),
    *("--set=readout=number", "--set=num_steps=6000", "--set=log_every=500", "--set=eval_every=500"),
    *("--set=checkpoint_every=250", "--num_seeds=2"),
]


def state(folder: Path) -> list[str]:
    """What has been reached: outcomes and checkpoints."""
    found = [*folder.glob("runs/*/outcome.json"), *folder.glob("groups/*/checkpoints/*")]
    return sorted(str(path) for path in found)


def wait_for_progress(folder: Path, process, seconds: float) -> None:
    """Until something was reached, and then for so long."""
    before, until = state(folder), time.monotonic() + 60
    while process.poll() is None and state(folder) == before and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(seconds)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "sweep"
    sweep(*SMALL, f"--workdir={folder}", status=1)
    return tables(folder)


def test_killed_again_and_again(whole, tmp_path):
    folder, moments, kills = tmp_path / "sweep", random.Random(1), 0
    for number in range(KILLS):
        process = begin(*SMALL, f"--workdir={folder}")
        if number % 3 == 2:  # at any moment, be it before anything was reached
            time.sleep(moments.uniform(0, 4))
        else:
            wait_for_progress(folder, process, moments.uniform(0, 0.2))
        kills += process.poll() is None
        kill(process)
    assert kills == KILLS, "the sweep was done before it was killed so often"
    sweep(*SMALL, f"--workdir={folder}", status=1)
    assert tables(folder) == whole
    assert {row["status"] for row in rows(folder)} == {"done", "failed"}


def test_workers_end_when_nobody_listens_any_more(whole, tmp_path):
    folder = tmp_path / "sweep"
    process = begin(*SMALL, f"--workdir={folder}")
    wait_for_progress(folder, process, 0)
    kill(process, everyone=False)
    sweep(*SMALL, f"--workdir={folder}", status=1)
    assert tables(folder) == whole
