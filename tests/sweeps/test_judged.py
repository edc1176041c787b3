"""What pictures say that errors are those on, against what runs say."""

import dataclasses

import pytest

from experiments import count_bits, next_word
from lstm_jax.runs.problems import make_problem
from lstm_jax.runs.text_view import TextView
from lstm_jax.sweeps.figures import Sweep
from lstm_jax.sweeps.judged import SEVERAL, judged_on
from lstm_jax.sweeps.pictures import draw
from lstm_jax.sweeps.table import sort_rows, summarize
from tests.sweeps.cases import THRESHOLD, sweep_of

SEED = {"seed": 0, "test_error": 0.5, "test_mistakes": 1, "test_size": 2, "sampled": False, "train_error": None}


@pytest.mark.parametrize("held_out", [0.0, 0.25])
@pytest.mark.parametrize("tokens", ["words", "characters"])
def test_of_a_text_it_is_what_the_run_says(tokens, held_out):
    config = next_word.BASE.replace({"tokens": tokens, "held_out": held_out})
    problem = make_problem(config)
    result = {**problem.result(), "seeds": [SEED], "config": config.settings()}
    said, *_ = TextView(config, problem).remarks(result)
    assert said == f"Seed 0: error 50.0000%, 1 mistake on all 2 {judged_on([config.settings()])}"


@pytest.mark.parametrize(
    ("chosen", "words"),
    [({}, "unseen strings"), ({"train_size": 0}, "strings"), ({"train_size": 0, "test_seq_len": 30}, "unseen strings")],
)
def test_of_strings_it_is_what_the_run_says(chosen, words):
    assert judged_on([count_bits.BASE.replace(chosen).settings()]) == words


def test_nothing_is_said_of_runs_that_differ_in_it():
    kinds = [next_word.BASE.replace({"held_out": share}).settings() for share in (0.0, 0.1, 0.2)]
    assert judged_on(kinds) == SEVERAL
    assert judged_on(kinds[1:]) == "held-out words"


def test_pictures_say_it():
    rows, curves = sweep_of({"seq_len": [5, 10], "hidden_size": [4, 8], "num_layers": [1, 2]}, 2)
    text = next_word.BASE.settings()
    rows = sort_rows(dataclasses.replace(row, settings={**text, **row.varied}) for row in rows)
    sweep = Sweep(rows, summarize(rows, THRESHOLD), curves, ("seq_len", "hidden_size", "num_layers"), THRESHOLD)
    pictures = {picture.name: picture for picture in draw(sweep)}
    for name in ("error_by_num_layers", "learning_curves"):
        label = pictures[name].figure.axes[0].get_ylabel().replace("\n", " ")
        assert label == "error on words of the text that was learned"
    assert pictures["heat_error"].title == "Mean error on words of the text that was learned, 2 seeds"
    assert "mean error on words of the text that was learned" in next(iter(pictures["heat_error"].titles.values()))
