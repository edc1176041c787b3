"""The tables of a run on strings: what rows are called, and what is said of answers that were never shown."""

import pytest

from lstm_jax.runs.string_tables import answer_table, floor_lines, length_table


def result(answers, trained, lengths=(3,), **config):
    """A result with one mistake on ten strings of each answer and of each length; `trained` of each seed."""
    return {
        "asked": "sum",
        "answer_range": [min(answers), max(answers)],
        "config": {"train_size": 9, "test_seq_len": 0, "readout": "class", **config},
        "seeds": [
            {
                "by_answer": {str(answer): [1, 10] for answer in answers},
                "by_length": {str(length): [1, 10] for length in lengths},
                "trained": {str(answer): 2 for answer in shown},
                "test_size": 10 * len(answers),
            }
            for shown in trained
        ],
    }


@pytest.mark.parametrize(
    ("size", "names"),
    [
        (20, [str(answer) for answer in range(-20, 21)]),
        (26, [f"{answer} to {answer + 1}" for answer in range(-26, 26, 2)] + ["26"]),
    ],
)
def test_rows_of_several_answers_are_named_from_one_to_the_other(size, names):
    answers = range(-size, size + 1)
    assert [row[0] for row in answer_table(result(answers, [answers]))[1:]] == names


def test_the_prefixes_of_test_strings_are_called_that():
    header, *rows = length_table(result([0], [[0]], range(1, 101), test_seq_len=100))
    assert header[1] == "prefixes of test strings"
    assert rows[0] == ["1 to 3", "30", "3", "90.0000%"]
    assert length_table(result([0], [[0]], range(1, 4)))[0][1] == "unseen strings"


@pytest.mark.parametrize(
    ("trained", "said"),
    [
        ([range(60, 120)], "0 to 59, 120 to 200"),
        ([[*range(1, 7), *range(8, 201)]], "0, 7"),
        ([range(2, 201), range(1, 201)], "0, 1 (1 of 2 seeds)"),
        ([range(2, 201, 2)], f"0 to 1, {', '.join(map(str, range(3, 84, 2)))}, and 58 others"),
    ],
)
def test_answers_that_were_never_shown_are_listed_to_the_end(trained, said):
    line, floor = floor_lines(result(range(201), trained))
    assert line == f"Never in training: sum {said}."
    assert floor.startswith("A class that is never shown is not learned")


def test_answers_to_longer_strings_than_those_learned_are_listed_too():
    longer = {**result(range(-20, 21), [range(-6, 7)], readout="number"), "answer_range": [-6, 6]}
    assert floor_lines(longer) == ["Never in training: sum -20 to -7, 7 to 20."]
