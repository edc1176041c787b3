"""The command of the sign game: what it learns, what it answers, sign by sign."""

import json
import re

import pytest

from tests.experiments.commands import run


def play(*flags, **how):
    return run(*flags, experiment="sign_sum", **how)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("signs")
    play(f"--workdir={folder}", "--cpu_devices=2")
    return folder


def test_the_default_run_learns_the_game(trained):
    (seed,) = json.loads((trained / "result.json").read_text())["seeds"]
    assert seed["test_size"] == 3_072
    # On another processor other bits are lost, and a few strings with them.
    assert seed["test_mistakes"] <= 30


def test_the_sum_after_each_sign_beside_the_true_one(trained):
    lines = play(f"--workdir={trained}", "--predict=00-+++,-I--").stdout.splitlines()
    assert "00-+++: true sum 2" in lines
    assert "-I--: true sum 1" in lines
    shown = [line.split() for line in lines if line.startswith("    ")]
    assert shown[0] == list("00-+++")
    assert shown[1] == ["true", "0", "0", "-1", "0", "1", "2"]
    assert shown[2][:2] == ["seed", "0"]
    assert shown[4] == ["true", "-1", "-1", "0", "1"]


def test_a_string_that_was_in_training_is_said_to_be_so(trained):
    from lstm_jax.runs.config import RunConfig
    from lstm_jax.runs.string_problem import StringProblem
    from lstm_jax.tasks.sign_sum import SignSum
    from lstm_jax.tasks.strings import decode

    settings = json.loads((trained / "config.json").read_text())["settings"]
    codes = StringProblem(RunConfig(SignSum()).replace(settings)).strings(0).train.codes
    known = decode(codes[0], SignSum().alphabet)
    assert re.search("seed 0: .*; in the training set", play(f"--workdir={trained}", f"--predict={known}").stdout)


def test_the_game_goes_on_without_end(trained):
    lines = play(f"--workdir={trained}", "--interactive", typed="-I\n--x\n!+\n").stdout.splitlines()[1:]
    assert [re.search(r"true (-?\d+)", line)[1] for line in lines if "true" in line] == ["-1", "-1", "0", "1", "1"]
    assert any("'x' is not one of 0, +, -, I" in line for line in lines)
    assert "a new string" in lines


def test_longer_strings_are_tested_prefix_by_prefix(tmp_path):
    flags = ["--preset=long", "--num_steps=40", "--seq_len=6", "--test_seq_len=9", "--test_size=50", "--eval_every=40"]
    output = play(*flags, f"--workdir={tmp_path}").stdout
    (seed,) = json.loads((tmp_path / "result.json").read_text())["seeds"]
    assert list(map(int, seed["by_length"])) == list(range(1, 10))
    assert re.search("trained on up to 6 symbols, first mistake at length [1-9]", output)


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (["--predict=0+x"], "character 'x' at position 3 is not one of 0, +, -, I"),
        (["--predict=0+", "--interactive"], "--interactive=true: contradicts --predict"),
        (["--interactive"], "needs --workdir"),
        (["--test_seq_len=5"], "--test_seq_len=5: must be more than --seq_len=6"),
        (["--test_seq_len=9", "--readout=class"], "needs --readout=number"),
        (["--growth=0.5"], "--growth=0.5: has no effect with a fixed set of strings; it needs --train_size=0"),
        (["--number_loss=absolute", "--readout=class"], "has no effect with --readout=class"),
        (["--cell=flax_lstm", "--impl=fused"], "use --impl=scan for --cell=flax_lstm"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(flags, reason, tmp_path):
    asked = [flag for flag in flags if "predict=0+x" in flag]
    done = play(*flags, *([f"--workdir={tmp_path}"] if asked else []), status=2)
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1
    assert reason in lines[0] or (asked and "holds no run" in lines[0])
