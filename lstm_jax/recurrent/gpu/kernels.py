"""The loops over time of `gpu.unroll` for small layers: one kernel for each, which goes through all symbols.

Between two steps nothing but the sequences is read and written: each program has COLUMNS columns of the batch, whose
state and weights stay on the chip. Written in Pallas, compiled by way of Triton. Triton multiplies matrices of at
least 16 by 16 whose sizes are powers of two: units are filled up to P with zeros, and what lies beyond the units or the
batch is masked. Arguments and results are those of `loops`, and so are the axes.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental import pallas
from jax.experimental.pallas import triton

from lstm_jax.axes import Array, PyTree
from lstm_jax.recurrent.cells import State, product
from lstm_jax.recurrent.gpu.cells import GPU_CELLS, NUM_BLOCKS, Blocks
from lstm_jax.recurrent.gpu.loops import filled
from lstm_jax.recurrent.gpu.tile import COLUMNS, Tile


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
    interpret: bool = False,
) -> tuple[State, Array | None]:
    """Goes through all symbols: `loops.forward`.

    With `interpret` XLA computes what the kernel does, on any platform.
    """
    _, time, batch = projected.shape
    units = hidden.shape[1]
    states = jax.tree.map(lambda leaf: _like(leaf, (time, units, batch)), start)
    kept = _like(start.hidden, (NUM_BLOCKS * units, time, batch)) if keep else None
    bias = None if recalled is None else jnp.pad(recalled, (0, filled(units) - units))[:, None]
    call = _call(functools.partial(_forward, kind, reverse), (states, kept), units, batch, interpret)
    return call(projected, _by_gate(hidden), bias, start, _as_integers(resets))


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
    interpret: bool = False,
) -> tuple[Array, State]:
    """Goes back through all symbols: `loops.backward`."""
    units, batch = start.shape
    shapes = _like(kept, kept.shape, hidden.dtype), jax.tree.map(lambda leaf: _like(kept, leaf.shape), d_final)
    call = _call(functools.partial(_backward, kind, reverse), shapes, units, batch, interpret)
    transposed = jnp.swapaxes(_by_gate(hidden), 1, 2)
    return call(transposed, kept, memories, start, _as_integers(resets), d_states, d_final)


def _forward(  # type: ignore[no-untyped-def]
    kind: str, reverse: bool, projected, hidden, recalled, start, resets, states, kept
) -> None:
    cell, (time, units, batch) = GPU_CELLS[kind], states.hidden.shape
    tile = Tile(units, batch)
    weights = [hidden[number] for number in range(len(cell.hidden_blocks))]
    bias = None if recalled is None else recalled[...]

    def multiply(state: Array) -> Blocks:
        parts = [product(part, state) for part in weights]
        return parts if bias is None else [*parts[:-1], parts[-1] + bias]

    def step(number: Array, carry: Any) -> Any:
        before, from_inputs = carry
        now = time - 1 - number if reverse else number
        # Read a step ahead, so that nothing waits for the memory.
        coming = tile.load_blocks(projected, jnp.clip(now - 1 if reverse else now + 1, 0, time - 1))
        after, values = cell.step(from_inputs, before, tile.load_reset(resets, now), multiply)
        for ref, leaf in zip(states, after, strict=True):
            tile.store(ref, leaf, now)
        if kept is not None:
            tile.store_blocks(kept, values, now)
        return after, coming

    first = jnp.int32(time - 1 if reverse else 0)
    lax.fori_loop(0, time, step, (type(start)(*map(tile.load, start)), tile.load_blocks(projected, first)))


def _backward(  # type: ignore[no-untyped-def]
    kind: str, reverse: bool, hidden, kept, memories, start, resets, d_states, d_final, d_rows, d_start
) -> None:
    cell, (time, units, batch) = GPU_CELLS[kind], memories.shape
    tile = Tile(units, batch)
    weights = [hidden[number] for number in range(len(cell.hidden_blocks))]
    first, at_start = time - 1 if reverse else 0, tile.load(start)

    def multiply(blocks: Blocks) -> Array:
        return functools.reduce(jnp.add, map(product, weights, blocks))

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
        reset = tile.load_reset(resets, now)
        blocks, d_before = cell.step_back(values, (after, before), reset, d_after, multiply)
        tile.store_blocks(d_rows, blocks, now)
        return d_before, before, coming

    last = jnp.int32(0 if reverse else time - 1)
    begin = type(d_final)(*map(tile.load, d_final)), tile.load(memories, last), fetch(last)
    for ref, leaf in zip(d_start, lax.fori_loop(0, time, step, begin)[0], strict=True):
        tile.store(ref, leaf)


def _call(kernel: Any, shapes: PyTree, units: int, batch: int, interpret: bool) -> Any:
    return pallas.pallas_call(
        kernel,
        shapes,
        grid=(pallas.cdiv(batch, COLUMNS),),
        compiler_params=triton.CompilerParams(num_warps=warps(units), num_stages=1),
        interpret=interpret,
    )


def warps(units: int) -> int:
    """How many warps work on a program: one for 16 units.

    Measured on an NVIDIA H200, forward and backward: 24 units take 259 µs with one warp, 193 with 2 and 261 with 4, 64
    units 574 µs with 4 and 722 with 8, 128 units in bfloat16 1,087 µs with 4 and 835 with 8.
    """
    return max(1, min(8, filled(units) // 16))


def _by_gate(hidden: Array) -> Array:
    """[G·H, H] as [G, P, P], zeros beyond the units."""
    units = hidden.shape[1]
    gap = 0, filled(units) - units
    return jnp.pad(hidden.reshape(-1, units, units), ((0, 0), gap, gap))


def _as_integers(resets: Array | None) -> Array | None:
    return None if resets is None else resets.astype(jnp.int32)


def _like(array: Array, shape: tuple[int, ...], dtype: Any = None) -> jax.ShapeDtypeStruct:
    """A result of that shape which varies over the mesh axes over which the array does."""
    return jax.ShapeDtypeStruct(shape, dtype or array.dtype, manual_axis_type=jax.typeof(array).manual_axis_type)
