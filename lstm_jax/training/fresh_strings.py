"""Strings that are drawn anew for every update, so that there is no end of them."""

import dataclasses
from typing import Any, override

import jax
import jax.numpy as jnp

from lstm_jax.axes import Array, PyTree
from lstm_jax.tasks.task import StringTask
from lstm_jax.training.growth import Growth
from lstm_jax.training.sources import BATCHES, Batch, Moment, Share, Source


@dataclasses.dataclass(frozen=True)
class FreshStrings(Source):
    """Random strings with their answers.

    Args:
        task: what is asked.
        shortest: lengths are drawn from this on; 0: all strings of a batch are as long as may be.
        growth: from a single symbol to T.
        skew: how unevenly a string prefers some symbols: the logits of its symbols are normal with this deviation.
        every_step: whether the answers after all symbols are learned, not only after the last.
    """

    task: StringTask
    shortest: int
    growth: Growth
    skew: float
    every_step: bool

    @override
    def draw(
        self, size: int, data: PyTree, corpus: PyTree, carry: PyTree, now: Moment, share: Share
    ) -> tuple[Batch, PyTree]:
        for_symbols, for_lengths = jax.random.split(now.draw_key(BATCHES))
        codes = draw_codes(for_symbols, (size, self.growth.longest), len(self.task.alphabet), self.skew)
        longest = self.growth.longest_at(now.step)
        lengths = jnp.full(size, longest)
        if self.shortest:
            lengths = jax.random.randint(for_lengths, (size,), jnp.minimum(self.shortest, longest), longest + 1)
        answers = running_answers(self.task, codes)
        if not self.every_step:
            answers = jnp.take_along_axis(answers, lengths[:, None] - 1, axis=1)[:, 0]
        return Batch(share(codes), share(lengths), share(answers)), carry


def draw_codes(key: Array, shape: tuple[int, int], base: int, skew: float) -> Array:
    """Random strings over A = `base` symbols: shape (N, T) to codes [N, T]; see FreshStrings for `skew`."""
    for_logits, for_symbols = jax.random.split(key)
    logits = skew * jax.random.normal(for_logits, (shape[0], base))
    bounds = jnp.cumsum(jax.nn.softmax(logits), axis=1)[:, None, :-1]
    return jnp.sum(jax.random.uniform(for_symbols, shape)[..., None] >= bounds, axis=-1, dtype=jnp.uint8)


def running_answers(task: StringTask, codes: Array) -> Array:
    """The right answer after each symbol, as `tasks.strings.running_answers`, on the device: [N, T] to [N, T]."""

    def following(state: PyTree, symbols: Any) -> tuple[PyTree, Array]:
        state = task.advance(state, symbols)
        return state, task.answer(state)

    start = jax.tree.map(jnp.asarray, task.start(codes.shape[:1]))
    return jax.lax.scan(following, start, codes.T)[1].T
