"""How a kernel is started: what its programs exchange, how many there are and how many warps work on each."""

from typing import Any

import jax
import jax.numpy as jnp
from jax.experimental import pallas
from jax.experimental.pallas import triton

from lstm_jax.axes import Array, PyTree
from lstm_jax.recurrent.gpu.products import LINE, Meeting
from lstm_jax.recurrent.gpu.programs import COLUMNS, filled
from lstm_jax.recurrent.gpu.tile import unwritten
from lstm_jax.recurrent.varying import vary_alike


def exchange(state: Array, members: int, slots: int = 0, waited_for: Any = None) -> tuple[list[Array], Meeting | None]:
    """What a team needs to exchange numbers: results that begin with something, and all of it as a `Meeting`.

    Args:
        state: a field of the layer's state, [H, B].
        members: how many programs share the units.
        slots: how many arrays [B, H] a team has for what is no result.
        waited_for: the result for whose numbers the members wait, or None.
    """
    if members == 1:
        return [], None
    units, batch = state.shape
    begin = [] if waited_for is None else [unwritten(waited_for)]
    begin.append(jnp.zeros((1 + count_programs(batch, 1), LINE), jnp.int32))
    *begin, _ = vary_alike((*begin, state))
    values = like(state, (batch, slots, units)) if slots else None
    return begin, Meeting(values, like(state, begin[-1].shape, jnp.int32))


def runner(kernel: Any, results: tuple, begin: list[Array], num_programs: int, num_warps: int, interpret: bool) -> Any:
    """A function of arrays that runs a kernel.

    Args:
        kernel: takes references to the arrays, to `begin`, and to the results.
        results: their shapes.
        begin: what results hold at first: the last of all their leaves, and the first of them if there are two.
        num_programs: how many programs there are.
        num_warps: how many warps work on each.
        interpret: whether XLA computes what the kernel does.
    """
    places = [0, len(jax.tree.leaves(results)) - 1][-len(begin) :] if begin else []

    def run(*arrays: PyTree) -> list:
        call = pallas.pallas_call(
            kernel,
            results,
            grid=(num_programs,),
            input_output_aliases={len(jax.tree.leaves(arrays)) + number: place for number, place in enumerate(places)},
            compiler_params=triton.CompilerParams(num_warps=num_warps, num_stages=1),
            interpret=interpret,
        )
        return call(*arrays, begin)

    return run


def count_programs(batch: int, members: int) -> int:
    """How many programs there are."""
    return members * -(-batch // COLUMNS)


def warps(units: int, members: int, *, back: bool = False) -> int:
    """How many warps work on a program: alone four for 16 units, at most eight; on the way back one, at most four.

    Measured on an NVIDIA H200. Alone, 100 sequences of 20 time steps, 24 units: forward 17.6 µs with 4 and 15.2 with 8,
    back 67 with 1, 29.9 with 2, 30.2 with 4. 256 sequences of 64 time steps, 64 units: forward 136 µs with 4, 115 with
    8, 111 with 16, back 127 with 4, 182 with 8. In teams, 128 units: forward 103 µs with 4, 124 with 8, in three
    products 143 and 230; both passes, 256 units: 1,100 with 4 and 1,129 with 8.
    """
    if members > 1:
        return 4
    blocks = filled(units) // 16
    return min(4, blocks) if back else min(8, 4 * blocks)


def like(array: Array, shape: tuple[int, ...], dtype: Any = None) -> jax.ShapeDtypeStruct:
    """A result of that shape which varies over the mesh axes over which the array does."""
    return jax.ShapeDtypeStruct(shape, dtype or array.dtype, manual_axis_type=jax.typeof(array).manual_axis_type)
