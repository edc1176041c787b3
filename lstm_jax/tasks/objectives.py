"""How an answer is read out of the network and judged: as a class among all possible answers, or as a number.

Outputs are [C, ...], right answers [...] integers, losses [...].
"""

import dataclasses
from typing import Protocol, override

import jax
import jax.numpy as jnp

from lstm_jax.axes import Array

READOUTS = ("class", "number")


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

    def probabilities(self, outputs: Array) -> Array:
        """The probability of each answer: [C, ...] to [C, ...]."""
        return jax.nn.softmax(outputs, axis=0)


@dataclasses.dataclass(frozen=True)
class NumberObjective(Objective):
    """One number: squared error, answer = the nearest integer."""

    @property
    @override
    def num_outputs(self) -> int:
        return 1

    @override
    def loss(self, outputs: Array, answers: Array) -> Array:
        return (outputs[0] - answers) ** 2

    @override
    def decide(self, outputs: Array) -> Array:
        return jnp.round(outputs[0]).astype(jnp.int32)


def make_objective(readout: str, answer_range: tuple[int, int]) -> ClassObjective | NumberObjective:
    """The objective for a readout (`class` or `number`) and the smallest and largest answer."""
    return ClassObjective(*answer_range) if readout == "class" else NumberObjective()
