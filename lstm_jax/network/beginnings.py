"""Strings that begin alike share the states up to where they part: a batch reads each beginning once.

A thousand strings of bits have 128 beginnings of seven bits. Read once each, and then continued string by string, they
cost 128·7 + 1000·13 steps of the cell instead of 1000·20. States and gradients are those of reading every string in
full, up to rounding: the derivative by the state after a beginning is the sum over the strings that go on from it.
"""

import itertools

import jax
import jax.numpy as jnp
import numpy as np

from lstm_jax.axes import Array, PyTree
from lstm_jax.recurrent.native.columns import take
from lstm_jax.tasks.strings import digits

LEAST_SAVED = 0.2
"""Share of a batch's steps from which on they are saved: going on from a state has its cost, too."""


def shared_symbols(num_symbols: int, length: int, batch: int) -> int:
    """How many first symbols are read once for all strings that share them; 0: none.

    Args:
        num_symbols: A, symbols in the alphabet.
        length: T, symbols of each string.
        batch: B, strings.
    """

    def steps(shared: int) -> int:
        return shared * num_symbols**shared + (length - shared) * batch

    # Never all of them: what is read together must be continued by at least one symbol.
    candidates = itertools.takewhile(lambda shared: num_symbols**shared <= batch, range(max(length, 1)))
    best = min(candidates, key=steps, default=0)
    return best if steps(best) <= (1 - LEAST_SAVED) * steps(0) else 0


def all_beginnings(num_symbols: int, length: int) -> np.ndarray:
    """Every string of this length, in the order of its number, [length, A^length]."""
    return digits(np.arange(num_symbols**length), length, num_symbols).T


def number_beginnings(num_symbols: int, symbols: Array) -> Array:
    """Which of `all_beginnings` each string begins with: its first symbols [length, B] to [B]."""
    return sum(row.astype(jnp.int32) * num_symbols**place for place, row in enumerate(symbols))


def continue_from(tree: PyTree, beginnings: Array) -> PyTree:
    """What there is of each beginning for the strings that begin so: leaves [..., A^length], numbers [B] to [..., B].

    In the derivative strings that begin alike are added.
    """
    return jax.tree.map(lambda leaf: take(leaf, beginnings), tree)
