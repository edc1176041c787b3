"""What TensorBoard shows of the sign game, and where its answers below zero stand."""

import re
import subprocess

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from lstm_jax.insight import plots
from lstm_jax.runs.config import RunConfig
from lstm_jax.runs.string_problem import StringProblem
from lstm_jax.runs.string_view import StringView
from lstm_jax.tasks.sign_sum import SignSum
from lstm_jax.tasks.strings import decode
from tests.experiments.commands import ROOT, command, environment, run

CLASSES = ["--readout=class", "--seq_len=4", "--train_size=100", "--batch_size=20", "--num_steps=200", "--seed=3"]
LONGER = ["--preset=long", "--seq_len=4", "--test_seq_len=9", "--test_size=50", "--num_steps=40", "--eval_every=20"]


def shown(folder):
    events = EventAccumulator(str(folder / "tb" / "test"))
    events.Reload()
    return events


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("classes")
    run(*CLASSES, "--eval_every=100", f"--workdir={folder}", experiment="sign_sum")
    return folder


def test_every_class_has_a_curve_by_the_sum_it_stands_for(classes):
    events = shown(classes)
    tags = {tag.split("/")[1] for tag in events.Tags()["scalars"] if tag.startswith("example_string/")}
    assert tags == {f"{total:02d}" for total in range(-4, 5)}
    last = [events.Scalars(f"example_string/{tag}")[-1].value for tag in tags]
    assert sum(last) == pytest.approx(1, abs=1e-4)


def test_the_picture_of_an_answer_begins_at_the_smallest_sum(monkeypatch):
    monkeypatch.setattr(plots, "_pixels", lambda figure: figure)
    said = [(step, np.eye(9)[step]) for step in (1, 2, 3)]
    axes = plots.answers_over_time(said, "title", "sum", 2, -4).axes[0]
    assert axes.get_ylim() == (-4.5, 4.5)
    heights = axes.collections[0].get_coordinates()[:, 0, 1]
    shares = np.asarray(axes.collections[0].get_array()).reshape(9, 3)
    assert [heights[row] + 0.5 for row in shares.argmax(axis=0)] == [-3, -2, -1]


def test_a_network_without_mistakes_is_said_to_be_one(monkeypatch):
    monkeypatch.setattr(plots, "_pixels", lambda figure: figure)
    axes = plots.bars(dict.fromkeys(range(21), 0.0), "count", "error").axes[0]
    assert axes.get_ylim() == (0, 1)
    assert [text.get_text() for text in axes.texts] == ["no mistakes"]
    axes = plots.bars({0: 0.0, 20: 0.3}, "count", "error").axes[0]
    assert not axes.texts
    assert axes.get_ylim()[0] == 0
    assert axes.get_xlim()[1] < 21, "there are no counts beyond 20"


def test_the_true_answer_stands_beside_the_number_said(monkeypatch):
    monkeypatch.setattr(plots, "_pixels", lambda figure: figure)
    axes = plots.answers_over_time([(5, [1.9]), (10, [2.2])], "title", "sum", 3).axes[0]
    assert [line.get_label() for line in axes.lines] == ["said", "right: 3"]
    assert set(axes.lines[1].get_ydata()) == {3}
    assert axes.get_ylim()[1] > 3


@pytest.mark.parametrize(("length", "end"), [(40, ""), (60, "... (60 symbols)")])
def test_the_picture_names_the_string_that_was_asked(length, end, monkeypatch):
    shown = {}
    monkeypatch.setattr(plots, "answers_over_time", lambda said, *rest: shown.update(dict(enumerate(rest))))
    config = RunConfig(SignSum()).replace({"seq_len": length, "train_size": 9})
    view = StringView(config, StringProblem(config))
    view._answers_over_time([(1, [0.5])])
    text = decode(view.string, "0+-I")
    assert shown[0] == f"what seed 0 answers to\n{text[:40]}{end}"
    total, meaning = 0, 1
    for sign in text:
        total += meaning * {"+": 1, "-": -1}.get(sign, 0)
        meaning *= -1 if sign == "I" else 1
    assert shown[2] == total


def test_a_sum_for_which_there_is_no_class_is_said(classes):
    lines = run(f"--workdir={classes}", "--interactive", experiment="sign_sum", typed="+++++-\n").stdout.splitlines()
    beyond = ["beyond its answers, -4 to 4" in line for line in lines if re.match(r" +\d", line)]
    assert beyond == [False] * 4 + [True, False]


def test_running_sums_and_the_accuracy_by_length_are_shown(tmp_path):
    run(*LONGER, f"--workdir={tmp_path}", experiment="sign_sum")
    events = shown(tmp_path)
    assert {"accuracy_by_length", "error_by_sum", "example_string"} == set(events.Tags()["images"])
    texts = events.Tensors("running_sum/text_summary")
    assert [text.step for text in texts] == [20, 40]
    symbols, true, network = (row.split() for row in texts[-1].tensor_proto.string_val[0].decode().splitlines())
    total, meaning, expected = 0, 1, []
    for sign in symbols:
        total += meaning * {"+": 1, "-": -1}.get(sign, 0)
        meaning *= -1 if sign == "I" else 1
        expected.append(str(total))
    assert true == ["true", *expected]
    assert len(network) == len(true)


def test_bytes_that_are_no_text_are_answered_like_any_unknown_symbol(classes):
    words = command(f"--workdir={classes}", "--interactive", experiment="sign_sum")
    done = subprocess.run(words, input=b"+\xff-\n", capture_output=True, cwd=ROOT, env=environment(), timeout=120)
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 0
    assert any("is not one of 0, +, -, I" in line for line in lines)
    assert lines[-1].startswith("     2  -  sum")
