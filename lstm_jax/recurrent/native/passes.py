"""The two passes of the fast path by the kernel: the numbers of `fused`, up to rounding, and what it keeps of them.

Under `jax.vmap` the kernel computes several layers in one call. XLA computes second derivatives. A state of zeros is
not multiplied by the weights: where a weight is NaN, `scan` gives states that are NaN, and the kernel may give finite
ones. Nor is it multiplied by the derivatives of the time step that is read first: where these alone are NaN or
infinite, `scan` gives NaN in the gradient of the recurrent kernel, and the kernel may give finite numbers.
"""

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lstm_jax.axes import Array, PyTree
from lstm_jax.recurrent import deferred
from lstm_jax.recurrent.cells import LSTMState, State, Weights
from lstm_jax.recurrent.native import build, kept
from lstm_jax.recurrent.varying import vary_alike
from lstm_jax.recurrent.vectorised import Pass, in_turn, unless_vectorised

HALF, BLOCK = 48, 96
"""Columns that are computed on their own, so that threads need not wait for each other: two halves of at least so many,
and more blocks where each has at least so many. Measured on two cores, forward and backward, 128 units, 64 time steps:
96 columns take 8.2 ms in two halves and 9.4 in one block, 192 columns 17.2 ms in two, 19.2 in one and 22.7 in three,
which two threads cannot share evenly; 512 columns of 32 time steps 24.6 ms in four blocks and 29.6 in eight, whose rows
are too short for the processor to fetch ahead."""

MOST_SUMS = 1 << 24
"""Numbers of all blocks' weight gradients together, of which each block has its own: more blocks than two must not take
more memory than 64 MiB for them. 8,192 columns of 512 units, as many features, would have 64 blocks and half a GiB."""

FEW, FEW_OF_WIDE, WIDE = 4, 8, 64
"""Columns up to which the lanes of a vector are units instead, the second for layers of WIDE units or more. Measured,
forward and backward of 20 time steps: 4 columns of 24 units take 68 µs that way and 79 µs the other, 6 columns 112 and
73; of 128 units 8 columns take 1.09 and 1.17 ms and 12 columns 1.6 and 1.25; one of 512 units takes 2.2 and 14 ms."""

STEP, STEP_OF_FEW = 500_000, 75_000
"""Multiply-adds of one time step that are worth a thread which meets others after it; measured: 64 columns of 24 units
(150,000) take 0.24 ms by one thread and 0.38 by two, 32 columns of 512 units (36 million) 146 and 81 ms; a single
column of 128 units (65,000) 178 and 170 µs, of 192 units (150,000) 388 and 333."""


def available() -> bool:
    """Whether there is a kernel: on a CPU, if it can be compiled."""
    return jax.default_backend() == "cpu" and build.load()


def usable(weights: Weights, inputs: Array, state: State) -> bool:
    """Whether the kernel computes this: one floating-point type that it knows throughout."""
    types = {leaf.dtype for leaf in (*weights, inputs, *state)}
    known = len(types) == 1 and types <= {jnp.dtype(jnp.float32), jnp.dtype(jnp.float64)}
    return known and bool(inputs.shape[-1]) and available()


def forward(kind: str, reverse: bool, keep: bool, otherwise: Pass, *arguments: Any) -> PyTree:
    """The final state [H, B], the states [T, H, B] and what is kept of the gates, or None.

    Args:
        kind: `lstm` or `gru`.
        reverse: read from the last time step to the first.
        keep: whether there will be a backward pass.
        otherwise: computes the same by XLA.
        *arguments: weights, inputs [T, D, B], state [H, B], resets [T, B] or None.
    """

    def by_kernel(members: int, weights: Weights, inputs: Array, state: State, resets: Array | None) -> PyTree:
        time, (units, columns) = inputs.shape[-3], state.hidden.shape[-2:]
        shapes = [(time, units, columns) if name in state._fields else (0,) for name in LSTMState._fields]
        shape = kept.shape(time, units, columns, _lanes(state)) if keep else (0,)
        problem = weights, inputs, state, resets
        results = _call(f"{kind}_forward", reverse, members, problem, (), [*shapes, shape])
        found = type(state)(*results[: len(state)])
        final = jax.tree.map(lambda leaf: leaf[..., 0 if reverse else -1, :, :], found)
        return final, found, results[2] if keep else None

    def by_xla(*arguments: Any) -> PyTree:
        final, states, rows = otherwise(*arguments)
        return final, states, kept.from_rows(rows, _lanes(final)) if keep else None

    return _or_by_xla(by_kernel, by_xla)(*arguments)


def backward(kind: str, reverse: bool, need: tuple[bool, bool], otherwise: Pass, *arguments: Any) -> PyTree:
    """The derivatives by weights, inputs and the state before the first time step, None for what is not needed.

    Args:
        kind: `lstm` or `gru`.
        reverse: as in `forward`.
        need: whether the derivatives by the inputs and by the state before the first time step are needed.
        otherwise: computes the same by XLA.
        *arguments: those of `forward` as a tuple, its two results, and the derivatives by the final state [H, B] and by
            the states [T, H, B], each a list with None where they are zero.
    """

    def needed(*derivatives: PyTree) -> list[PyTree]:
        return [leaf if wanted else None for leaf, wanted in zip(derivatives, need, strict=True)]

    def by_kernel(
        members: int, problem: tuple, states: State, gates: Array, d_final: Sequence, d_states: Sequence
    ) -> PyTree:
        weights, inputs, state, resets = problem
        (time, _, columns), units = inputs.shape[-3:], state.hidden.shape[-2]
        defer = not _division(units, columns, 0)[0] and deferred.is_preferred(weights, time, columns)
        absent = [None] * (2 - len(state))
        more = [*states, *absent, gates, *d_states, *absent, *d_final, *absent]
        shapes = [weights.input.shape[-2:], weights.hidden.shape[-2:], weights.bias.shape[-1:]]
        shapes = [(0,)] * 3 if defer else shapes
        shapes += [inputs.shape[-3:] if need[0] else (0,)]
        shapes += [leaf.shape[-2:] if need[1] else (0,) for leaf in state] + [(0,) for _ in absent]
        shapes += [(time, kept.GATES * units, columns) if defer else (0,)]
        *results, d_rows = _call(f"{kind}_backward", reverse, members, problem, more, shapes)
        d_weights = Weights(*results[:3])
        if defer:
            d_weights = deferred.weight_gradient(kind, reverse, d_rows, inputs, state, states, resets)
        return d_weights, *needed(results[3], type(state)(*results[4 : 4 + len(state)]))

    def by_xla(problem: tuple, states: State, gates: Array, *derivatives: Any) -> PyTree:
        rows = kept.to_rows(kind, gates, problem[2].hidden.shape[-1], _lanes(problem[2]))
        d_weights, d_inputs, d_state = otherwise(problem, states, rows, *derivatives)
        return d_weights, *needed(d_inputs, d_state)

    return _or_by_xla(by_kernel, by_xla)(*arguments)


def _or_by_xla(by_kernel: Pass, by_xla: Pass) -> Pass:
    """The kernel's pass; XLA's for its derivative (of the backward pass: the second one).

    Args:
        by_kernel: takes the number of members, layers that are computed in one call, before the arrays, some of which
            then have an axis of members before their own; 0: none has.
        by_xla: takes the arrays alone.
    """

    def several(size: int, _: tuple, *arguments: Any) -> PyTree:
        members = functools.partial(by_kernel, size)
        return unless_vectorised(members, in_turn(members))(*arguments)

    choose = unless_vectorised(functools.partial(by_kernel, 0), several)
    differentiable = jax.custom_jvp(lambda *arguments: choose(*arguments))
    differentiable.defjvp(functools.partial(jax.jvp, by_xla))
    return differentiable


def _call(
    target: str, reverse: bool, members: int, problem: tuple, more: Sequence, shapes: Sequence[tuple[int, ...]]
) -> Sequence[Array]:
    """Calls a function of the kernel; an array that is not there has the size zero. Shapes are those of one member."""
    weights, inputs, state, resets = problem
    nothing = jnp.zeros((0,), inputs.dtype)
    arguments = [*weights, inputs, *state, *[nothing] * (2 - len(state)), resets, *more]
    arguments = vary_alike([nothing if leaf is None else leaf for leaf in arguments])
    lead = (members,) if members else ()
    whole = [jax.ShapeDtypeStruct((*lead, *shape) if any(shape) else shape, inputs.dtype) for shape in shapes]
    units, columns = state.hidden.shape[-2:]
    blocks, useful = _division(units, columns, inputs.shape[-2])
    threads = min(_threads(), useful)
    together = max(1, min(members, _threads() // threads))
    numbers = {"blocks": blocks, "threads": threads, "members": max(1, members), "together": together}
    call = jax.ffi.ffi_call(build.target_name(target), whole)
    results = call(*arguments, reverse=reverse, **{name: np.int32(number) for name, number in numbers.items()})
    # JAX takes what comes from outside for equal on all devices of a `jax.shard_map`.
    return vary_alike([arguments[0], *results])[1:]


def _division(units: int, columns: int, features: int) -> tuple[int, int]:
    """Into how many blocks of columns the work is cut, and how many threads are of use.

    The blocks follow from the shape alone, never from the number of threads: they decide in which order numbers are
    added. They are 2^n, which two, four or eight threads can share evenly; three have one round more to do. Threads
    beyond that number share the units of a block and meet at every time step, as they do in what is too little for a
    block, 0.
    """
    few = columns <= (FEW if units < WIDE else FEW_OF_WIDE)
    blocks = 0 if few else 1 if columns < 2 * HALF else 2
    sums = 4 * units * (units + features + 1)
    while blocks and columns >= 2 * blocks * BLOCK and 2 * blocks * sums <= MOST_SUMS:
        blocks *= 2
    shared = 4 * units * (units + features) * columns // (max(blocks, 1) * (STEP_OF_FEW if few else STEP))
    return blocks, max(blocks, 1) * max(1, shared)


def _lanes(state: State) -> int:
    """Columns in a vector of the kernel's; 0 where they are too few for that."""
    units, columns = state.hidden.shape[-2:]
    return build.vector_bytes() // state.hidden.dtype.itemsize if _division(units, columns, 0)[0] else 0


def _threads() -> int:
    """Those of this device: under a `jax.shard_map` each device of this process has its share."""
    mesh = jax.sharding.get_abstract_mesh()
    devices = 1 if mesh.empty else max(1, mesh.size // jax.process_count())
    return max(1, build.count_threads() // devices)
