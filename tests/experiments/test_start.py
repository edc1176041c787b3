"""What a command does before and after its work: nothing twice, and nothing that it does not need."""

import re
import signal
import subprocess
import sys

import pytest

from tests.experiments.commands import ROOT, command, environment

TINY = ["--hidden_size=4", "--batch_size=5", "--num_steps=2", "--cpu_devices=2"]
STRINGS = [*TINY, "--seq_len=4", "--train_size=5"]

PROGRAMS = ["<lambda>", "init_population", "train_chunk", "_row"]
"""The course of the learning rate, the members, their updates, the weights of one member."""

KINDS = {
    "sign_sum": (STRINGS, "--predict=+-I", ["read_along", "_judge_tree"]),
    "count_bits": (STRINGS, "--predict=101", ["read_along", "probabilities", "_judge_tree"]),
    "next_word": (TINY, "--generate=had a general", ["read_whole", "_judge_chunks", "continue_windows"]),
}


def observed(*flags, experiment):
    """What a command says of itself on standard error: which modules it loads, which programs it compiles."""
    words = [sys.executable, "-X", "importtime", "-m", f"experiments.{experiment}", *flags]
    watched = {**environment(), "JAX_LOG_COMPILES": "1", "JAX_ENABLE_COMPILATION_CACHE": "false"}
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, env=watched, timeout=240, check=True)
    loaded = set(re.findall(r"import time:.*\| +(\w+)\n", done.stderr))
    return loaded, re.findall(r"Finished XLA compilation of jit\((.*?)\) in", done.stderr)


@pytest.mark.parametrize("experiment", KINDS)
def test_each_program_is_compiled_once_and_none_for_a_question_alone(experiment, tmp_path):
    flags, question, own = KINDS[experiment]
    folder = f"--workdir={tmp_path}"
    _, compiled = observed(folder, *flags, experiment=experiment)
    known = [name for name in compiled if name in {*PROGRAMS, *own}]
    assert sorted(known) == sorted([*PROGRAMS, *own])
    assert len(compiled) <= len(known) + 3, "JAX makes the random key of a story in three; nothing else is that small"
    loaded, compiled = observed(folder, question, experiment=experiment)
    assert {"jax", "flax"} <= loaded
    assert "matplotlib" not in loaded
    assert not {"init_population", "train_chunk"} & set(compiled)


def test_a_help_that_nobody_reads_to_the_end_ends_silently():
    process = subprocess.Popen(command("--help"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait() == 128 + signal.SIGPIPE
