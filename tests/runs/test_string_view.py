"""The example string that a person is shown."""

import numpy as np
import pytest

from experiments import count_bits, sign_sum
from lstm_jax.runs.string_view import telling_string
from lstm_jax.tasks.strings import Strings, running_answers


@pytest.mark.parametrize("task", [count_bits.BASE.task, sign_sum.BASE.task])
@pytest.mark.parametrize("length", [1, 2, 6, 20])
def test_the_example_takes_many_values_and_is_always_the_same(task, length):
    string = telling_string(task, length)
    answers = running_answers(task, Strings(string[None], np.array([length])))[0]
    low, high = task.answer_range(length)
    assert len(set(answers.tolist())) >= min(length, high - low + 1) / 2
    np.testing.assert_array_equal(string, telling_string(task, length))


def test_where_none_has_half_as_many_values_as_can_be_the_richest_is_shown():
    task = sign_sum.BASE.task
    answers = running_answers(task, Strings(telling_string(task, 100)[None], np.array([100])))[0]
    assert len(set(answers.tolist())) >= 15
