"""Five threads compute what one computes, however few cores there are: `team.cc`, compiled without XLA."""

import subprocess
from pathlib import Path

import pytest

from lstm_jax.recurrent.native import build

SOURCE = Path(__file__).with_name("team.cc")
FLAGS = [flag for flag in build.FLAGS if flag not in ("-O3", "-shared", "-fPIC")]


def compiler():
    try:
        found = build.find_compiler()
    except OSError as error:
        pytest.skip(str(error))
    return found or pytest.skip("there is no C++ compiler")


def test_five_threads_compute_what_one_computes(tmp_path):
    program = tmp_path / "team"
    words = [*compiler(), *FLAGS, "-O1", "-pthread", "-I", str(build.FOLDER), str(SOURCE), "-o", str(program)]
    subprocess.run(words, check=True)
    # A thread that waits for ever is a defect, too.
    done = subprocess.run([program], capture_output=True, text=True, check=False, timeout=600)
    assert (done.returncode, done.stdout) == (0, "")
