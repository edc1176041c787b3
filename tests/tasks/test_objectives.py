"""Readouts against probabilities written out in NumPy."""

import numpy as np

from lstm_jax.tasks.objectives import ClassObjective, NumberObjective, make_objective

RNG = np.random.default_rng(0)


def test_classes_are_judged_by_their_cross_entropy():
    objective = ClassObjective(-2, 3)
    outputs, answers = RNG.normal(size=(6, 4, 5)).astype(np.float32), RNG.integers(-2, 4, (4, 5))
    probabilities = np.exp(outputs) / np.exp(outputs).sum(axis=0)
    expected = -np.log(np.take_along_axis(probabilities, (answers + 2)[None], axis=0)[0])
    np.testing.assert_allclose(objective.loss(outputs, answers), expected, rtol=1e-5)
    np.testing.assert_allclose(objective.probabilities(outputs), probabilities, rtol=1e-5)
    np.testing.assert_array_equal(objective.decide(outputs), outputs.argmax(axis=0) - 2)


def test_of_equal_classes_the_first_is_chosen():
    np.testing.assert_array_equal(ClassObjective(5, 7).decide(np.array([[1.0], [2.0], [2.0]])), [6])


def test_numbers_are_judged_by_their_square_and_rounded():
    objective = NumberObjective()
    outputs = np.array([[0.4, 2.6, -1.2]])
    np.testing.assert_allclose(objective.loss(outputs, np.array([1, 1, 1])), [0.36, 2.56, 4.84], rtol=1e-5)
    np.testing.assert_array_equal(objective.decide(outputs), [0, 3, -1])


def test_the_number_of_outputs_follows_the_range_of_answers():
    assert make_objective("class", (0, 20)).num_outputs == 21
    assert make_objective("number", (0, 20)).num_outputs == 1
