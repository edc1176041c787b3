"""The folder of a run, as it is given on the command line."""

import pytest

from tests.experiments.commands import ROOT, run
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
