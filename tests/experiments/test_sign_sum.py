"""The command of the sign game: what it learns, what it answers, sign by sign."""

import json
import re
import signal
import subprocess

import pytest

from tests.experiments.alike import assert_equal_runs
from tests.experiments.commands import ROOT, begin, command, environment, run, stop, wait_for_checkpoint


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


def test_published_figures_stand_beside_the_recipe_that_they_belong_to(tmp_path):
    flags = ["--preset=paper", "--num_steps=20", "--checkpoint_every=20"]
    as_published = play(*flags, f"--workdir={tmp_path / 'paper'}").stdout
    assert "(published: 77.4%)" in as_published
    fewer = play(*flags, "--train_size=256", f"--workdir={tmp_path / 'fewer'}").stdout
    assert not re.search(r"Published|\(published", fewer)
    assert json.loads((tmp_path / "fewer" / "result.json").read_text())["published"] == {}
    flax = play(*flags, "--cell=flax_lstm", f"--workdir={tmp_path / 'flax'}").stdout
    assert "with all settings of --preset=paper): 1.3%" in flax, "and not after 20 updates"
    assert "1.6%" not in flax


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


def test_a_string_longer_than_those_in_training_is_answered(trained):
    lines = play(f"--workdir={trained}", f"--predict={'+' * 7}").stdout.splitlines()
    assert lines[0] == "+++++++: true sum 7"
    assert lines[1].endswith("; not in the training set")
    assert lines[3].split() == ["true", *"1234567"]
    assert lines[5] == "  7 symbols: this length was never learned, only 1 to 6"


def test_the_game_goes_on_without_end(trained):
    lines = play(f"--workdir={trained}", "--interactive", typed="-I\n--x\n!+\n").stdout.splitlines()[1:]
    assert [re.search(r"true (-?\d+)", line)[1] for line in lines if "true" in line] == ["-1", "-1", "0", "1", "1"]
    assert any("'x' is not one of 0, +, -, I" in line for line in lines)
    assert "a new string" in lines


def test_a_line_without_end_is_answered_symbol_by_symbol(trained):
    words = command(f"--workdir={trained}", "--interactive", experiment="sign_sum")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT, "env": environment()}
    with subprocess.Popen(words, **pipes) as process:
        for typed, count in (("++-", 3), ("I-", 5)):
            process.stdin.write(typed)
            process.stdin.flush()
            line = next(line for line in process.stdout if line.startswith(f"{count:6}  "))
        process.kill()
    assert "true 2" in line


def test_longer_strings_are_tested_prefix_by_prefix(tmp_path):
    flags = ["--preset=long", "--num_steps=40", "--seq_len=6", "--test_seq_len=9", "--test_size=50", "--eval_every=40"]
    output = play(*flags, f"--workdir={tmp_path}").stdout
    (seed,) = json.loads((tmp_path / "result.json").read_text())["seeds"]
    assert list(map(int, seed["by_length"])) == list(range(1, 10))
    assert re.search("trained on up to 6 symbols, first mistake at length [1-9]", output)
    assert "; maybe among the training strings" in play(f"--workdir={tmp_path}", "--predict=+").stdout


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (["--predict=0+", "--interactive"], "--interactive=true: contradicts --predict"),
        (["--interactive"], "needs --workdir"),
        (["--test_seq_len=5"], "--test_seq_len=5: must be more than --seq_len=6"),
        (["--test_seq_len=1000000"], "--test_size=10000: with --test_seq_len=1000000 must be at most 4294"),
        (["--test_seq_len=9", "--readout=class"], "needs --readout=number"),
        (["--growth=0.5"], "--growth=0.5: has no effect with a fixed set of strings of one length"),
        (["--growth=0.5", "--min_seq_len=1", "--order=in_turn"], "batches are drawn at random, give --order=random"),
        (["--growth=0.5", "--min_seq_len=6"], "it needs --train_size=0 or --min_seq_len below --seq_len"),
        (["--growth=0.5", "--train_size=0", "--seq_len=1"], "--growth=0.5: has no effect with strings of one symbol"),
        (["--growth=0.00001", "--train_size=0"], "updates: give at least 0.0"),
        (["--skew=1"], "--skew=1: has no effect with a fixed set of strings; it needs --train_size=0"),
        (["--train_size=0", "--valid_size=9", "--patience=1"], "--valid_size=9: needs a fixed set of strings"),
        (["--number_loss=absolute", "--readout=class"], "has no effect with --readout=class"),
        (["--cell=flax_lstm", "--impl=fused"], "use --impl=scan for --cell=flax_lstm"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(flags, reason):
    lines = play(*flags, status=2).stderr.strip().splitlines()
    assert len(lines) == 1
    assert reason in lines[0]


STRINGS = {
    "drawn anew": ["--preset=long", "--test_seq_len=9", "--test_size=50"],
    "a fixed set": ["--preset=fast", "--min_seq_len=1", "--train_size=300"],
}


@pytest.mark.parametrize("kind", STRINGS)
def test_strings_that_grow_are_the_same_after_a_kill(kind, tmp_path):
    flags = [*STRINGS[kind], "--seq_len=6", "--growth=0.7", "--hidden_size=6", "--batch_size=16", "--num_seeds=2"]
    flags += ["--num_steps=1500", "--log_every=50", "--eval_every=500", "--checkpoint_every=100"]
    play(*flags, f"--workdir={tmp_path / 'undisturbed'}")
    killed = [*flags, f"--workdir={tmp_path / 'killed'}"]
    process = begin(*killed, experiment="sign_sum")
    wait_for_checkpoint(tmp_path / "killed", 300, process)
    assert stop(process, signal.SIGKILL)[0] == -signal.SIGKILL
    assert "resuming at step" in play(*killed).stdout
    assert_equal_runs(tmp_path / "killed", tmp_path / "undisturbed")


def test_what_the_flags_take_away_from_the_preset_is_said():
    flags = ["--preset=long", "--train_size=200", "--num_steps=1", "--seq_len=6", "--test_seq_len=9", "--test_size=10"]
    notes = play(*flags).stderr.splitlines()
    assert [note.split(" has no effect ")[0] for note in notes] == [
        f"note: --{setting} of --preset=long" for setting in ("growth=0.5", "skew=1.5")
    ]


def test_a_character_that_is_no_symbol_is_named(trained):
    error = play(f"--workdir={trained}", "--predict=0+x", status=2).stderr
    assert error.count("\n") == 1
    assert "character 'x' at position 3 is not one of 0, +, -, I" in error
