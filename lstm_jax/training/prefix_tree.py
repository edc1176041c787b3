"""The continuations of strings, each cell step done once.

Strings with a common beginning share the states after it. Grown level by level, the tree of all strings of T bits costs
2^(T+1) steps instead of T·2^T, but its last level alone may not fit into memory. So the tree is walked depth first, in
blocks: all strings of one length, which `evaluate` has read side by side, are continued by an odometer, while a stack
holds one block of states a level. One step of one block is all that is compiled here, however long the strings are.

A node's number is that of its string (`tasks.strings`): first symbol = least significant digit.
"""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from lstm_jax.axes import Array, PyTree
from lstm_jax.tasks.strings import digits, number_of

type Step = Callable[[PyTree, Array], PyTree]
type Judge = Callable[[PyTree], PyTree]


def walk_continuations(
    step: Step, judge: Judge, block: PyTree, base: int, depth: int, leaves_only: bool = False
) -> PyTree:
    """Judges every continuation, of 1 to `depth` symbols, of every string in the block.

    Args:
        step: state of B strings (leaves [..., B]), symbols [B] -> their next state.
        judge: state of B strings -> what is to be kept of it, leaves [B].
        block: states to continue from, leaves [..., B].
        base: A, symbols in the alphabet.
        depth: how many symbols to append, at least 1.
        leaves_only: judge only the continuations of `depth` symbols.

    Returns:
        Judgements, leaves [1 + A + ... + A^(depth-1), A, B]: level by level, the continuations of one level in
        lexicographic order; with `leaves_only` the last level alone, [A^(depth-1), A, B].
    """
    power = jnp.array([base**level for level in range(depth)], jnp.int32)
    nodes_above = [sum(base**above for above in range(level)) for level in range(depth + 1)]
    offset = jnp.array(nodes_above, jnp.int32)
    width = jax.tree.leaves(block)[0].shape[-1]
    symbols = jnp.broadcast_to(jnp.arange(base)[:, None], (base, width))
    # The product of the hidden state with its weights does not depend on the symbol: under this vmap it is computed
    # once for all children of a node.
    expand = jax.vmap(step, (None, 0))
    judge_children = jax.vmap(judge)

    def descend(level: Array, carry: tuple, leaf: Array) -> tuple:
        """Expands the node that the first `level` digits of `leaf` name; its children go one level down the stack."""
        stack, kept = carry
        node = leaf // power[depth - 1 - level]
        # Without the barrier XLA reads the parent while it writes the children, for which it copies the whole stack.
        children = jax.lax.optimization_barrier(expand(_entry(_entry(stack, level), node % base), symbols))
        if not leaves_only:
            kept = _put(kept, judge_children(children), offset[level] + node)
        return _put(stack, children, level + 1), kept

    def visit(leaf: Array, carry: tuple) -> tuple:
        # Like an odometer: from one leaf to the next only the last digits change, and only their levels are redone.
        unchanged = jnp.sum(leaf % power[1:] != 0, dtype=jnp.int32)
        stack, kept = jax.lax.fori_loop(unchanged, depth, lambda level, c: descend(level, c, leaf), carry)
        if leaves_only:
            kept = _put(kept, judge_children(_entry(stack, jnp.int32(depth))), leaf)
        return stack, kept

    root = jax.tree.map(lambda leaf: jnp.repeat(leaf[None], base, axis=0), block)
    empty = jax.tree.map(lambda leaf: jnp.zeros((depth + 1, *leaf.shape), leaf.dtype), root)
    rows = base ** (depth - 1) if leaves_only else nodes_above[depth]
    judged = jax.eval_shape(judge_children, root)
    kept = jax.tree.map(lambda leaf: jnp.zeros((rows, *leaf.shape), leaf.dtype), judged)
    return jax.lax.fori_loop(0, base ** (depth - 1), visit, (_put(empty, root, 0), kept))[1]


def _entry(tree: PyTree, index: Array) -> PyTree:
    return jax.tree.map(lambda leaf: jax.lax.dynamic_index_in_dim(leaf, index, keepdims=False), tree)


def _put(tree: PyTree, entry: PyTree, index: Array | int) -> PyTree:
    return jax.tree.map(lambda leaf, new: jax.lax.dynamic_update_index_in_dim(leaf, new, index, 0), tree, entry)


def in_number_order(walked: Array, base: int) -> Array:
    """Sorts the judgements of one level of `walk_continuations` by the numbers of the strings.

    Args:
        walked: [A^(level-1), A, B], continuations of `level` symbols of each string of a block.
        base: A, symbols in the alphabet.

    Returns:
        [A^level · B].
    """
    rows = walked.reshape(-1, walked.shape[-1])
    level = round(math.log(len(rows), base))
    # Rows are in lexicographic order, the first symbol most significant; numbers have it least significant.
    lexicographic = number_of(digits(np.arange(len(rows)), level, base)[:, ::-1], base)
    return rows[lexicographic].reshape(-1)
