"""How an answer is read out of the network and judged: as a class among all possible answers, or as a number.

Outputs are [C, ...], right answers [...] integers, losses [...].
"""

import dataclasses
import functools
import math
from typing import Protocol, override

import jax
import jax.numpy as jnp

from lstm_jax.axes import Array

READOUTS = ("class", "number")

MEASURES = ("squared", "absolute")


class Objective(Protocol):
    """What the readout's C numbers mean."""

    @property
    def num_outputs(self) -> int:
        """C, the numbers that the readout gives."""
        ...

    def loss(self, outputs: Array, answers: Array) -> Array:
        """How wrong the outputs [C, ...] are where `answers` [...] is right: [...]."""
        ...

    def decide(self, outputs: Array) -> Array:
        """The network's answer, an integer: outputs [C, ...] to [...]."""
        ...


@dataclasses.dataclass(frozen=True)
class ClassObjective(Objective):
    """One class for each answer from `low` to `high`: softmax cross-entropy in nats, answer = the likeliest."""

    low: int
    high: int

    @property
    @override
    def num_outputs(self) -> int:
        return self.high - self.low + 1

    @override
    def loss(self, outputs: Array, answers: Array) -> Array:
        # A comparison instead of a gather: on the CPU it fuses with the rest, and its gradient needs no scatter.
        classes = jnp.arange(self.low, self.high + 1).reshape(-1, *[1] * answers.ndim)
        right = jnp.sum(jnp.where(answers == classes, outputs, 0), axis=0)
        return jax.nn.logsumexp(outputs, axis=0) - right

    @override
    def decide(self, outputs: Array) -> Array:
        # The first of the largest, as argmax gives it; on the CPU two plain reductions are three times faster.
        classes = jnp.arange(self.low, self.high + 1).reshape(-1, *[1] * (outputs.ndim - 1))
        return jnp.min(jnp.where(outputs == jnp.max(outputs, axis=0), classes, self.high), axis=0)

    @functools.partial(jax.jit, static_argnums=0)
    def probabilities(self, outputs: Array) -> Array:
        """The probability of each answer: [C, ...] to [C, ...]."""
        return jax.nn.softmax(outputs, axis=0)


@dataclasses.dataclass(frozen=True)
class NumberObjective(Objective):
    """One number, its error squared or absolute; answer = the nearest integer."""

    measure: str = "squared"

    @property
    @override
    def num_outputs(self) -> int:
        return 1

    @override
    def loss(self, outputs: Array, answers: Array) -> Array:
        error = outputs[0] - answers
        return error**2 if self.measure == "squared" else jnp.abs(error)

    @override
    def decide(self, outputs: Array) -> Array:
        return jnp.round(outputs[0]).astype(jnp.int32)


@dataclasses.dataclass(frozen=True)
class SampledObjective(ClassObjective):
    """As ClassObjective, but learned by comparison with at most `num_sampled` wrong answers instead of all.

    Candidates are drawn with repetition, class k of C with the probability log((k + 2) / (k + 1)) / log(C + 1): about
    Zipf's law, if classes are numbered by falling frequency. Each class that was drawn counts once, divided by the
    probability that it is drawn at all. So the sum over the candidates is, in the mean over draws, the softmax's sum
    over all wrong answers (Horvitz and Thompson, 1952; for the softmax, Bengio and Senécal, 2003, "Quick training of
    probabilistic neural nets by importance sampling"), and the outputs are learned as they are: nothing is to be
    corrected afterwards.
    """

    num_sampled: int = 0

    def draw(self, key: Array) -> Array:
        """Wrong answers to compare with, [K] in rising order; some are there several times."""
        uniform = jax.random.uniform(key, (self.num_sampled,))
        drawn = jnp.exp(uniform * math.log(self.num_outputs + 1)).astype(jnp.int32) - 1
        return jnp.sort(jnp.clip(drawn, 0, self.high))

    def sampled_loss(
        self, read: Array, weights: Array, bias: Array, answers: Array, candidates: Array
    ) -> tuple[Array, Array]:
        """Losses, and whether a candidate was likelier than the answer: a lower bound of the true error.

        Args:
            read: what the readout sees, [H, ...].
            weights: of the readout, [C, H].
            bias: of the readout, [C].
            answers: what is right, [...].
            candidates: [K], in rising order.
        """
        column = (-1, *[1] * answers.ndim)
        right = jnp.einsum("h...,...h->...", read, weights[answers]) + bias[answers]
        others = jnp.tensordot(weights[candidates], read, axes=1) + bias[candidates].reshape(column)
        repeated = jnp.diff(candidates, prepend=-1) == 0
        ignored = repeated.reshape(column) | (candidates.reshape(column) == answers)
        shares = jnp.where(ignored, -jnp.inf, others - self._log_chance(candidates).reshape(column))
        loss = jax.nn.logsumexp(jnp.concatenate([right[None], shares]), axis=0) - right
        return loss, jnp.any(~ignored & (others > right), axis=0)

    def _log_chance(self, classes: Array) -> Array:
        """The logarithm of the probability that a class is among the candidates."""
        share = jnp.log1p(1 / (classes + 1.0)) / math.log(self.num_outputs + 1)
        return jnp.log(-jnp.expm1(self.num_sampled * jnp.log1p(-share)))


def make_objective(readout: str, answer_range: tuple[int, int], measure: str) -> ClassObjective | NumberObjective:
    """The objective for a readout (`class` or `number`), the smallest and largest answer, the measure of a number."""
    return ClassObjective(*answer_range) if readout == "class" else NumberObjective(measure)
