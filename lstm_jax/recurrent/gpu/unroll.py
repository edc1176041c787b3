"""The fast path on a GPU: the values and gradients of `scan.unroll` with as little as can be from step to step.

The inputs' product is done for all time steps before the loop over time (that of a few features in the kernel itself:
`reading`), and the weight gradients are one product of all time steps after it. What is left for the loop is one
product with the hidden state a step, forwards and backwards: in one kernel for all of time (`kernels`) whose programs
have all units each or, in teams, some of them (`programs`), else as XLA compiles it (`loops`). On an NVIDIA H200
forward and backward of an LSTM, written in the loop of `fused`, took 0.73 ms for 1,000 sequences of 20 time steps and
24 units, 2.3 ms for 256 of 64 and 128 units, and 4.2 ms for 32 of 100 and 512 units, each call waited for. They take
0.19, 0.7 and 1.5 to 2 ms by a kernel. cuDNN, by way of `jax.experimental.rnn`, took 1.3, 2.9 and 4.4 ms.
Axes: see `lstm_jax.axes`. Sequences of blocks are [B, T, R]: the kernels read and write them with the batch
first and the units last, as the layers' outputs and inputs lie, so that nothing is transposed on the way.
"""

import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_derivatives import SymbolicZero

from lstm_jax.axes import Array
from lstm_jax.recurrent.cells import State, Weights
from lstm_jax.recurrent.gpu import loops, programs
from lstm_jax.recurrent.gpu.cells import GPU_CELLS, NUM_BLOCKS, without_past
from lstm_jax.recurrent.varying import vary_alike
from lstm_jax.recurrent.vectorised import side_by_side, unless_vectorised


def is_chosen() -> bool:
    """Whether what is traced now will be computed on a GPU, as far as that can be known while tracing."""
    return jax.default_backend() == "gpu"


class GPURecurrence(NamedTuple):
    """Which recurrence it is: the kind of cell, the direction of time, and whether the first state is zero."""

    kind: str
    reverse: bool
    from_zeros: bool = False


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def unroll(
    which: GPURecurrence, weights: Weights, inputs: Array, state: State, resets: Array | None
) -> tuple[State, State]:
    """Applies a cell to every time step in turn: arguments and results as those of `fused.unroll`."""
    return _forward(which, False, weights, inputs, state, resets)[:2]


def _forward(
    which: GPURecurrence, keep: bool, weights: Weights, inputs: Array, start: State, resets: Array | None
) -> tuple[State, State, Array | None]:
    """The final state, all states, and what is kept for the way back."""
    loop = _loop("forward", which, weights.hidden, start, keep)
    states, kept = loop(weights, inputs, start, resets)
    return jax.tree.map(lambda leaf: leaf[0 if which.reverse else -1], states), states, kept


def _forward_rule(which, *arguments):
    weights, inputs, start, resets = jax.tree.map(
        lambda primal: primal.value, arguments, is_leaf=lambda leaf: hasattr(leaf, "perturbed")
    )
    final, states, kept = _forward(which, True, weights, inputs, start, resets)
    return (final, states), (weights, inputs, start, resets, states, kept)


def _backward_rule(which, residuals, cotangents):
    """Back-propagation through time; the names are the forward pass's, with `d` for the loss's derivative by them."""
    weights, inputs, start, resets, states, kept = residuals
    # Cotangents that are zero by construction come as symbols, so that they cost nothing.
    d_final, d_states = ([None if isinstance(leaf, SymbolicZero) else leaf for leaf in part] for part in cotangents)
    filled = [jnp.zeros_like(like) if leaf is None else leaf for leaf, like in zip(d_final, start, strict=True)]
    d_final = vary_alike((type(start)(*filled), start))[0]
    loop = _loop("backward", which, weights.hidden, start)
    d_rows, d_start = loop(weights.hidden, kept, states[-1], start[-1], resets, d_states, d_final)
    before = loops.before_each(states.hidden, start.hidden, which.reverse)
    before = without_past(None if resets is None else resets[:, None], before)
    d_weights = _weight_gradient(which.kind, d_rows, before, inputs)
    d_weights = jax.tree.map(lambda leaf, like: leaf.astype(like.dtype), d_weights, weights)
    seen = d_rows[..., : len(weights.input)]
    d_inputs = lax.dot_general(seen, weights.input, (((2,), (0,)), ((), ())), preferred_element_type=_total(inputs))
    return d_weights, jnp.moveaxis(d_inputs, 0, 2).astype(inputs.dtype), d_start, None


def _weight_gradient(kind: str, d_rows: Array, before: Array, inputs: Array) -> Weights:
    """The sum of d [h; x; 1]ᵀ over all time steps and sequences, in one product.

    Args:
        kind: a key of GPU_CELLS.
        d_rows: derivatives by the blocks, [B, T, 4·H].
        before: hidden states before each time step, [T, H, B].
        inputs: [T, D, B].
    """
    cell, units = GPU_CELLS[kind], before.shape[1]
    parts = before.astype(inputs.dtype), inputs, jnp.ones_like(inputs[:, :1])
    operand = jnp.concatenate([jnp.moveaxis(part, 2, 0) for part in parts], axis=2)
    total = lax.dot_general(d_rows, operand, (((0, 1), (0, 1)), ((), ())), preferred_element_type=_total(inputs))
    blocks = total.reshape(NUM_BLOCKS, units, -1)

    def pick(which: tuple[int, ...], columns: slice) -> Array:
        return jnp.concatenate([blocks[number, :, columns] for number in which])

    d_hidden, d_input = pick(cell.hidden_blocks, slice(units)), pick(cell.input_blocks, slice(units, -1))
    return Weights(d_input, d_hidden, total[:, -1])


def _total(inputs: Array) -> Any:
    """The type in which products are added up."""
    return jnp.promote_types(inputs.dtype, jnp.float32)


def _loop(name: str, which: GPURecurrence, hidden: Array, start: State, *static: Any) -> Callable[..., Any]:
    """A loop over time, by a kernel where there is one for this size and type on the platform that it runs on."""
    static = (which.kind, which.reverse, *static)
    plain = functools.partial(getattr(loops, name), *static)
    members = programs.members(hidden, start, jax.local_devices()[0])
    kernels = _kernels() if members else None
    if kernels is None:
        return plain
    by_kernel = getattr(kernels, name)
    kernel: Callable[..., Any] = functools.partial(by_kernel, *static, from_zeros=which.from_zeros, members=members)
    if members > 1:  # side by side, teams of several layers would compete for the multiprocessors
        kernel = unless_vectorised(kernel, side_by_side(plain))

    @jax.custom_jvp
    def either(*arrays: Any) -> Any:
        return lax.platform_dependent(*arrays, cuda=kernel, default=plain)

    # Nothing differentiates a kernel; the second derivatives are those of the loop, which computes the same.
    either.defjvp(functools.partial(jax.jvp, plain))
    return either


def _kernels() -> ModuleType | None:
    """The kernels, if they are to be had: JAX means to give up Triton one day."""
    try:
        from lstm_jax.recurrent.gpu import kernels  # Pallas takes a moment to import: only where it is needed
    except ImportError:
        return None
    return kernels


unroll.defvjp(_forward_rule, _backward_rule, symbolic_zeros=True)
