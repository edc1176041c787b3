"""What the command on texts says while it trains."""

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
