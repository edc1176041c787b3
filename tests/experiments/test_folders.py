"""The folder of a run, as it is given on the command line."""

import signal

import pytest

from tests.experiments.commands import ROOT, begin, run, stop, wait_for_checkpoint
from tests.experiments.test_count_bits import SMALL, assert_one_line


@pytest.mark.parametrize("content", ['{"architectures": ["A"]}', "[1]"])
def test_a_folder_of_something_else_gets_one_line_and_status_2(tmp_path, content):
    (tmp_path / "config.json").write_text(content)
    for flags in (SMALL, ["--predict=01"]):
        assert_one_line(run(*flags, f"--workdir={tmp_path}", status=2), str(tmp_path))


def test_a_folder_in_ones_home_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert f"in {tmp_path}/first\n" in run(*SMALL, "--num_steps=20", "--workdir=~/first").stdout
    assert (tmp_path / "first" / "result.json").exists()
    assert "true count 1" in run("--workdir=~/first", "--predict=01").stdout
    assert "This run was finished before" in run(*SMALL, "--num_steps=20", "--workdir=~/first").stdout
    assert not (ROOT / "~").exists()


def test_a_run_that_goes_on_is_asked_and_not_disturbed(tmp_path):
    training = begin(*SMALL, "--num_steps=1000000", "--checkpoint_every=20", f"--workdir={tmp_path}")
    wait_for_checkpoint(tmp_path, 20, training)
    said = [run(f"--workdir={tmp_path}", *ask).stdout for ask in (["--predict=01"], ["--interactive"])]
    assert training.poll() is None
    assert all("This network has had " in one and " of its 1,000,000 updates." in one for one in said)
    assert "true count 1" in said[0]
    status, output = stop(training, signal.SIGINT)
    assert (status, "damaged" in "".join([output, *said])) == (130, False)
    assert not list(tmp_path.glob("checkpoints/damaged-*"))
