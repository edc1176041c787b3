"""The command: a short training that learns, its answers, its records, and what it says to bad input."""

import json
import subprocess
from pathlib import Path

import matplotlib
import pytest

from tests.experiments.commands import ROOT, SMALL, STRICT, command, environment, run


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    flags = [*SMALL, "--supervise=every_step", "--readout=number", "--read_from=cell", "--num_seeds=2"]
    done = run(*flags, "--num_steps=1500", f"--workdir={folder}")
    assert done.stderr == ""  # no progress bar where nobody watches
    return folder, done.stdout


def test_a_short_training_learns_to_count(trained):
    folder, output = trained
    result = json.loads((folder / "result.json").read_text())
    assert result["experiment"] == "count_bits"
    assert [seed["seed"] for seed in result["seeds"]] == [0, 1]
    for seed in result["seeds"]:
        assert seed["test_size"] == 2**8 - 100
        assert seed["test_error"] == seed["test_mistakes"] / seed["test_size"] <= 0.02
        by_answer = {int(answer): counts for answer, counts in seed["by_answer"].items()}
        assert sum(size for _, size in by_answer.values()) == seed["test_size"]
        assert f"Seed {seed['seed']}: error {seed['test_error']:.4%}" in output
    assert "2 seeds: mean" in output


def test_its_records_are_complete(trained):
    folder, _ = trained
    config = json.loads((folder / "config.json").read_text())
    assert config["settings"]["readout"] == "number"
    assert "python -m experiments.count_bits --seq_len=8" in config["command"]
    assert {"jax", "flax", "optax"} <= config["versions"].keys()
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert {(row["split"], row["seed"]) for row in rows} == {(s, n) for s in ("train", "test") for n in (0, 1)}
    train = [row for row in rows if row["split"] == "train" and row["seed"] == 1]
    assert [row["step"] for row in train] == list(range(50, 1501, 50))
    assert train[-1]["loss"] < train[0]["loss"] / 10
    assert {"loss", "error", "learning_rate", "grad_norm", "steps_per_second"} <= train[0].keys()


def test_the_trained_network_answers(trained):
    folder, _ = trained
    output = run(f"--workdir={folder}", "--predict=01100101,11").stdout
    assert "01100101: true count 4" in output
    assert "11: true count 2" in output
    assert output.count("count 4 (said") == 2
    assert "the training set" in output


def test_a_string_of_the_training_set_is_said_to_be_one(trained):
    from lstm_jax.runs.config import RunConfig
    from lstm_jax.runs.string_problem import StringProblem
    from lstm_jax.tasks.count_bits import CountBits
    from lstm_jax.tasks.strings import decode

    folder, _ = trained
    config = RunConfig(CountBits()).replace(json.loads((folder / "config.json").read_text())["settings"])
    text = decode(StringProblem(config).strings(1).train.codes[0], "01")
    lines = run(f"--workdir={folder}", f"--predict={text}").stdout.splitlines()
    seed_1 = next(line for line in lines if line.strip().startswith("seed 1"))
    assert "; in the training set" in seed_1


def test_of_several_seeds_the_one_that_plays_is_named(trained):
    lines = run(f"--workdir={trained[0]}", "--interactive", typed="1\n").stdout.splitlines()
    assert lines[0] == "The network of seed 0 answers, the first of 2."
    assert lines[-1].startswith("     1  1  count 1")


BAD = [
    (["--predict=01x0"], "--predict=01x0: character 'x' at position 3 is not one of 0, 1"),
    (["--predict=01,"], "--predict=01,: has an empty string"),
    (["--predict=01", "--hidden_size=9"], "--hidden_size=9: the run in"),
    (["--predict=01", "--bidirectional"], "has false"),
    (["--predict=01", "--preset=paper"], "--preset=paper: the run in --workdir has its recipe already"),
]


@pytest.mark.parametrize(("flags", "message"), BAD)
def test_questions_that_cannot_be_answered(trained, flags, message):
    assert_one_line(run(f"--workdir={trained[0]}", *flags, status=2), message)


def assert_one_line(done, message):
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--hidden_size=0"], "--hidden_size=0: must be an integer from 1"),
        (["--num_seeds=100000000", "--num_steps=1"], "--num_seeds=100000000: must be an integer from 1 to 100"),
        (["--hidden_size=many"], "--hidden_size=many: must be an integer from 1 to 65,536"),
        (["--clip_norm=off"], "--clip_norm=off: must be a number of at least 0"),
        (["--cell=gru", "--forget_bias=2"], "--forget_bias=2: has no effect with --cell=gru"),
        (["--optimizer=sgd", "--adam_b2=0.9"], "has no effect with --optimizer=sgd"),
        (["--lr_schedule=cosine", "--warmup=0.3"], "has no effect with --lr_schedule=cosine"),
        (["--test_size=100"], "has no effect where all unseen strings are tested"),
        (["--predict=01", "--workdir=no/such/run"], "--workdir=no/such/run holds no run"),
        (["--hiden_size=3"], "--hiden_size: there is no such flag; the nearest is --hidden_size"),
        (["--foo=3"], "--foo: there is no such flag; --help lists them"),
        (["--interactive=maybe"], "--interactive=maybe: must be true or false"),
        (["--workdir="], "--workdir=: is empty: give a value, or leave the flag out"),
        (["--generate=a"], "--generate: there is no such flag; it belongs to experiments.next_word; strings are asked"),
        (
            ["--preset=exact", "--cell=gru"],
            "--preset=exact: has --read_from=cell, which needs --cell=lstm or flax_lstm, a gru has",
        ),
        (["--cell=lstn"], "must be one of lstm, gru, rnn"),
        (["--preset=quick"], "--preset=quick: must be one of fast, paper, exact"),
        (["hidden_size=3"], "'hidden_size=3' is not a flag"),
        (["--seq_len=6", "--train_size=64"], "--train_size=64: must be less than the 64 strings"),
        (["--bidirectional", "--supervise=every_step"], "contradicts --bidirectional"),
        (["--platform=tpu"], "--platform=tpu: is not to be had on this machine"),
        pytest.param(
            ["--platform=gpu"],
            "--platform=gpu: is not to be had on this machine (JAX sees none)",
            marks=pytest.mark.skipif(any(Path("/dev").glob("nvidia[0-9]*")), reason="there is a GPU"),
        ),
        (["--predict=01"], "needs --workdir"),
        (["--workdir=/dev/null/run"], "cannot be written to"),
    ],
)
def test_bad_input_gets_one_line_and_status_2(flags, message):
    assert_one_line(run(*flags, status=2), message)


def test_a_loss_that_is_not_finite_ends_the_run(tmp_path):
    flags = ["--optimizer=sgd", "--learning_rate=1e6", "--clip_norm=0", "--readout=number", "--read_from=cell"]
    done = run(*SMALL, *flags, f"--workdir={tmp_path}", status=1)
    assert "is not finite at step" in done.stderr
    assert "with seed 0" in done.stderr
    assert "last good checkpoint" in done.stderr


def test_a_full_disk_ends_the_run_in_one_line(tmp_path):
    limited = 'ulimit -f 24; exec "$@"'  # no file may grow beyond so many blocks
    # Warnings are no errors here: the library that writes events leaves its file open when it cannot be flushed.
    words = [word for word in command(*SMALL, "--log_every=1", f"--workdir={tmp_path}") if word not in STRICT]
    done = subprocess.run(
        ["bash", "-c", limited, "bash", *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        # Compiled programs cannot be kept either; the fonts are those that matplotlib has found already.
        env={
            **environment(),
            **{"JAX_COMPILATION_CACHE_DIR": "", "XDG_CACHE_HOME": str(tmp_path / "cache")},
            "MPLCONFIGDIR": matplotlib.get_cachedir(),
        },
        timeout=120,
    )
    assert done.returncode == 1
    assert_one_line(done, "File too large")  # and not a word of what could not be kept for later runs


def test_the_help_lists_every_flag_with_default_and_range():
    from experiments.count_bits import BASE
    from lstm_jax.runs.config import setting_fields

    text = run("--help").stdout
    for name in setting_fields(BASE):
        assert f"--{name}:" in text or f"--[no]{name}:" in text
    assert "default 2500 (fast)" in " ".join(text.split())
    assert "an integer from 1 to 65,536" in " ".join(text.split())


def test_lengths_are_reported_when_they_vary(tmp_path):
    output = run(*SMALL, "--min_seq_len=2", f"--workdir={tmp_path}").stdout
    assert "accuracy" in output
    result = json.loads((tmp_path / "result.json").read_text())
    sizes = {int(length): size for length, (_, size) in result["seeds"][0]["by_length"].items()}
    assert sum(sizes.values()) == sum(2**n for n in range(2, 9)) - 100


def test_strings_too_many_to_enumerate_are_sampled(tmp_path):
    flags = ["--seq_len=40", "--num_steps=20", "--test_size=300", f"--workdir={tmp_path}"]
    output = run(*SMALL, *flags).stdout
    assert "300 sampled unseen strings (95% confidence:" in output


def test_progress_is_shown_on_request(tmp_path):
    shown = run(*SMALL, "--num_steps=50", "--progress=on", f"--workdir={tmp_path}")
    assert "steps/s" in shown.stderr
