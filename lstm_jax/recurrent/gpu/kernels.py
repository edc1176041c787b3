"""The loops over time of `gpu.unroll` as one kernel each, which goes through all time steps.

Between two steps nothing is read and written but the sequences, and what programs tell each other that share the units:
the state and the weights stay on the chip. Written in Pallas, compiled by way of Triton, which multiplies matrices of
at least 16 by 16 whose sizes are powers of two: units are filled up with zeros, and what lies beyond them or beyond the
batch is masked. How the work is divided: `programs`. Arguments and results are those of `loops`, and so are the axes;
the kernels themselves have the sequences first and the units last, as the layers do, so that nothing is transposed.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from lstm_jax.axes import Array, PyTree
from lstm_jax.recurrent.cells import State, Weights
from lstm_jax.recurrent.gpu import launch
from lstm_jax.recurrent.gpu.cells import GPU_CELLS, NUM_BLOCKS, Blocks
from lstm_jax.recurrent.gpu.products import Alone, Before, Team
from lstm_jax.recurrent.gpu.reading import reader


def forward(
    kind: str,
    reverse: bool,
    keep: bool,
    weights: Weights,
    inputs: Array,
    start: State,
    resets: Array | None,
    *,
    from_zeros: bool = False,
    members: int = 1,
    interpret: bool = False,
) -> tuple[State, Array | None]:
    """Goes through all time steps: `loops.forward`.

    With `from_zeros` the first state is zero, and `start` is not read. `members` programs share the units. With
    `interpret` XLA computes what the kernel does, on any platform, where one program has all units.
    """
    time, _, batch = inputs.shape
    units = weights.hidden.shape[1]
    states = jax.tree.map(lambda leaf: launch.like(leaf, (batch, time, units)), start)
    kept = launch.like(start.hidden, (batch, time, NUM_BLOCKS * units)) if keep else None
    begin, meeting = launch.exchange(start.hidden, members, waited_for=states.hidden)
    kernel, results = functools.partial(_forward, kind, reverse, members), (states, kept, meeting)
    run = launch.runner(
        kernel, results, begin, launch.count_programs(batch, members), launch.warps(units, members), interpret
    )
    read = reader(weights, inputs, start.hidden.dtype)
    first, resets = _batch_first((start, _as_integers(resets)))
    states, kept, _ = run(read, weights.hidden, None if from_zeros else first, resets)
    return jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 0, -1), states), kept


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
    from_zeros: bool = False,
    members: int = 1,
    interpret: bool = False,
) -> tuple[Array, State]:
    """Goes back through all time steps: `loops.backward`; see `forward` for the last three arguments."""
    shapes = (
        launch.like(kept, kept.shape, hidden.dtype),
        jax.tree.map(lambda leaf: launch.like(kept, leaf.shape[::-1]), d_final),
    )
    begin, meeting = launch.exchange(start, members, slots=2 * members)
    kernel, (units, batch) = functools.partial(_backward, kind, reverse, members), start.shape
    num_warps = launch.warps(units, members, back=True)
    run = launch.runner(kernel, (*shapes, meeting), begin, launch.count_programs(batch, members), num_warps, interpret)
    memories, first, *others = _batch_first((memories, start, _as_integers(resets), d_states, d_final))
    d_rows, d_start, _ = run(hidden, kept, memories, None if from_zeros else first, *others)
    return d_rows, jax.tree.map(jnp.transpose, d_start)


def _forward(  # type: ignore[no-untyped-def]
    kind: str, reverse: bool, members: int, inputs, hidden, start, resets, _, states, kept, meeting
) -> None:
    cell, (batch, time, units) = GPU_CELLS[kind], states.hidden.shape
    group = Alone((units, batch), hidden) if meeting is None else Team((units, batch), hidden, members, meeting)
    tile, products = group.tile, group.forwards(states.hidden, None if start is None else start.hidden)
    fetch, from_inputs = inputs.read(tile, len(cell.input_blocks))
    is_recalled = inputs.bias.shape[0] > hidden.shape[0]
    recalled = tile.load_unit(inputs.bias, NUM_BLOCKS - 1) if is_recalled else None

    def step(number: Array, carry: Any) -> Any:
        before, x = carry
        now = time - 1 - number if reverse else number
        # Read a step ahead, so that nothing waits for the memory.
        coming = fetch(jnp.clip(now - 1 if reverse else now + 1, 0, time - 1))
        moment = Before(number, now + 1 if reverse else now - 1, tile.load_reset(resets, now))

        def multiply(state: Array) -> Blocks:
            parts = products(moment, state)
            return parts if recalled is None else [*parts[:-1], parts[-1] + recalled]

        after, values = cell.step(from_inputs(x), before, moment.reset, multiply)
        for ref, leaf in zip(states, after, strict=True):
            tile.store(ref, leaf, now)
        if kept is not None:
            tile.store_blocks(kept, values, now)
        return after, coming

    begin = [tile.zeros(ref.dtype) for ref in states] if start is None else map(tile.load, start)
    lax.fori_loop(0, time, step, (type(states)(*begin), fetch(jnp.int32(time - 1 if reverse else 0))))


def _backward(  # type: ignore[no-untyped-def]
    kind: str, reverse: bool, members: int, hidden, kept, memories, start, resets, d_states, d_final, _, *results
) -> None:
    cell, (batch, time, units), (d_rows, d_start, meeting) = GPU_CELLS[kind], memories.shape, results
    group = Alone((units, batch), hidden) if meeting is None else Team((units, batch), hidden, members, meeting)
    tile, products = group.tile, group.backwards()
    first = time - 1 if reverse else 0
    at_start = tile.zeros(memories.dtype) if start is None else tile.load(start)

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


def _batch_first(tree: PyTree) -> PyTree:
    """Columns as the kernels have them: [..., B] to [B, ...]."""
    return jax.tree.map(lambda leaf: jnp.moveaxis(leaf, -1, 0), tree)


def _as_integers(resets: Array | None) -> Array | None:
    return None if resets is None else resets.astype(jnp.int32)
