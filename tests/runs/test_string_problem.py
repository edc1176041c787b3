"""The strings of a run's members: drawn once, and gone with the run."""

import gc
import weakref

import numpy as np

from lstm_jax.runs.string_problem import StringProblem
from tests.training.cases import small_config


def test_strings_are_drawn_once_and_again_the_same():
    one, other = StringProblem(small_config()), StringProblem(small_config())
    assert one.strings(3) is one.strings(3)
    assert one.strings(3) is not other.strings(3)
    np.testing.assert_array_equal(one.strings(3).train.codes, other.strings(3).train.codes)


def test_a_problem_and_its_strings_go_with_their_run():
    problem = StringProblem(small_config())
    left = [weakref.ref(problem), weakref.ref(problem.strings(0).train.codes)]
    del problem
    gc.collect()
    assert [reference() for reference in left] == [None, None]
