"""What is said of a string besides the answers to it."""

import numpy as np
import pytest

from experiments.count_bits import BASE
from lstm_jax.runs.ask import role_of, unlearned_length
from lstm_jax.runs.string_problem import MemberStrings
from lstm_jax.tasks.strings import Strings


@pytest.mark.parametrize(
    ("settings", "learned"),
    [
        ({}, "8"),
        ({"supervise": "every_step"}, "1 to 8"),
        ({"min_seq_len": 3}, "3 to 8"),
        ({"train_size": 0, "growth": 0.5}, "1 to 8"),
        ({"min_seq_len": 3, "growth": 0.5}, "3 to 8"),
    ],
)
def test_a_length_that_was_never_learned_is_said(settings, learned):
    config = BASE.replace({"seq_len": 8, **settings})
    for length in range(1, 12):
        said = unlearned_length(config, length)
        assert bool(said) == (not int(learned[0]) <= length <= 8)
        if said:
            what = "1 symbol" if length == 1 else f"{length} symbols"
            assert said == [f"  {what}: this length was never learned, only {learned}"]


def strings_of(*texts):
    codes = np.zeros((len(texts), max(map(len, texts), default=0)), np.uint8)
    for row, text in enumerate(texts):
        codes[row, : len(text)] = [int(symbol) for symbol in text]
    return Strings(codes, np.array([len(text) for text in texts], np.int32))


@pytest.mark.parametrize(
    ("asked", "every_step", "role"),
    [
        ("0110", True, "in the training set"),
        ("0110", False, "in the training set"),
        ("011", True, "the beginning of a string in the training set, which was told the answer after each symbol"),
        ("011", False, "not in the training set"),
        ("10", True, "in the training set"),
        ("100", True, "not in the training set"),
        ("01101", True, "not in the training set"),
        ("0011", True, "not in the training set, held out for --patience"),
        ("001", True, "not in the training set"),
    ],
)
def test_the_part_that_a_string_had_in_the_training_is_said(asked, every_step, role):
    strings = MemberStrings(strings_of("0110", "10", "1111"), strings_of("0011"), None)
    assert role_of(strings_of(asked), strings, every_step) == role
