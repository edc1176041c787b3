"""What the machine cannot read or write is no failure of a run: nothing is lost, and the same command goes on later."""

import os
import signal
from pathlib import Path

import pytest

from tests.scripts.commands import TINY, begin, rows, sweep

FLAGS = [*TINY, "--set=num_steps=20000", "--set=checkpoint_every=2000", "--set=seq_len=5"]
FLAGS.remove("--set=num_steps=40")
FLAGS.remove("--set=checkpoint_every=20")


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="the system is not Linux")
def test_a_checkpoint_that_cannot_be_read_now_is_kept_and_gone_on_from(tmp_path):
    flags = [*FLAGS, f"--workdir={tmp_path / 'sweep'}"]
    process = begin(*flags)
    while not list(tmp_path.glob("sweep/groups/*/checkpoints/[0-9]*/_CHECKPOINT_METADATA")) and process.poll() is None:
        pass
    os.kill(process.pid, signal.SIGTERM)
    assert process.communicate(timeout=60) and process.returncode == 130
    paths = list(tmp_path.glob("sweep/groups/*/checkpoints/[0-9]*/notes/metadata"))
    content = {path: path.read_bytes() for path in paths}
    assert content
    for path in paths:
        path.unlink()
        path.symlink_to("/proc/self/mem")  # whoever reads it hears of an Input/output error
    for retried in ([], ["--retry_failed"]):
        done = sweep(*flags, *retried, status=1)
        (line,) = [line for line in done.stdout.splitlines() if "cannot be read now (Input/output error)" in line]
        assert line.startswith("a group of 1 is left as it is: ")
        assert done.stderr.splitlines()[-2] == "not all could be done, and nothing is lost; resume with:"
        assert not list(tmp_path.glob("sweep/runs/*/outcome.json"))
    for path in paths:
        path.unlink()
        path.write_bytes(content[path])
    sweep(*flags)
    assert [row["status"] for row in rows(tmp_path / "sweep")] == ["done"]
