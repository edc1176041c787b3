"""The tutorials' own programs: what is timed of them, and what the others make of it."""

import json
import os
import re
import sys
from pathlib import Path

import pytest

from benchmarks import tutorials, tutorials_report
from benchmarks.process import Contestant
from scripts.reproduction.tutorials import read_tutorial_times
from tests.benchmarks.test_commands import run

TENSORFLOW_PYTHON = os.environ.get("TENSORFLOW_PYTHON")
"""An interpreter with TensorFlow: it is no dependency of the project."""

STANDS_IN = """#!{python}
import json, sys
asked = json.loads(sys.argv[3])
assert len(set(asked["codes"])) == 112, "the fable's words"
print(json.dumps({{"versions": {{"tensorflow": "0"}}, "device": "cpu", "parallel": ""}}))
print(json.dumps({{"seconds": 100.0 * (asked["updates"] - 1), "wrong": 0.5}}))
"""


@pytest.fixture
def stand_in(tmp_path):
    path = tmp_path / "python"
    path.write_text(STANDS_IN.format(python=sys.executable))
    path.chmod(0o755)
    return path


def test_the_time_of_a_share_is_extrapolated_to_all_updates(stand_in, tmp_path):
    flags = [
        "--only=sign_sum,next_word_2",
        "--share=0.01",
        "--at_least=2",
        "--repetitions=1",
        f"--json={tmp_path}/times.json",
    ]
    output = run("tutorials", *flags, f"--tensorflow_python={stand_in}").stdout
    record = json.loads((tmp_path / "times.json").read_text())
    assert [(name, one["updates"]) for name, one in record["programs"].items()] == [
        ("sign_sum", 4_000),
        ("next_word_2", 50_000),
    ]
    for measured in record["programs"]["sign_sum"]["runs"]:
        assert [measured[side]["measured"] for side in ("theirs", "ours")] == [40, 40]
        assert measured["theirs"]["whole"] == pytest.approx(100 * (4_000 - 40), abs=20), "100 seconds each are said"
        assert measured["ours"]["process"] > 0.5, "a whole process, JAX included"
        assert measured["ours"]["whole"] > measured["ours"]["process"]
    assert str(stand_in) not in json.dumps(record)
    times = read_tutorial_times(f"{tmp_path}/times.json")
    for name, program in record["programs"].items():
        (run_,) = program["runs"]
        assert times.times_as_fast[name] == (run_["theirs"]["whole"] / run_["ours"]["whole"],)
    assert "TensorFlow 0" in times.remark
    (ratio,) = times.times_as_fast["sign_sum"]
    assert re.search(rf"\| sign_sum \| 4,000 \| .* \| {ratio:.1f} \({ratio:.1f}-{ratio:.1f}\) \|", output)


def test_what_was_learned_is_said_of_whole_runs_of_programs_that_count_it():
    def program(measured, **theirs):
        sides = (
            ({"measured": measured, **theirs}, {"accuracy": 0.875}),
            ({"measured": 100, **theirs}, {"accuracy": 0.9}),
        )
        return {"updates": 100, "runs": [{"theirs": their, "ours": our} for their, our in sides]}

    (line,) = tutorials_report.accuracies("next_word", program(100, accuracy=0.8523))
    assert line == (
        "next_word: right while training, over the last 1,000 updates, mean and range: "
        "TensorFlow 85.2% (85.2% to 85.2%), ours 88.8% (87.5% to 90.0%)"
    )
    assert tutorials_report.accuracies("next_word", program(99, accuracy=0.85)) == []
    assert tutorials_report.accuracies("sign_sum", program(100)) == []


def test_what_is_not_an_update_is_counted_once():
    assert tutorials.extrapolate(process=7.0, update=0.2, measured=11, updates=101)["whole"] == pytest.approx(25.0)
    assert tutorials.extrapolate(process=7.0, update=0.2, measured=11, updates=11)["whole"] == pytest.approx(7.0)


def test_without_tensorflow_one_line_says_so():
    done = run("tutorials", "--only=sign_sum", "--tensorflow_python=/nonexistent", status=1)
    assert done.stderr == (
        "error: TensorFlow was not measured: /nonexistent: No such file or directory; "
        "--tensorflow_python=PATH names one that has it\n"
    )


@pytest.mark.skipif(not TENSORFLOW_PYTHON, reason="TENSORFLOW_PYTHON can name an interpreter with TensorFlow")
@pytest.mark.parametrize("name", tutorials.PROGRAMS)
def test_the_programs_learn(name, tmp_path):
    asked = {"program": name, "updates": 400 if "word" in name else 60, "codes": [0, 1, 2, 3, 4, 5, 6, 7] * 4}
    contestant = Contestant(str(TENSORFLOW_PYTHON), "tensorflow_tutorials", asked, Path(tmp_path) / "errors")
    try:
        contestant.answer()
        outcome = contestant.answer()
    finally:
        contestant.close()
    # Of a single window the loss after an update of another says nothing.
    assert outcome["accuracy"] > 0.5 if "word" in name else outcome["loss"] < outcome["loss_before"]
    assert outcome["seconds"] > 0
