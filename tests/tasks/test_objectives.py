"""Readouts against probabilities written out in NumPy."""

import jax
import jax.numpy as jnp
import numpy as np

from lstm_jax.tasks.objectives import ClassObjective, NumberObjective, SampledObjective, make_objective

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


def test_numbers_may_be_judged_by_their_distance():
    outputs = np.array([[0.4, 2.6, -1.2]])
    losses = NumberObjective("absolute").loss(outputs, np.array([1, 1, 1]))
    np.testing.assert_allclose(losses, [0.6, 1.6, 2.2], rtol=1e-5)


def test_the_number_of_outputs_follows_the_range_of_answers():
    assert make_objective("class", (0, 20), "squared").num_outputs == 21
    assert make_objective("number", (0, 20), "absolute").num_outputs == 1


def make_readout(classes=50, width=4, examples=(3, 5)):
    read = RNG.normal(size=(width, *examples)).astype(np.float32)
    weights, bias = RNG.normal(size=(classes, width)).astype(np.float32), RNG.normal(size=classes).astype(np.float32)
    return read, weights, bias, RNG.integers(0, classes, examples)


def test_candidates_are_drawn_by_their_rank():
    objective, draws = SampledObjective(0, 9, 5), 20_000
    keys = jax.random.split(jax.random.key(0), draws)
    candidates = np.asarray(jax.vmap(objective.draw)(keys))
    assert (np.diff(candidates) >= 0).all()
    shares = np.bincount(candidates.ravel(), minlength=10) / candidates.size
    ranks = np.arange(10)
    expected = np.log((ranks + 2) / (ranks + 1)) / np.log(11)
    np.testing.assert_allclose(expected.sum(), 1)
    assert (np.abs(shares - expected) < 4 * np.sqrt(expected / candidates.size)).all()
    there = (candidates[:, :, None] == ranks).any(axis=1).mean(axis=0)
    np.testing.assert_allclose(np.exp(objective._log_chance(jnp.arange(10))), 1 - (1 - expected) ** 5, rtol=1e-5)
    np.testing.assert_allclose(there, 1 - (1 - expected) ** 5, atol=0.015)


def test_a_sampled_loss_counts_each_wrong_candidate_once():
    objective = SampledObjective(0, 49, 6)
    read, weights, bias, answers = make_readout()
    answers[0, 0] = 7
    candidates = np.array([0, 3, 3, 7, 20, 49])
    outputs = np.einsum("ch,h...->c...", weights, read) + bias[:, None, None]
    chance = 1 - (1 - np.log1p(1 / (np.arange(50) + 1)) / np.log(51)) ** 6
    loss, wrong = objective.sampled_loss(read, weights, bias, jnp.asarray(answers), jnp.asarray(candidates))
    for place in np.ndindex(3, 5):
        right = answers[place]
        others = [c for c in (0, 3, 7, 20, 49) if c != right]
        total = np.exp(outputs[right][place]) + sum(np.exp(outputs[c][place]) / chance[c] for c in others)
        np.testing.assert_allclose(loss[place], np.log(total) - outputs[right][place], rtol=1e-4, atol=1e-5)
        assert wrong[place] == any(outputs[c][place] > outputs[right][place] for c in others)


def test_in_the_mean_over_draws_the_sum_is_that_of_the_whole_softmax():
    objective, draws = SampledObjective(0, 49, 8), 20_000
    read, weights, bias, answers = map(jnp.asarray, make_readout(examples=(3,)))
    keys = jax.random.split(jax.random.key(1), draws)

    @jax.jit
    def ratio(key):
        """exp(loss) - 1: what the wrong answers' sum is, as a multiple of the right one's share."""
        return jnp.expm1(objective.sampled_loss(read, weights, bias, answers, objective.draw(key))[0])

    ratios = np.asarray(jax.vmap(ratio)(keys))
    whole = np.expm1(ClassObjective(0, 49).loss(weights @ read + bias[:, None], answers))
    assert (np.abs(ratios.mean(axis=0) - whole) < 5 * ratios.std(axis=0) / np.sqrt(draws)).all()


def test_with_many_candidates_loss_and_gradient_are_those_of_the_whole_softmax(float64):
    # So many draws that each of the 50 classes is among them.
    sampled, whole = SampledObjective(0, 49, 20_000), ClassObjective(0, 49)
    read, weights, bias, answers = make_readout()
    candidates = sampled.draw(jax.random.key(2))
    assert set(np.asarray(candidates)) == set(range(50))

    def sampled_mean(read, weights, bias):
        return jnp.mean(sampled.sampled_loss(read, weights, bias, answers, candidates)[0])

    def whole_mean(read, weights, bias):
        return jnp.mean(whole.loss(jnp.tensordot(weights, read, axes=1) + bias[:, None, None], answers))

    arguments = [jnp.asarray(array, jnp.float64) for array in (read, weights, bias)]
    np.testing.assert_allclose(sampled_mean(*arguments), whole_mean(*arguments), rtol=1e-9)
    gradients = [jax.grad(mean, argnums=(0, 1, 2))(*arguments) for mean in (sampled_mean, whole_mean)]
    for ours, theirs in zip(*gradients, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-10)
    wrong = sampled.sampled_loss(*arguments, answers, candidates)[1]
    outputs = jnp.tensordot(weights, read, axes=1) + bias[:, None, None]
    np.testing.assert_array_equal(wrong, whole.decide(outputs) != answers)


def test_where_the_right_answer_is_the_only_candidate_nothing_is_left_to_learn():
    objective = SampledObjective(0, 49, 3)
    read, weights, bias, _ = make_readout(examples=(2,))
    answers, candidates = jnp.array([4, 4]), jnp.array([4, 4, 4])

    def mean(weights):
        loss, wrong = objective.sampled_loss(read, weights, bias, answers, candidates)
        return jnp.mean(loss) + jnp.sum(wrong)

    loss, gradient = jax.value_and_grad(mean)(jnp.asarray(weights))
    assert loss == 0
    np.testing.assert_array_equal(gradient, np.zeros_like(weights))
