"""The tree of all strings against reading every string from its beginning."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax.tasks.strings import digits
from lstm_jax.training.prefix_tree import in_number_order, walk_continuations


def step(state, symbols):
    """A state that remembers the order of everything that it read."""
    return state * 5 + symbols + 1


def plain(base, length):
    """The states after all strings of a length, in the order of their numbers."""
    states = []
    for row in digits(np.arange(base**length), length, base):
        state = 0
        for symbol in row:
            state = step(state, int(symbol))
        states.append(state)
    return np.array(states)


@pytest.mark.parametrize(("base", "block_depth", "depth"), [(2, 3, 4), (2, 1, 1), (3, 2, 2), (4, 1, 3), (2, 2, 6)])
def test_every_string_is_reached_once(base, block_depth, depth):
    def judge(state):
        return state

    @jax.jit
    def everything():
        block = jnp.asarray(plain(base, block_depth), jnp.int32)
        return (
            walk_continuations(step, judge, block, base, depth),
            walk_continuations(step, judge, block, base, depth, leaves_only=True),
        )

    walked, leaves = map(np.asarray, everything())
    start = 0
    for level in range(1, depth + 1):
        rows = walked[start : start + base ** (level - 1)]
        np.testing.assert_array_equal(in_number_order(rows, base), plain(base, block_depth + level))
        start += base ** (level - 1)
    assert start == len(walked)
    np.testing.assert_array_equal(in_number_order(leaves, base), plain(base, block_depth + depth))


def test_each_node_is_stepped_once():
    steps = []

    def counted(state, symbols):
        jax.debug.callback(lambda: steps.append(1))
        return step(state, symbols)

    block = jnp.zeros(2, jnp.int32)
    jax.block_until_ready(walk_continuations(counted, lambda state: state, block, 2, 5))
    jax.effects_barrier()
    nodes = sum(2**level for level in range(5))
    assert len(steps) in (nodes, 2 * nodes)  # one call a node, or one a child where the callback is mapped


def test_numbers_of_levels_are_those_of_itertools():
    rows = np.array([[[int("".join(map(str, s)), 2)] for s in itertools.product(range(2), repeat=3)]]).reshape(4, 2, 1)
    ordered = in_number_order(rows, 2)
    # Lexicographic 011 (3) has the number 0·1 + 1·2 + 1·4 = 6.
    assert ordered[6] == 3
