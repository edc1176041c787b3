"""What a command does before and after its work: nothing twice, and nothing that it does not need."""

import re
import subprocess
import sys

import pytest

from tests.experiments.commands import ROOT, SMALL, environment


def observed(*flags):
    """What a command says of itself on standard error: which modules it loads, which programs it compiles."""
    words = [sys.executable, "-X", "importtime", "-m", "experiments.sign_sum", *flags]
    watched = {**environment(), "JAX_LOG_COMPILES": "1", "JAX_ENABLE_COMPILATION_CACHE": "false"}
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, env=watched, timeout=240, check=True)
    loaded = set(re.findall(r"import time:.*\| +(\w+)\n", done.stderr))
    return loaded, re.findall(r"Finished XLA compilation of jit\((.*?)\) in", done.stderr)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("run")


def test_a_run_compiles_each_program_once(folder):
    _, compiled = observed(f"--workdir={folder}", *SMALL, "--seq_len=4", "--batch_size=20", "--num_steps=2")
    own = ["init_population", "train_chunk", "_row", "read_along", "_judge_tree"]
    assert sorted(set(own)) == sorted(name for name in compiled if name in own)
    assert compiled.count("<lambda>") <= 1  # the course of the learning rate


def test_a_question_draws_no_pictures_and_trains_nothing(folder):
    loaded, compiled = observed(f"--workdir={folder}", "--predict=+-I")
    assert {"jax", "flax"} <= loaded
    assert "matplotlib" not in loaded
    assert not {"init_population", "train_chunk"} & set(compiled)
