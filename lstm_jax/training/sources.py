"""Where a member's batches come from: a set of strings, strings drawn anew, windows of a text, or its streams.

A source is a pure function of the data, the member's key and the step, and of a carry that is part of the member's
state: so a run that was interrupted goes on with the batch that it would have had.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, override

import jax
import jax.numpy as jnp

from lstm_jax.axes import Array, PyTree

BATCHES, CANDIDATES = 1, 2
"""What a member's key is folded with first: each use of randomness has its own stream. (0: initial weights.)"""

type Share = Callable[[Array], Array]


class Batch(NamedTuple):
    """What one update learns from.

    symbols [B, T], lengths [B], right answers [B], or [B, T] after each symbol. `start`: the state before the first
    symbol, [B, H] a layer, or (). `candidates`: wrong answers to compare with, [K], or ().
    """

    symbols: Array
    lengths: Array
    answers: Array
    start: PyTree = ()
    candidates: PyTree = ()


class Moment(NamedTuple):
    """Which batch: the member's key and its step."""

    key: Array
    step: Array

    def draw_key(self, purpose: int) -> Array:
        """The key for one purpose at this step."""
        return jax.random.fold_in(jax.random.fold_in(self.key, purpose), self.step)


class Source(Protocol):
    """Gives each update its batch. Hashable: it is part of what is compiled."""

    def begin(self, key: Array, zero_state: Callable[[int], PyTree]) -> PyTree:
        """The carry before the first update; () if there is none. `zero_state`: B to the state of B empty strings."""
        return ()

    def draw(
        self, size: int, data: PyTree, corpus: PyTree, carry: PyTree, now: Moment, share: Share
    ) -> tuple[Batch, PyTree]:
        """The batch of this update, and the next carry.

        Args:
            size: B, strings an update.
            data: what this member learns from.
            corpus: what all members learn from.
            carry: from the update before.
            now: which batch.
            share: picks the rows of the slices that are computed on this device: [B, ...] to [slices, B / slices, ...].
        """
        ...


def choose_rows(order: str, size: int, available: int, now: Moment) -> Array:
    """Which of the available examples make up a batch, [B]: `random`, or `in_turn` and never reshuffled."""
    if order == "in_turn":
        period = available // math.gcd(size, available)  # of the batches; larger products might not fit into an integer
        return (now.step % period * size + jnp.arange(size)) % available
    return jax.random.randint(now.draw_key(BATCHES), (size,), 0, available)


@dataclasses.dataclass(frozen=True)
class Examples(Source):
    """A set of strings with their answers, `Batch` leaves [N, ...]; in random order or in turn."""

    order: str

    @override
    def draw(
        self, size: int, data: PyTree, corpus: PyTree, carry: PyTree, now: Moment, share: Share
    ) -> tuple[Batch, PyTree]:
        rows = share(choose_rows(self.order, size, data.lengths.shape[0], now))
        return jax.tree.map(lambda leaf: leaf[rows], data), carry


@dataclasses.dataclass(frozen=True)
class Windows(Source):
    """Windows of a text: `length` symbols and the one that follows, or the ones that follow each.

    Args:
        order: `random`; `in_turn`, from the first window to the last and again; or `sliding`: the next window begins
            where this one and its answer end, and after the last one somewhere in the first `length + 2` places.
        length: T, symbols of context.
        every_step: whether the answers after all symbols are learned, not only after the last.
    """

    order: str
    length: int
    every_step: bool

    @override
    def begin(self, key: Array, zero_state: Callable[[int], PyTree]) -> PyTree:
        return self._restart(Moment(key, jnp.int32(-1))) if self.order == "sliding" else ()

    @override
    def draw(
        self, size: int, data: PyTree, corpus: PyTree, carry: PyTree, now: Moment, share: Share
    ) -> tuple[Batch, PyTree]:
        windows = corpus.shape[0] - self.length
        if self.order == "sliding":
            places, carry = self._slide(size, windows, carry, now)
        else:
            places = choose_rows(self.order, size, windows, now)
        places = share(places)
        symbols = corpus[places[..., None] + jnp.arange(self.length)]
        following = jnp.arange(1, self.length + 1) if self.every_step else self.length
        answers = corpus[places[..., None] + following] if self.every_step else corpus[places + following]
        return Batch(symbols, jnp.full(places.shape, self.length), answers), carry

    def _slide(self, size: int, windows: int, place: Array, now: Moment) -> tuple[Array, Array]:
        """The places of a batch, and where the next one begins."""
        restarts = jax.vmap(lambda number: self._restart(Moment(jax.random.fold_in(now.key, number), now.step)))

        def following(place: Array, restart: Any) -> tuple[Array, Array]:
            after = place + self.length + 1
            return jnp.where(after < windows, after, restart), place

        place, places = jax.lax.scan(following, place % windows, restarts(jnp.arange(size)) % windows)
        return places, place

    def _restart(self, now: Moment) -> Array:
        return jax.random.randint(now.draw_key(BATCHES), (), 0, self.length + 2)


@dataclasses.dataclass(frozen=True)
class Streams(Source):
    """A text cut into B streams that are read side by side; the state is carried from one chunk to the next.

    Each update reads `length` symbols of each stream and learns the ones that follow them. After the last chunk all
    streams begin again, with a state of zeros.

    Args:
        length: T, symbols an update.
        batch_size: B.
    """

    length: int
    batch_size: int

    @override
    def begin(self, key: Array, zero_state: Callable[[int], PyTree]) -> PyTree:
        return zero_state(self.batch_size)

    @override
    def draw(
        self, size: int, data: PyTree, corpus: PyTree, carry: PyTree, now: Moment, share: Share
    ) -> tuple[Batch, PyTree]:
        stream = (corpus.shape[0] - 1) // size
        chunk = now.step % (stream // self.length)
        places = jnp.arange(size) * stream + chunk * self.length
        symbols = corpus[places[:, None] + jnp.arange(self.length + 1)]
        # A state belongs to all streams at once: a batch of streams is a single slice.
        start = jax.tree.map(lambda leaf: jnp.where(chunk == 0, jnp.zeros_like(leaf), leaf)[None], carry)
        lengths = jnp.full(size, self.length)
        return Batch(share(symbols[:, :-1]), share(lengths), share(symbols[:, 1:]), start), carry
