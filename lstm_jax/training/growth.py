"""A curriculum: short strings first, longer ones as the training goes on."""

import dataclasses
from typing import override

import jax
import jax.numpy as jnp

from lstm_jax.axes import Array, PyTree
from lstm_jax.training.sources import BATCHES, Batch, Moment, Share, Source


@dataclasses.dataclass(frozen=True)
class Growth:
    """How long strings may be at each update: from `shortest` to `longest` in so many updates, evenly; 0: at once."""

    shortest: int
    longest: int
    updates: int

    def longest_at(self, step: Array) -> Array:
        """How long the strings of an update may be, an integer []."""
        if not self.updates:
            return jnp.int32(self.longest)
        grown = self.shortest + (self.longest - self.shortest) * (step + 1.0) / self.updates
        return jnp.clip(grown.astype(jnp.int32), self.shortest, self.longest)


@dataclasses.dataclass(frozen=True)
class GrowingExamples(Source):
    """A set of strings with their answers, shortest first: drawn are those that are short enough by now.

    `Batch` leaves [N, ...], sorted by length (`shortest_first`). Where none is short enough it is the first of them.
    """

    growth: Growth

    @override
    def draw(
        self, size: int, data: PyTree, corpus: PyTree, carry: PyTree, now: Moment, share: Share
    ) -> tuple[Batch, PyTree]:
        allowed = jnp.sum(data.lengths <= self.growth.longest_at(now.step))
        rows = share(jax.random.randint(now.draw_key(BATCHES), (size,), 0, jnp.maximum(allowed, 1)))
        return jax.tree.map(lambda leaf: leaf[rows], data), carry


def shortest_first(examples: Batch) -> Batch:
    """The same examples, NumPy arrays [N, ...], in the order of their lengths."""
    order = examples.lengths.argsort(stable=True)
    return jax.tree.map(lambda leaf: leaf[order], examples)
