"""What the command on texts says while it trains."""

import ast
import functools
import json
import re

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.experiments import commands

run = functools.partial(commands.run, experiment="next_word")

TINY = ["--hidden_size=8", "--batch_size=20", "--num_steps=40", "--checkpoint_every=40"]


def scalars(folder, split):
    events = EventAccumulator(str(folder / "tb" / split))
    events.Reload()
    return {tag: events.Scalars(tag)[-1].value for tag in events.Tags()["scalars"]}


def test_accuracy_among_sampled_words_is_said_to_be_that(tmp_path):
    output = run(*TINY, "--num_sampled=5", "--eval_every=20", "--log_every=20", f"--workdir={tmp_path}").stdout
    lines = [line for line in output.splitlines() if line.startswith("step")]
    assert len(lines) == 2
    assert all("% among at most 6 words each  (whole text: " in line for line in lines)
    assert re.search(r"over the last 20 updates: accuracy .*, average loss [\d.]+ among at most 6 words each\.", output)
    assert {"loss_among_sampled", "error_among_sampled"} <= scalars(tmp_path, "train").keys()
    assert not {"loss", "error"} & scalars(tmp_path, "train").keys()
    assert {"loss", "error"} <= scalars(tmp_path, "test").keys()
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert all({"loss", "error"} <= row.keys() for row in rows)


def test_accuracy_among_all_words_has_no_remark(tmp_path):
    output = run(*TINY, "--eval_every=40", "--log_every=40", f"--workdir={tmp_path}").stdout
    assert "among at most" not in output
    assert {"loss", "error"} <= scalars(tmp_path, "train").keys()


def test_what_is_tested_on_a_sample_says_so(tmp_path):
    output = run(*TINY, "--test_size=50", "--eval_every=40", "--log_every=40", f"--workdir={tmp_path}").stdout
    assert "  (a sample, whole text: " in output
    assert "mistakes on 50 sampled words" in output


LINE = re.compile(
    r"step +([\d,]+)  average loss (\d+\.\d{3}), accuracy +(\d+\.\d\d)%  \(whole text: (\d+\.\d\d)%\)  "
    r"(\[.*\]) - \[(\S+)\] vs \[(\S+)\]"
)


def test_each_evaluation_shows_what_was_foretold_then(tmp_path):
    words = (commands.ROOT / "lstm_jax" / "tasks" / "data" / "belling_the_cat.txt").read_text().split()
    flags = ["--eval_every=10", "--log_every=40", "--num_steps=40", "--batch_size=50", "--hidden_size=16"]
    output = run(*flags, f"--workdir={tmp_path}").stdout
    lines = [LINE.fullmatch(line).groups() for line in output.splitlines() if line.startswith("step")]
    assert [int(line[0]) for line in lines] == [10, 20, 30, 40]
    assert len({line[4] for line in lines}) == 4, "a sample of its own each"
    for _, _, _, _, context, right, _ in lines:
        assert any(
            words[place : place + 4] == [*ast.literal_eval(context), right] for place in range(len(words) - 3)
        ), "three words of the fable and the one that follows"
    *_, context, _, said = lines[-1]
    prompt = " ".join(ast.literal_eval(context))
    told = run(f"--workdir={tmp_path}", f"--generate={prompt}", "--num_words=1").stdout
    assert told.splitlines()[0] == f"{prompt} {said}", "the last evaluation is that of the trained network"


def test_the_figures_of_a_line_are_those_of_the_record(tmp_path):
    output = run(*TINY, "--eval_every=20", "--log_every=20", f"--workdir={tmp_path}").stdout
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    lines = [LINE.fullmatch(line).groups() for line in output.splitlines() if line.startswith("step")]
    for step, loss, accuracy, whole, *_ in lines:
        (train,) = [row for row in rows if row["split"] == "train" and row["step"] == int(step)]
        (test,) = [row for row in rows if row["split"] == "test" and row["step"] == int(step)]
        assert loss == f"{train['loss']:.3f}"
        assert accuracy == f"{100 * (1 - train['error']):.2f}"
        assert whole == f"{100 * (1 - test['error']):.2f}"
