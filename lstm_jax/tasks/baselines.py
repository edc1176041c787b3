"""What can be said of a text without a network: the best possible accuracy, and how well counted n-grams predict."""

import math
from typing import NamedTuple

import numpy as np

MAX_ORDER = 5
"""Counted n-grams that are longer hardly ever occur again."""


def name_windows(codes: np.ndarray, length: int) -> np.ndarray:
    """A number for each window, the same for equal windows only: codes [N] to names [N - length + 1] from 0 up.

    Names of windows of twice the length are made of two names, which may overlap (Karp, Miller and Rosenberg, 1972,
    "Rapid identification of repeated patterns"): for any length, a few sorts of N numbers.
    """
    if length == 0:
        return np.zeros(len(codes) + 1, np.int64)
    names, named = _renumber(codes.astype(np.int64)), 1
    while named < length:
        step = min(named, length - named)
        names = _renumber(_pairs(names[: len(names) - step], names[step:]))
        named += step
    return names


def _pairs(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """A number for each pair of numbers from 0 up, in the order of the pairs."""
    return first * (int(second.max(initial=0)) + 1) + second


def _renumber(numbers: np.ndarray) -> np.ndarray:
    """The same numbers without gaps: [N] from 0 up, in the same order."""
    return np.unique(numbers, return_inverse=True)[1]


class Continuations(NamedTuple):
    """What follows each context: the different pairs of a context's name and the code after it, sorted, [P] each."""

    contexts: np.ndarray
    codes: np.ndarray
    counts: np.ndarray


def _count(contexts: np.ndarray, codes: np.ndarray) -> Continuations:
    """Counts pairs, [N] each."""
    pairs, counts = np.unique(_pairs(contexts, codes.astype(np.int64)), return_counts=True)
    return Continuations(*np.divmod(pairs, int(codes.max(initial=0)) + 1), counts)


def ceiling(codes: np.ndarray, context: int, never: int | None = None) -> tuple[int, int]:
    """The most right answers that anyone can give who sees `context` symbols and nothing else.

    Equal contexts with different continuations allow one of them to be right, best the most frequent.

    Args:
        codes: the text, [N].
        context: T, symbols that are seen.
        never: a code that cannot be answered; None: there is none.

    Returns:
        Right answers, and windows, N - T.
    """
    windows = len(codes) - context
    if windows < 1:
        return 0, 0
    found = _count(name_windows(codes, context)[:windows], codes[context:])
    starts = np.flatnonzero(np.diff(found.contexts, prepend=-1))
    counts = np.where(found.codes == never, 0, found.counts) if never is not None else found.counts
    return int(np.maximum.reduceat(counts, starts).sum()), windows


def perplexity(loss: float | np.floating) -> float:
    """exp(loss) of a mean loss in nats; beyond e^700, which neither a float nor JSON can hold, that is given."""
    return math.exp(min(float(loss), 700))


class NGram(NamedTuple):
    """How well counted n-grams predict: the share of right answers, and the perplexity, exp(mean loss in nats)."""

    order: int
    accuracy: float
    perplexity: float


def ngram_scores(train: np.ndarray, test: np.ndarray, num_symbols: int, context: int) -> list[NGram]:
    """Counts n-grams in one part of a text and scores them on the other, as a network of this context is scored.

    What is predicted are the last symbols of all windows of `context` + 1 symbols of `test`; without a test part, of
    `train` itself, and then the accuracy of order `context` + 1 is the ceiling. An order sees order - 1 symbols.
    Accuracy: the most frequent continuation (of equally frequent ones the smallest code) of the longest context that
    occurred in `train`. Perplexity: interpolated with the lower orders after Witten and Bell (1991, "The
    zero-frequency problem", method C; as in Chen and Goodman, 1999, "An empirical study of smoothing techniques for
    language modeling"), the lowest with 1 / A.

    Args:
        train: codes that are counted, [N].
        test: codes that are predicted, [N']; may be empty.
        num_symbols: A.
        context: T, symbols that the network sees.

    Returns:
        A score for the orders 1 (no context), 2, ... up to T + 1, at most MAX_ORDER.
    """
    scored = test if len(test) else train
    answers = scored[context:]
    predicted = np.zeros(len(answers), np.int64)
    probability = np.full(len(answers), 1 / num_symbols)
    scores = []
    for order in range(1, min(context + 1, MAX_ORDER) + 1):
        names = name_windows(np.concatenate([train, test]), order - 1)
        known = names[: max(len(train) - order + 1, 0)]
        seen = names[len(train) if len(test) else 0 :][context - order + 1 :][: len(answers)]
        level = _Level(known, train[order - 1 :], int(names.max(initial=0)) + 1)
        probability = level.interpolate(seen, answers, probability)
        predicted = level.back_off(seen, predicted)
        accuracy = float(np.mean(predicted == answers))
        scores.append(NGram(order, accuracy, perplexity(-np.mean(np.log(probability)))))
    return scores


class _Level:
    """The n-grams of one order: names of contexts [N] below `num_names`, and the code after each [N]."""

    def __init__(self, contexts: np.ndarray, codes: np.ndarray, num_names: int):
        self._found = _count(contexts, codes)
        self._times = np.bincount(contexts, minlength=num_names)
        self._kinds = np.bincount(self._found.contexts, minlength=num_names)

    def interpolate(self, contexts: np.ndarray, codes: np.ndarray, lower: np.ndarray) -> np.ndarray:
        """P(code | context), [M], from that of the order below, [M].

        (times of both + kinds · lower) / (times + kinds), where kinds is how many different codes followed the context:
        summed over all codes this is (times + kinds) / (times + kinds).
        """
        times, kinds = self._times[contexts], self._kinds[contexts]
        mixed = (self._times_of_both(contexts, codes) + kinds * lower) / np.maximum(times + kinds, 1)
        return np.where(times > 0, mixed, lower)

    def _times_of_both(self, contexts: np.ndarray, codes: np.ndarray) -> np.ndarray:
        base = max(int(self._found.codes.max(initial=0)), int(codes.max(initial=0))) + 1
        pairs = self._found.contexts * base + self._found.codes
        wanted = contexts * base + codes
        places = np.searchsorted(pairs, wanted)
        # A last entry that nothing equals, for what is sorted behind all pairs.
        return np.where(np.append(pairs, -1)[places] == wanted, np.append(self._found.counts, 0)[places], 0)

    def back_off(self, contexts: np.ndarray, lower: np.ndarray) -> np.ndarray:
        """The likeliest code after each context, [M]; where the context is new, that of the order below, [M]."""
        order = np.lexsort((self._found.codes, -self._found.counts, self._found.contexts))
        firsts = order[np.flatnonzero(np.diff(self._found.contexts, prepend=-1))]
        likeliest = np.zeros(len(self._times), np.int64)
        likeliest[self._found.contexts[firsts]] = self._found.codes[firsts]
        return np.where(self._times[contexts] > 0, likeliest[contexts], lower)
