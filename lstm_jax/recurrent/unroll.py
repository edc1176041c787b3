"""A cell along time: which implementation does it, and in which segments."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from lstm_jax.axes import Array, PyTree
from lstm_jax.recurrent import fused, scan
from lstm_jax.recurrent.cells import CELLS, State, Weights
from lstm_jax.recurrent.native import passes as native
from lstm_jax.recurrent.sequences import at_length, check_integer, reverse_time, within
from lstm_jax.recurrent.varying import vary_alike

IMPLEMENTATIONS = ("auto", "scan", "fused")

LONGEST_WRITTEN_OUT = 8
"""Up to this many time steps of a single sequence are written out one after another where XLA computes them, without a
loop and without the copies of the weights that its fast path makes; measured for 3 time steps and 512 units: 0.68 ms
instead of 2.8 ms. (The kernel on a CPU takes 0.44 ms.)"""

type Unroll = Callable[..., tuple[State, State]]
"""A cell along time, from one end to the other: (weights, inputs, state, resets) -> (final state, states)."""


class Unrolling(NamedTuple):
    """How a cell is applied along time.

    Fields:
        impl: `scan` is the textbook, `fused` the fast path, `auto` what is faster for the cell and the shape.
        remat: time steps a segment; only the states between segments are kept for the backward pass, which computes
            each segment anew. 0: everything is kept.
        truncate: time steps a chunk; no gradient flows from a chunk into the one before it. 0: gradients flow to the
            first time step.
        from_zeros: whether the state before the time step that is read first is known to be zero.
    """

    impl: str = "auto"
    remat: int = 0
    truncate: int = 0
    from_zeros: bool = False

    def check(self, kind: str) -> None:
        """Raises a ValueError where a field makes no sense for this kind of cell."""
        if self.impl not in IMPLEMENTATIONS:
            raise ValueError(f"impl must be one of {', '.join(IMPLEMENTATIONS)}, not {self.impl}")
        if self.impl == "fused" and kind not in fused.UNROLL:
            raise ValueError(f'the cell "{kind}" has no fused path: use impl="scan"')
        for name in ("remat", "truncate"):
            check_integer(name, getattr(self, name), 0)

    def apply(self, unroll: Unroll, *, reverse: bool) -> Unroll:
        """The same unrolling in the segments and chunks asked for; `unroll` reads backwards where `reverse` is true."""
        if self.remat:
            # Inside a scan there is nothing that the two passes could share, so nothing needs to be prevented.
            unroll = in_segments(jax.checkpoint(unroll, prevent_cse=False), self.remat, reverse=reverse)
        if self.truncate:
            unroll = in_segments(unroll, self.truncate, reverse=reverse, gradient=False)
        return unroll


class Run(NamedTuple):
    """What one layer did in one direction: the state after the last step [H, B], the states over time [T, H, B]."""

    final: State
    states: State


def run(
    unroll: Unroll,
    weights: PyTree,
    inputs: Array,
    start: State,
    lengths: Array | None = None,
    resets: Array | None = None,
    *,
    backward: bool = False,
) -> Run:
    """Applies a cell to sequences of different lengths, from their beginning or from their end.

    Args:
        unroll: the cell along time, from the end where its argument `reverse` is true.
        weights: the cell's parameters.
        inputs: [T, D, B].
        start: before the time step that is read first, [H, B].
        lengths: [B], time steps of each sequence that count; None: all of them. The others are not read.
        resets: [T, B], whether a new sequence, with a state of zeros, begins with this time step; None: nowhere.
        backward: read each sequence from its end.

    Returns:
        The state after the time step that is read last, and those after each time step, zeros beyond the lengths.
    """
    if lengths is not None:  # int8 cannot hold T = 200, and int32 cannot hold all lengths that are uint32
        largest = min(jnp.iinfo(lengths.dtype).max, jnp.iinfo(jnp.int32).max)
        lengths = lengths.clip(max=largest).astype(jnp.int32)
    # Here and not in the loops, so that derivatives are summed over devices once, not for every time step.
    weights, inputs, start, lengths, resets = vary_alike((weights, inputs, start, lengths, resets))
    if not inputs.shape[0]:  # no time step at all
        return Run(start, jax.tree.map(lambda leaf: jnp.zeros((0, *leaf.shape), leaf.dtype), start))
    if lengths is None:
        return Run(*unroll(weights, inputs, start, _seen(resets, backward), reverse=backward))
    inputs = within(inputs, lengths)
    if resets is not None:
        resets = _seen(within(resets[:, None], lengths)[:, 0], backward)
    if backward:
        inputs = reverse_time(inputs, lengths)
        resets = None if resets is None else reverse_time(resets[:, None], lengths)[:, 0]
    _, states = unroll(weights, inputs, start, resets)
    final = jax.tree.map(lambda leaf, first: at_length(leaf, lengths, first), states, start)
    if backward:
        states = jax.tree.map(lambda leaf: reverse_time(leaf, lengths), states)
    return Run(final, jax.tree.map(lambda leaf: within(leaf, lengths), states))


def _seen(resets: Array | None, backward: bool) -> Array | None:
    """The resets as the loop over time meets them: read backwards, the first time step of a sequence is its last.

    So the state is reset before the time step that stands in front of it, the last one of the sequence before.
    """
    if resets is None or not backward:
        return resets
    return jnp.roll(resets, -1, axis=0).at[-1].set(False)


def unroll(
    kind: str,
    how: Unrolling,
    weights: Weights,
    inputs: Array,
    state: State,
    resets: Array | None = None,
    *,
    reverse: bool = False,
) -> tuple[State, State]:
    """Applies a cell to every time step in turn: arguments and results as those of `scan.unroll`."""
    time, _, batch = inputs.shape
    short = how.impl == "auto" and batch == 1 and time <= LONGEST_WRITTEN_OUT
    written_out = short and not native.usable(weights, inputs, state)
    chosen: Unroll
    if how.impl != "scan" and kind in fused.UNROLL and not written_out:
        from_zeros = how.from_zeros and not (how.remat or how.truncate)  # segments begin with any state
        chosen = functools.partial(fused.UNROLL[kind], reverse=reverse, from_zeros=from_zeros)
    else:
        chosen = functools.partial(scan.unroll, CELLS[kind], reverse=reverse, copies=time if written_out else 1)
    return how.apply(chosen, reverse=reverse)(weights, inputs, state, resets)


def in_segments(unroll: Unroll, length: int, *, reverse: bool, gradient: bool = True) -> Unroll:
    """The same unrolling, segment by segment: what lies between two segments is the state alone.

    Args:
        unroll: applied to each segment.
        length: time steps a segment; those that are left over form one more, which is read last.
        reverse: whether `unroll` reads backwards.
        gradient: whether gradients flow from a segment into the one read before it.
    """

    def unroll_segments(
        weights: Weights, inputs: Array, state: State, resets: Array | None = None
    ) -> tuple[State, State]:
        time = inputs.shape[0]
        if time <= length:
            return unroll(weights, inputs, state, resets)
        rest = time % length
        whole, left = (slice(rest, time), slice(rest)) if reverse else (slice(time - rest), slice(time - rest, time))

        def segment(carry: Any, part: tuple[Array, Array | None]) -> tuple[Any, State]:
            state, first = carry
            if not gradient:  # that by the state before the first time step is kept
                state = jax.tree.map(lambda leaf: jnp.where(first, leaf, jax.lax.stop_gradient(leaf)), state)
            final, states = unroll(weights, part[0], state, part[1])
            return (final, jnp.bool(False)), states

        sequences = (inputs, resets)
        parts = jax.tree.map(lambda leaf: leaf[whole].reshape(-1, length, *leaf.shape[1:]), sequences)
        carry, states = jax.lax.scan(segment, (state, jnp.bool(True)), parts, reverse=reverse)
        states = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), states)
        if rest:
            carry, last = segment(carry, jax.tree.map(lambda leaf: leaf[left], sequences))
            pieces = (last, states) if reverse else (states, last)
            states = jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *pieces)
        return carry[0], states

    return unroll_segments
