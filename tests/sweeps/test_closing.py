"""What a sweep says at its end: why runs failed, which network is the best."""

import dataclasses
import shlex

import pytest

from lstm_jax.sweeps.closing import best_lines, best_networks, failures
from lstm_jax.sweeps.table import DROPPED, FAILED
from tests.sweeps.cases import LENGTHS, THRESHOLD, some_fail, sweep_of

ROWS, _ = sweep_of(LENGTHS, 8, failures=some_fail)
SHORT = [row for row in ROWS if row.settings["seq_len"] == 5]


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("XlaError: no room. Try less. Or more.", "XlaError: no room"),
        ("ValueError: 1.5 is not 2.", "ValueError: 1.5 is not 2"),
        ("AssertionError", "AssertionError"),
    ],
)
def test_runs_that_failed_alike_say_why(reason, said):
    rows = [dataclasses.replace(row, status=FAILED, reason=reason) for row in ROWS]
    assert failures(rows) == f"128 seeds of 16 settings failed: {said}; --retry_failed tries again"


def test_of_several_reasons_there_is_one_and_their_number():
    first = "the loss of seed <2> & others is not finite at step 612 (and 1 other reason)"
    assert failures(ROWS) == f"10 seeds of 2 settings failed: {first}; --retry_failed tries again"
    assert failures([row for row in ROWS if row.status != FAILED]) is None


def best(rows, tmp_path):
    said, command = best_lines(best_networks(rows, THRESHOLD, tmp_path))
    words = shlex.split(command)
    return said, dict(word.removeprefix("--").split("=") for word in words[words.index("-m") + 2 :])


def test_the_best_network_is_the_best_seed_of_the_best_setting(tmp_path):
    said, flags = best(SHORT, tmp_path)
    (row,) = [row for row in ROWS if str(row.seed) == flags["seed"] and f"{row.run}-{row.seed}" in flags["workdir"]]
    assert said.startswith(f"Best:        seq_len=5, hidden_size=32, seed {row.seed}: error 0%")
    assert flags == {
        **{name: str(value) for name, value in row.varied.items()},
        "seed": str(row.seed),
        "workdir": str(tmp_path / "best" / f"{row.run}-{row.seed}"),
    }
    own = [other for other in ROWS if other.run == row.run]
    assert row.steps_to_solve == min(other.steps_to_solve for other in own)


def test_what_failed_or_was_dropped_is_not_the_best(tmp_path):
    said, flags = best(SHORT, tmp_path)
    run = flags["workdir"].split("/")[-1].split("-")[0]
    some = [dataclasses.replace(row, status=FAILED) if row.run == run and row.seed else row for row in SHORT]
    assert best(some, tmp_path)[0] != said
    dropped = [
        dataclasses.replace(row, status=DROPPED, test_error=0.0) if row.run != run or row.seed != 5 else row
        for row in SHORT
        if row.status != FAILED
    ]
    assert best(dropped, tmp_path)[1]["seed"] == "5"
    assert best_networks([dataclasses.replace(row, status=FAILED) for row in ROWS], THRESHOLD, tmp_path) == []


def test_each_question_has_its_best_network(tmp_path):
    bests = best_networks(ROWS, THRESHOLD, tmp_path, ["seq_len"])
    assert [best.question for best in bests] == [f"seq_len={length}" for length in LENGTHS["seq_len"]]
    for best, length in zip(bests, LENGTHS["seq_len"], strict=True):
        (alone,) = best_networks(
            [row for row in ROWS if row.settings["seq_len"] == length], THRESHOLD, tmp_path, ["seq_len"]
        )
        assert best.command == alone.command and best.name in alone.name
    assert best_lines(bests)[0].startswith("Best:        of seq_len=5: hidden_size=32, seed ")
    assert len(best_lines(bests)) == 2 * len(bests)


def test_of_many_questions_the_hardest_is_named(tmp_path):
    rows, _ = sweep_of({"seq_len": [5, 6, 7, 8, 40], "hidden_size": [4, 8]}, 1)
    first, remark, command = best_lines(best_networks(rows, THRESHOLD, tmp_path, ["seq_len"]))
    assert first.startswith("Best:        of seq_len=40: ") and "--seq_len=40" in command
    assert "of 5 questions the one with the largest error" in remark
