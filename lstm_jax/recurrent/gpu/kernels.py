"""The loops over time of `gpu.unroll` as one kernel each, which goes through all symbols.

Between two steps nothing is read and written but the sequences, and what programs tell each other that share the units:
the state and the weights stay on the chip. Written in Pallas, compiled by way of Triton, which multiplies matrices of
at least 16 by 16 whose sizes are powers of two: units are filled up with zeros, and what lies beyond them or beyond the
batch is masked. How the work is divided: `programs`. Arguments and results are those of `loops`, and so are the axes.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental import pallas
from jax.experimental.pallas import triton

from lstm_jax.axes import Array, PyTree
from lstm_jax.recurrent.cells import State
from lstm_jax.recurrent.gpu.cells import GPU_CELLS, NUM_BLOCKS, Blocks
from lstm_jax.recurrent.gpu.products import LINE, Alone, Meeting, Team
from lstm_jax.recurrent.gpu.programs import COLUMNS, filled
from lstm_jax.recurrent.varying import vary_alike


def forward(
    kind: str,
    reverse: bool,
    keep: bool,
    projected: Array,
    hidden: Array,
    recalled: Array | None,
    start: State,
    resets: Array | None,
    *,
    members: int = 1,
    interpret: bool = False,
) -> tuple[State, Array | None]:
    """Goes through all symbols: `loops.forward`.

    `members` programs share the units. With `interpret` XLA computes what the kernel does, on any platform, where one
    program has all units.
    """
    _, time, batch = projected.shape
    units = hidden.shape[1]
    states = jax.tree.map(lambda leaf: _like(leaf, (time, units, batch)), start)
    kept = _like(start.hidden, (NUM_BLOCKS * units, time, batch)) if keep else None
    call = _call(functools.partial(_forward, kind, reverse), (states, kept), start.hidden, members, 1, interpret)
    return call(projected, hidden, recalled, start, _as_integers(resets))


def backward(
    kind: str,
    reverse: bool,
    hidden: Array,
    kept: Array,
    memories: Array,
    start: Array,
    resets: Array | None,
    d_states: list[Array | None],
    d_final: State,
    *,
    members: int = 1,
    interpret: bool = False,
) -> tuple[Array, State]:
    """Goes back through all symbols: `loops.backward`; see `forward` for the last two arguments."""
    shapes = _like(kept, kept.shape, hidden.dtype), jax.tree.map(lambda leaf: _like(kept, leaf.shape), d_final)
    call = _call(functools.partial(_backward, kind, reverse), shapes, start, members, members, interpret)
    return call(hidden, kept, memories, start, _as_integers(resets), d_states, d_final)


def _forward(  # type: ignore[no-untyped-def]
    kind: str, reverse: bool, members: int, projected, hidden, recalled, start, resets, _, states, kept, meeting
) -> None:
    cell, (time, *whole) = GPU_CELLS[kind], states.hidden.shape
    group = Alone(whole, hidden) if meeting is None else Team(whole, hidden, members, meeting)
    tile, products = group.tile, group.forwards()
    bias = tile.load_bias(recalled)

    def step(number: Array, carry: Any) -> Any:
        before, from_inputs = carry
        now = time - 1 - number if reverse else number
        # Read a step ahead, so that nothing waits for the memory.
        coming = tile.load_blocks(projected, jnp.clip(now - 1 if reverse else now + 1, 0, time - 1))

        def multiply(state: Array) -> Blocks:
            parts = products(number, state)
            return parts if bias is None else [*parts[:-1], parts[-1] + bias]

        after, values = cell.step(from_inputs, before, tile.load_reset(resets, now), multiply)
        for ref, leaf in zip(states, after, strict=True):
            tile.store(ref, leaf, now)
        if kept is not None:
            tile.store_blocks(kept, values, now)
        return after, coming

    first = jnp.int32(time - 1 if reverse else 0)
    lax.fori_loop(0, time, step, (type(start)(*map(tile.load, start)), tile.load_blocks(projected, first)))


def _backward(  # type: ignore[no-untyped-def]
    kind: str, reverse: bool, members: int, hidden, kept, memories, start, resets, d_states, d_final, _, *results
) -> None:
    cell, (time, *whole), (d_rows, d_start, meeting) = GPU_CELLS[kind], memories.shape, results
    group = Alone(whole, hidden) if meeting is None else Team(whole, hidden, members, meeting)
    tile, products = group.tile, group.backwards()
    first, at_start = time - 1 if reverse else 0, tile.load(start)

    def earlier(now: Array) -> Array:
        return jnp.clip(now + 1 if reverse else now - 1, 0, time - 1)

    def fetch(now: Array) -> Any:
        before = jnp.where(now == first, at_start, tile.load(memories, earlier(now)))
        seen = [None if ref is None else tile.load(ref, now) for ref in d_states]
        return tile.load_blocks(kept, now), before, seen

    def step(number: Array, carry: Any) -> Any:
        d_after, after, (values, before, seen) = carry
        now = number if reverse else time - 1 - number
        coming = fetch(earlier(now))
        pairs = zip(d_after, seen, strict=True)
        d_after = type(d_after)(*(leaf if more is None else leaf + more for leaf, more in pairs))
        reset, multiply = tile.load_reset(resets, now), functools.partial(products, number)
        blocks, d_before = cell.step_back(values, (after, before), reset, d_after, multiply)
        tile.store_blocks(d_rows, blocks, now)
        return d_before, before, coming

    last = jnp.int32(0 if reverse else time - 1)
    begin = type(d_final)(*map(tile.load, d_final)), tile.load(memories, last), fetch(last)
    for ref, leaf in zip(d_start, lax.fori_loop(0, time, step, begin)[0], strict=True):
        tile.store(ref, leaf)


def _call(kernel: Any, shapes: tuple, state: Array, members: int, slots: int, interpret: bool) -> Any:
    """A function of arrays that runs a kernel.

    Args:
        kernel: takes references to the arrays, to the counters as they come, to the results, and a `Meeting` of teams.
        shapes: of the results.
        state: one like the layer's, [H, B].
        members: how many programs share the units.
        slots: how many arrays [H, B] a team exchanges at a step.
        interpret: whether XLA computes what the kernel does.
    """
    units, batch = state.shape
    teams = -(-batch // COLUMNS)
    counters = meeting = None
    if members > 1:
        # An argument that becomes a result, because they begin with zeros.
        counters = vary_alike((jnp.zeros((1 + teams, LINE), jnp.int32), state))[0]
        meeting = Meeting(_like(state, (2 * slots, units, batch)), _like(state, counters.shape, jnp.int32))
    results = *shapes, meeting

    def call(*arrays: PyTree) -> list:
        aliases = {len(jax.tree.leaves(arrays)): len(jax.tree.leaves(results)) - 1} if members > 1 else {}
        run = pallas.pallas_call(
            functools.partial(kernel, members),
            results,
            grid=(members * teams,),
            input_output_aliases=aliases,
            compiler_params=triton.CompilerParams(num_warps=warps(units, members), num_stages=1),
            interpret=interpret,
        )
        return run(*arrays, counters)[:-1]

    return call


def warps(units: int, members: int) -> int:
    """How many warps work on a program: alone one for 16 units, in a team four.

    Measured on an NVIDIA H200, forward and backward: 24 units take 259 µs with one warp, 193 with 2 and 261 with 4, 64
    units 574 µs with 4 and 722 with 8. In teams: 256 strings of 128 units 434 µs with 4 and 444 with 8, 1,000 strings
    905 and 1,277 µs, 128 strings of 256 units 1,100 and 1,129 µs.
    """
    return max(1, min(4, filled(units) // 16)) if members == 1 else 4


def _as_integers(resets: Array | None) -> Array | None:
    return None if resets is None else resets.astype(jnp.int32)


def _like(array: Array, shape: tuple[int, ...], dtype: Any = None) -> jax.ShapeDtypeStruct:
    """A result of that shape which varies over the mesh axes over which the array does."""
    return jax.ShapeDtypeStruct(shape, dtype or array.dtype, manual_axis_type=jax.typeof(array).manual_axis_type)
