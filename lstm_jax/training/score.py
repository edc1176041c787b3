"""What is counted of a network's answers: mistakes, by answer and by length, with a confidence interval for samples."""

import math
from typing import NamedTuple

import numpy as np

from lstm_jax.axes import Array

CONFIDENCE_95 = 1.959964
"""Two-sided 95% quantile of the normal distribution."""


class Judged(NamedTuple):
    """Answers to strings [N]: what the network decided, what is right, and the loss."""

    decided: Array
    right: Array
    loss: Array


class Score(NamedTuple):
    """Mistakes on a test set, altogether, by right answer and by length of string.

    `by_answer` and `by_length` map an answer or a length to its number of mistakes and of strings.
    """

    mistakes: int
    size: int
    loss: float
    by_answer: dict[int, tuple[int, int]]
    by_length: dict[int, tuple[int, int]]
    sampled: bool

    @property
    def error(self) -> float:
        """The share of wrong answers."""
        return self.mistakes / self.size

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% confidence interval of the error: Wilson's for a sample, the error itself for an exact test."""
        if not self.sampled:
            return self.error, self.error
        z2 = CONFIDENCE_95**2 / self.size
        centre = self.error + z2 / 2
        spread = math.sqrt(z2 * (self.error * (1 - self.error) + z2 / 4))
        low, high = (centre - spread) / (1 + z2), (centre + spread) / (1 + z2)
        return max(0.0, low), min(1.0, high)


def tally(judged: Judged, lengths: np.ndarray, sampled: bool) -> Score:
    """Counts mistakes; `lengths` [N] are those of the strings."""
    wrong = np.asarray(judged.decided != judged.right)
    loss = float(np.mean(judged.loss, dtype=np.float64))
    by_answer = mistakes_by(np.asarray(judged.right, np.int32), wrong)
    return Score(int(wrong.sum()), len(wrong), loss, by_answer, mistakes_by(lengths, wrong), sampled)


def mistakes_by(keys: np.ndarray, wrong: np.ndarray) -> dict[int, tuple[int, int]]:
    """The number of mistakes and of strings for each key, such as the right answer; integers and booleans [N]."""
    low = int(keys.min())
    sizes = np.bincount(keys - low)
    mistakes = np.bincount(keys[wrong] - low, minlength=len(sizes))
    return {low + k: (int(mistakes[k]), int(sizes[k])) for k in np.flatnonzero(sizes).tolist()}
