"""The fast path: the numbers of `scan.unroll`, with a hand-written backward pass.

On a CPU both passes are a kernel of our own (`native`) wherever it can be compiled; a GPU has a path of its own
(`gpu`). XLA computes them (`fused_passes`) on all other devices, and on a CPU for types that the kernel
does not know.

Sequences are columns: inputs [T, D, B], states [H, B]. Axes: see `lstm_jax.axes`.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

from lstm_jax.axes import Array, PyTree
from lstm_jax.recurrent import fused_passes
from lstm_jax.recurrent.cells import CELLS, State, Weights
from lstm_jax.recurrent.forward_mode import explained, refuse_forward_mode
from lstm_jax.recurrent.fused_cells import FUSED_CELLS
from lstm_jax.recurrent.gpu import unroll as on_gpu
from lstm_jax.recurrent.native import passes as native

COLUMNS = 16
"""XLA gets larger batches filled up to a multiple of this, a vector register; measured: 500 columns take 6% longer
than 512, 125 take 30% longer than 128."""


class Recurrence(NamedTuple):
    """Which recurrence it is: the kind of cell, the direction of time, and whether the kernel computes it."""

    kind: str
    reverse: bool
    by_kernel: bool


def unroll(
    kind: str,
    weights: Weights,
    inputs: Array,
    state: State,
    resets: Array | None = None,
    *,
    reverse: bool = False,
    from_zeros: bool = False,
) -> tuple[State, State]:
    """Applies a cell to every time step in turn: the same values and gradients as `scan.unroll`.

    Args:
        kind: a key of FUSED_CELLS.
        weights: the cell's parameters.
        inputs: [T, D, B].
        state: before the time step that is read first, [H, B].
        resets: [T, B], whether the state is set to zero before this time step is read; None: never.
        reverse: read from the last time step to the first.
        from_zeros: the caller knows that `state` is zero, which a GPU then need not read.

    Returns:
        The state after the time step that is read last, [H, B], and those after each time step, [T, H, B].

    Raises:
        ValueError: weights, inputs and state do not belong together.
        TypeError: forward-mode derivatives (`jax.jvp`, `jax.jacfwd`) are asked for; the scan path has them.
    """
    CELLS[kind].check_fit(weights, inputs, state, resets)
    weights, inputs, state = refuse_forward_mode((weights, inputs, state))
    if on_gpu.is_chosen():
        with explained():
            return on_gpu.unroll(on_gpu.GPURecurrence(kind, reverse, from_zeros), weights, inputs, state, resets)
    batch = inputs.shape[-1]
    which = Recurrence(kind, reverse, native.usable(weights, inputs, state))
    padding = -batch % COLUMNS if batch > COLUMNS and not which.by_kernel else 0
    columns = (inputs, state, resets)
    if padding:
        columns = jax.tree.map(lambda leaf: jnp.pad(leaf, [(0, 0)] * (leaf.ndim - 1) + [(0, padding)]), columns)
    with explained():
        results = _unroll(which, weights, *columns)
    return jax.tree.map(lambda leaf: leaf[..., :batch], results) if padding else results


UNROLL: dict[str, Callable[..., tuple[State, State]]] = {kind: functools.partial(unroll, kind) for kind in FUSED_CELLS}


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _unroll(which: Recurrence, *arguments: PyTree) -> tuple[State, State]:
    final, states, _ = _forward(which, arguments, keep=False)
    return final, states


def _forward(which: Recurrence, arguments: tuple, *, keep: bool) -> tuple[State, State, PyTree]:
    by_xla = functools.partial(fused_passes.forward, which.kind, which.reverse)
    if not which.by_kernel:
        return by_xla(*arguments)
    return native.forward(which.kind, which.reverse, keep, by_xla, *arguments)


def _forward_rule(which, *primals):
    arguments = jax.tree.map(lambda leaf: leaf.value, primals, is_leaf=lambda leaf: hasattr(leaf, "perturbed"))
    final, states, kept = _forward(which, arguments, keep=True)
    # Empty tuples or None: facts that are known when the backward pass is traced.
    matter = [() if any(leaf.perturbed for leaf in part) else None for part in ([primals[1]], primals[2])]
    return (final, states), (arguments, states, kept, matter)


def _backward_rule(which, residuals, cotangents):
    arguments, states, kept, matter = residuals
    # Cotangents that are zero by construction come as symbols, so that they cost nothing.
    derivatives = [[None if isinstance(leaf, SymbolicZero) else leaf for leaf in part] for part in cotangents]
    by_xla = functools.partial(fused_passes.backward, which.kind, which.reverse)
    if which.by_kernel:
        need = matter[0] is not None, matter[1] is not None
        results = native.backward(which.kind, which.reverse, need, by_xla, arguments, states, kept, *derivatives)
    else:
        results = by_xla(arguments, states, kept, *derivatives)
    return (*results, None)


_unroll.defvjp(_forward_rule, _backward_rule, symbolic_zeros=True)
