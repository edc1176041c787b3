"""Counting against Python's own counting."""

import itertools

import numpy as np

from lstm_jax.tasks.count_bits import CountBits
from lstm_jax.tasks.strings import Strings, encode, running_answers

TASK = CountBits()


def test_every_string_up_to_eight_bits_is_counted_as_python_counts_it():
    for length in range(1, 9):
        texts = ["".join(bits) for bits in itertools.product("01", repeat=length)]
        codes = np.array([encode(text, TASK.alphabet) for text in texts])
        expected = [[text[: end + 1].count("1") for end in range(length)] for text in texts]
        np.testing.assert_array_equal(
            running_answers(TASK, Strings(codes, np.full(len(codes), codes.shape[1]))), expected
        )
        low, high = TASK.answer_range(length)
        assert (low, high) == (min(map(min, expected)), max(map(max, expected)))


def test_counts_that_16_bits_cannot_hold():
    ones = Strings(np.ones((1, 40_000), np.uint8), np.array([40_000]))
    assert running_answers(TASK, ones)[0, [0, 32_767, -1]].tolist() == [1, 32_768, 40_000]
