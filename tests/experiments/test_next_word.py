"""The command on texts: what it learns, how it goes on, what it says to bad input, that nothing depends on breaks."""

import functools
import json
import re
import signal

import numpy as np
import orbax.checkpoint as ocp
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.experiments import commands

run = functools.partial(commands.run, experiment="next_word")
begin = functools.partial(commands.begin, experiment="next_word")

SMALL = ["--hidden_size=12", "--num_steps=40", "--log_every=10", "--eval_every=20", "--checkpoint_every=20"]
SMALL += ["--batch_size=4", "--cpu_devices=2"]
STREAMS = ["--stateful", "--supervise=every_step", "--seq_len=5"]


def result_of(folder):
    return json.loads((folder / "result.json").read_text())


def words_of_fable():
    return (commands.ROOT / "lstm_jax" / "tasks" / "data" / "belling_the_cat.txt").read_text().split()


@pytest.fixture(scope="module")
def fable(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fable")
    done = run(f"--workdir={folder}")
    assert done.stderr == ""
    return folder, done.stdout


def test_by_default_all_that_can_be_foretold_is(fable):
    folder, output = fable
    result = result_of(folder)
    assert result["ceiling"] == {"right": 199, "windows": 201}
    (seed,) = result["seeds"]
    assert (seed["test_mistakes"], seed["test_size"]) == (2, 201)
    assert result["published"]["accuracy"] == [0.906, 0.912]
    assert "the best possible, 3 words seen    99.00%" in output
    assert "counting, 2 words seen    91.54%" in output
    assert "--generate=long ago ,'" in output


def test_it_goes_on_with_the_words_of_the_fable(fable):
    words, told = words_of_fable(), run(f"--workdir={fable[0]}", "--generate=had a general").stdout.split()
    begin = words.index("had")
    assert told == words[begin : begin + 35]
    short = run(f"--workdir={fable[0]}", "--generate=had a general", "--num_words=4", "--temperature=0.01")
    assert short.stdout.split() == words[begin : begin + 7]


def test_prompts_that_are_not_in_the_text_and_loops(fable):
    done = run(f"--workdir={fable[0]}", "--generate=mouse mouse mouse", "--num_words=900")
    assert len(done.stdout.splitlines()[0].split()) == 903
    story, remark = done.stdout.strip().split("\n")
    assert remark.startswith("(from word ")
    assert "again and again)" in remark
    start = int(remark.split()[2]) - 1
    shown, words = remark.split("'")[1].split(), story.split()
    period = re.search(r"the (\d+) words from '", remark)
    period = int(period[1]) if period else len(shown)
    assert len(shown) == min(period, 32)
    assert words[start : start + len(shown)] == shown
    assert words[start + period :] == words[start:-period]
    drawn = run(f"--workdir={fable[0]}", "--generate=mouse mouse mouse", "--num_words=900", "--temperature=1e-6")
    assert "again and again" not in drawn.stdout, "another draw may leave the loop"


def test_it_asks_again_and_again(fable):
    typed = "had a general\nhad a\n\nmouse mouse mouse\nhad a generl\n"
    done = run(f"--workdir={fable[0]}", "--interactive", "--num_words=2", typed=typed)
    lines = done.stdout.splitlines()
    assert lines[0] == "Type 3 words and Enter; Ctrl-D ends."
    assert lines[1] == "had a general council to"
    assert lines[2] == "'had a': has 2 words; give 3 words, such as 'long ago ,'"
    assert lines[3] == "'': has 0 words; give 3 words, such as 'long ago ,'"
    assert lines[4].startswith("mouse mouse mouse ")
    assert "'generl' at position 3 is not in the text; nearest: general" in lines[5]


def test_draws_depend_on_the_seed_alone_and_differ_from_prompt_to_prompt(fable):
    flags = [f"--workdir={fable[0]}", "--interactive", "--temperature=5", "--top_k=9"]
    told = [run(*flags, typed="had a general\nhad a general\n").stdout.splitlines()[1:] for _ in range(2)]
    assert told[0] == told[1]
    assert told[0][0] != told[0][1]
    one, same, other = (
        run(*flags, *seed, typed="had a general\n").stdout for seed in ([], ["--sample_seed=0"], ["--sample_seed=4"])
    )
    assert other != one == same


def assert_one_line(done, message):
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--generate=had a"], "--generate=had a: has 2 words; give 3 words, such as 'long ago ,'"),
        (["--generate=had a generl"], "'generl' at position 3 is not in the text; nearest: general"),
        (["--generate=a b c", "--top_k=3"], "--top_k=3: has no effect without --temperature"),
        (["--generate=a b c", "--sample_seed=3"], "--sample_seed=3: has no effect without --temperature"),
        (["--generate=a b c", "--seed=3"], "has 0; for another text give --sample_seed"),
        (["--generate=a b c", "--num_words=0"], "--num_words=0: must be an integer from 1"),
        (["--generate=a b c", "--temperature=-1"], "--temperature=-1: must be a number"),
        (["--generate=a b c", "--interactive"], "--interactive=true: contradicts --generate"),
        (["--predict=had a general"], "--predict: there is no such flag; a text is asked for with --generate="),
        (["--predict=had a general"], 'a text is asked for with --generate="SOME WORDS"'),
        (["--num_words=3"], "--num_words=3: needs --generate or --interactive"),
    ],
)
def test_questions_that_cannot_be_answered(fable, flags, message):
    assert_one_line(run(f"--workdir={fable[0]}", *flags, status=2), message)


def test_characters_of_one_endless_line_carried_on(tmp_path):
    (tmp_path / "line").write_text("<unk> `b` *c* " * 300)
    folder = tmp_path / "run"
    flags = [f"--text_file={tmp_path / 'line'}", "--tokens=characters", "--held_out=0.2", *STREAMS, *SMALL]
    output = run(*flags, "--num_steps=300", "--learning_rate=0.05", f"--workdir={folder}").stdout
    result = result_of(folder)
    assert result["ceiling"] is None
    assert (result["asked"], result["tested"]) == ("character", "held-out")
    (seed,) = result["seeds"]
    assert seed["test_size"] == 4200 * 0.2 - 1
    assert seed["perplexity"] == pytest.approx(np.exp(seed["test_loss"]))
    assert seed["perplexity"] < 1.2
    assert "held-out characters" in output
    texts = EventAccumulator(str(folder / "tb" / "test"))
    texts.Reload()
    assert {"sample/text_summary", "story/text_summary"} <= set(texts.Tags()["tensors"])
    story = texts.Tensors("story/text_summary")[-1].tensor_proto.string_val[0].decode()
    assert story.startswith("    <unk>|")  # as written, in a block of code
    told = run(f"--workdir={folder}", "--generate=`b` ", "--num_words=6").stdout
    assert told.splitlines()[0] == "`b` *c* <u"


INPUTS = [
    ["--input=code"],
    ["--input=one_hot", "--num_layers=2"],
    ["--input=embedding", "--embedding_size=5"],
    ["--tied_weights", "--cell=gru", "--num_sampled=20"],
    ["--min_count=2", "--lowercase", "--valid_share=0.1", "--patience=3", "--held_out=0.2"],
]


@pytest.mark.parametrize("flags", INPUTS)
def test_everything_can_be_asked_for(tmp_path, flags):
    run(*SMALL, "--num_steps=120", "--batch_size=50", *flags, f"--workdir={tmp_path}")
    result = result_of(tmp_path)
    losses = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    losses = [row["loss"] for row in losses if row["split"] == "train"]
    assert losses[-1] < losses[0]
    assert result["seeds"][0]["perplexity"] > 1
    story = run(f"--workdir={tmp_path}", "--generate=the cat .").stdout
    assert len(story.splitlines()[0].split()) == 35


def arrays_of(folder, step):
    manager = ocp.CheckpointManager(folder / "checkpoints")
    return manager.restore(step, args=ocp.args.Composite(arrays=ocp.args.StandardRestore())).arrays


@pytest.mark.parametrize("kind", [["--order=sliding"], STREAMS])
def test_killed_and_started_again_it_ends_the_same_and_seeds_are_runs_of_their_own(tmp_path, kind):
    flags = [*SMALL, *kind, "--num_steps=3000", "--checkpoint_every=100", "--eval_every=1000"]
    whole, broken, second = (tmp_path / name for name in ("whole", "broken", "second"))
    run(*flags, "--num_seeds=2", f"--workdir={whole}")
    process = begin(*flags, "--num_seeds=2", f"--workdir={broken}")
    commands.wait_for_checkpoint(broken, 700, process)
    commands.stop(process, signal.SIGKILL)
    assert not (broken / "result.json").exists()
    assert "resuming at step" in run(*flags, "--num_seeds=2", f"--workdir={broken}").stdout
    ours, theirs = arrays_of(broken, 3000), arrays_of(whole, 3000)
    assert ours.keys() == theirs.keys()
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name])
    assert result_of(broken)["seeds"] == result_of(whole)["seeds"]
    run(*flags, "--seed=1", f"--workdir={second}")
    assert result_of(second)["seeds"] == result_of(whole)["seeds"][1:]


def test_the_help_lists_every_flag():
    from experiments.next_word import BASE
    from lstm_jax.runs.config import setting_fields

    text = run("--help").stdout
    for name in [*setting_fields(BASE), "generate", "num_words", "temperature", "top_k", "sample_seed"]:
        assert name == "text_sha256" or f"--{name}:" in text or f"--[no]{name}:" in text
