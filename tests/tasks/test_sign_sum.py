"""The sign game against a reading of the string, sign by sign."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np

from lstm_jax.tasks.sign_sum import SignSum
from lstm_jax.tasks.strings import Strings, encode, running_answers

TASK = SignSum()


def read(text: str) -> list[int]:
    """The sums after each sign, by turning the rest of the string round at each `I`."""
    sums, total = [], 0
    while text:
        sign, text = text[0], text[1:]
        total += {"+": 1, "-": -1}.get(sign, 0)
        if sign == "I":
            text = text.translate(str.maketrans("+-", "-+"))
        sums.append(total)
    return sums


def test_every_string_up_to_eight_signs():
    for length in range(1, 9):
        texts = ["".join(signs) for signs in itertools.product(TASK.alphabet, repeat=length)]
        codes = np.array([[TASK.alphabet.index(sign) for sign in text] for text in texts])
        expected = np.array([read(text) for text in texts])
        np.testing.assert_array_equal(running_answers(TASK, Strings(codes, np.full(len(codes), length))), expected)
        assert TASK.answer_range(length) == (expected.min(), expected.max())


def test_the_examples_of_the_game():
    assert read("-I--")[-1] == 1
    assert read("00-+++") == [0, 0, -1, 0, 1, 2]
    assert read("I+I+") == [0, -1, -1, 0]


def test_on_the_device_as_on_the_host():
    codes = encode("+I-I--0+I++", TASK.alphabet)
    state = jax.tree.map(jnp.asarray, TASK.start((1,)))
    advance = jax.jit(TASK.advance)
    sums = []
    for code in codes:
        state = advance(state, jnp.array([code]))
        sums.append(int(TASK.answer(state)[0]))
    assert sums == read("+I-I--0+I++")


def test_what_is_shown_of_each_sign_is_what_was_published():
    shown = dict(zip(TASK.alphabet, TASK.features, strict=True))
    assert shown == {"0": (0, 0, 0), "+": (1, 0, 0), "-": (0, 1, 0), "I": (0, 0, 1)}
