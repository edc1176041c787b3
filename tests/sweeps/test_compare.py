"""What runs are compared with: counted by hand, and told apart by the settings that matter."""

import itertools

import pytest

from lstm_jax.runs.problems import PUBLISHED, errors_without_learning
from lstm_jax.runs.string_problem import FLOOR, MAJORITY
from lstm_jax.runs.text_problem import CEILING
from lstm_jax.sweeps.compare import baselines
from lstm_jax.sweeps.figures import Baseline

SEEDS = [
    {"test_size": 10, "by_answer": {"0": [0, 1], "1": [2, 4], "2": [0, 5]}, "trained": {"1": 3, "2": 9}},
    {"test_size": 10, "by_answer": {"1": [2, 6], "2": [0, 4]}, "trained": {"0": 1, "1": 3, "2": 9}},
]


def result(readout="class", published=None):
    return {"seeds": SEEDS, "config": {"readout": readout}, "published": published or {}}


def test_errors_are_those_counted_by_hand():
    # Of 20 strings 10 have the answer 1; the answer 0 of seed 0, a tenth of its strings, was never in training.
    assert errors_without_learning(result("class", {"error": 0.001})) == {
        MAJORITY: 0.5,
        FLOOR: pytest.approx(0.05),
        PUBLISHED: 0.001,
    }
    assert errors_without_learning(result("number")) == {MAJORITY: 0.5}


def test_a_baseline_holds_for_the_settings_that_it_depends_on():
    grid = itertools.product([5, 20], ["class", "number"], [4, 8])
    results = [
        (
            {"seq_len": length, "readout": readout, "hidden_size": size},
            result(readout, {"error": 0.5} if length == 20 else None),
        )
        for length, readout, size in grid
    ]
    assert list(baselines(results)) == [
        Baseline(MAJORITY, 0.5),
        Baseline(FLOOR, 0.05, {"readout": "class"}),
        Baseline(PUBLISHED, 0.5, {"seq_len": 20}),
    ]


def test_no_runs_have_no_baselines():
    assert baselines([]) == ()


@pytest.mark.parametrize(
    ("ceiling", "best"), [({"right": 199, "windows": 201}, {CEILING: 2 / 201}), (None, {})], ids=["windows", "stateful"]
)
def test_a_text_is_compared_with_counting_and_with_what_is_possible(ceiling, best):
    text = {
        "seeds": [{"test_size": 201}],
        "ngrams": [{"order": 1, "accuracy": 0.1, "perplexity": 60.0}, {"order": 2, "accuracy": 0.6, "perplexity": 3.0}],
        "ceiling": ceiling,
        "published": {},
    }
    found = errors_without_learning(text)
    assert found == pytest.approx({"1-gram": 0.9, "2-gram": 0.4, **best})
