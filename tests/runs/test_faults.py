"""What an error says, on one line."""

import pytest

from lstm_jax.runs.faults import first_line, whole_line


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("one\ntwo", "one"),
        ("\n  \nRay says it here\nand more", "Ray says it here"),
        ("", "ValueError"),
        ("\n", "ValueError"),
    ],
)
def test_the_first_line_is_one_that_says_something(words, line):
    assert first_line(ValueError(words)) == line


def test_a_first_line_is_not_too_long():
    assert first_line(ValueError("x" * 999)) == "x" * 200


def test_the_whole_line_has_all_words_and_all_causes():
    error = ValueError("what\n  is wrong")
    error.__cause__ = AttributeError("x" * 999)
    error.__cause__.__cause__ = KeyError()
    assert whole_line(error) == f"what is wrong; AttributeError: {'x' * 999}; KeyError"
