"""A batch in slices: spread over devices, and small enough for the cache. One mean, whoever computed what."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.sharding import PartitionSpec
from jax.tree_util import keystr, tree_leaves_with_path

from lstm_jax.axes import Array, PyTree
from lstm_jax.recurrent.native.calls import has_kernel
from lstm_jax.recurrent.sequences import described
from lstm_jax.training.cuts import Cut, choose_cut
from lstm_jax.training.losses import divided, sum_and_divisor
from lstm_jax.training.mesh import BATCH, batch_mesh, count_devices, on_cpu, opaque


def mean_over_slices(function: Callable[[PyTree], PyTree], slices: PyTree, *, gather: bool) -> PyTree:
    """The mean of `function(slice)` over all slices, to the last bit the same wherever they were computed.

    Args:
        function: takes one slice, returns a tree of floating-point arrays.
        slices: those of this device, leaves [slices, ...].
        gather: whether other devices along the mesh axis `batch` have further slices.

    Returns:
        A tree as `function` returns it.
    """
    first = jax.tree.map(lambda leaf: leaf[0], slices)
    here = jax.tree.leaves(slices)[0].shape[0]
    if here == 1 and not gather:
        return function(first)  # nothing to add, so nothing to copy
    like = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(function, first))
    flat, unflatten = jax.flatten_util.ravel_pytree(like)

    def keep(number: Array, kept: jax.Array) -> jax.Array:
        result = function(jax.tree.map(lambda leaf: leaf[number], slices))
        return kept.at[number].set(jax.flatten_util.ravel_pytree(result)[0])

    kept = jax.lax.fori_loop(0, opaque(here), keep, jnp.zeros((here, *flat.shape), flat.dtype))
    if gather:
        kept = jax.lax.all_gather(kept, BATCH, tiled=True)
    # Every device adds all slices in the same order, wherever they were computed: the same sum to the last bit. The
    # barrier keeps this addition apart from what comes before it, which differs.
    return unflatten(jnp.mean(jax.lax.optimization_barrier(kept), axis=0))


def value_and_grad(
    loss: Callable[..., Array | tuple[Array, Array]], num_devices: int | None = None
) -> Callable[..., tuple[Array, nnx.State]]:
    """Like `nnx.value_and_grad`, the batch spread over the devices where that pays. To be called under `jax.jit`.

        @jax.jit
        def step(model, inputs, targets):
            return lstm_jax.value_and_grad(loss)(model, inputs, targets)

    On a CPU with one host device a core (`jax_num_cpu_devices`) that is faster than the threads of one device for the
    widest layers, and for what XLA computes. What keeps much for the backward pass is worked through in slices, too.

    Args:
        loss: `loss(model, *batch)`, a mean over axis 0, the batch, of every array in `batch`; or a pair, a sum and what
            the sum over the whole batch is to be divided by, such as the number of symbols within the lengths. The
            divisor must not depend on the weights. Nothing else can be returned: there is no `has_aux`.
        num_devices: at most so many devices, as many as divide the batch; None: all there are.

    Returns:
        A function of the model and the batch that gives the loss and its gradient by each `nnx.Param`, an `nnx.State`
        as `nnx.grad` gives it. Where the model draws random numbers, each slice draws its own. What else a model
        changes when it is called, such as the statistics of `nnx.BatchNorm`, is lost. It raises a ValueError where
        the arrays of the batch differ in axis 0, the loss is neither scalar nor pair, or `num_devices` is no number.
    """

    def spread(model: nnx.Module, *batch: Array) -> tuple[Array, nnx.State]:
        _check_batch(batch)
        graph, params, others = nnx.split(model, nnx.Param, ...)  # type: ignore[misc]

        def one_slice(params: nnx.State, others: nnx.State, batch: Any) -> tuple[Array, Array | None]:
            return sum_and_divisor(loss(nnx.merge(graph, params, others, copy=True), *batch))

        devices = count_devices(num_devices)
        cut = _choose(one_slice, params, others, batch, devices)
        mesh = batch_mesh(cut.slices, cut.devices)

        def on_device(params: nnx.State, others: nnx.State, batch: Any) -> PyTree:
            def function(numbered: Any) -> Any:
                number, batch = numbered
                return jax.value_and_grad(one_slice, has_aux=True)(params, _own_randomness(others, number), batch)

            return mean_over_slices(function, batch, gather=mesh.size > 1)

        slices = jax.tree.map(lambda leaf: leaf.reshape(cut.slices, len(leaf) // cut.slices, *leaf.shape[1:]), batch)
        whole, split = PartitionSpec(), PartitionSpec(BATCH)
        result = jax.shard_map(on_device, mesh=mesh, in_specs=(whole, whole, split), out_specs=whole, check_vma=False)(
            params, others, (jnp.arange(cut.slices), slices)
        )
        nnx.update(model, _one_draw_later(others))
        (value, divisor), gradient = result
        return (value, gradient) if divisor is None else divided((value, gradient), divisor)

    return spread


def over_batch(function: Callable[..., PyTree], num_devices: int | None = None) -> Callable[..., PyTree]:
    """The same function of a model and a batch, the batch spread over the devices where that pays.

    To be called under `jax.jit`; elsewhere it is compiled anew at every call.

        outputs = jax.jit(lstm_jax.over_batch(lambda rnn, inputs: rnn(inputs)[0]))(rnn, inputs)

    Args:
        function: `function(model, *batch)`, every array in `batch` and in the result with the batch as axis 0, each row
            of the result from one row of the batch.
        num_devices: at most so many devices, as many as divide the batch; None: all there are.

    Returns:
        That function. A model that draws random numbers draws the same on every device: it is meant to be in its mode
        for evaluation. It raises a ValueError where the arrays of the batch differ in axis 0, an array of the result
        has other rows, or `num_devices` is no number of devices.
    """

    def spread(model: nnx.Module, *batch: Array) -> PyTree:
        _check_batch(batch)
        devices, size = count_devices(num_devices), jax.tree.leaves(batch)[0].shape[0]
        weights = sum(leaf.size for leaf in jax.tree.leaves(nnx.state(model, nnx.Param)))
        graph, state = nnx.split(model)

        def on_device(state: nnx.State, *batch: Array) -> PyTree:
            result = function(nnx.merge(graph, state), *batch)
            _check_rows(result, jax.tree.leaves(batch)[0].shape[0])
            return result

        threads = has_kernel(jax.make_jaxpr(on_device)(state, *batch).jaxpr)
        cut = choose_cut(size, weights, int(on_cpu()), devices, threads=threads)
        mesh = batch_mesh(cut.slices, cut.devices)
        specs = (PartitionSpec(), *(PartitionSpec(BATCH) for _ in batch))
        split = jax.shard_map(on_device, mesh=mesh, in_specs=specs, out_specs=PartitionSpec(BATCH), check_vma=False)
        # Outside of jit JAX has no `jax.shard_map` of what the fast path is made of, a custom_vjp with symbolic zeros.
        return jax.jit(split, inline=True)(state, *batch)

    return spread


def _check_batch(batch: Sequence[PyTree]) -> None:
    leaves = {f"batch{keystr(path)}": leaf for path, leaf in tree_leaves_with_path(batch)}
    if not leaves:
        raise ValueError("expected arrays with the batch as axis 0 after the model, at least one")
    for name, leaf in leaves.items():
        if not np.shape(leaf):
            raise ValueError(f"{name}: expected an array with the batch as axis 0, not {described(leaf)}")
    first, expected = next((name, np.shape(leaf)[0]) for name, leaf in leaves.items())
    for name, leaf in leaves.items():
        if (size := np.shape(leaf)[0]) != expected:
            raise ValueError(f"{name}: axis 0 (B) has size {size}, expected {expected} as in {first}")
    if not expected:
        raise ValueError(f"{first}: axis 0 (B) has size 0, but a batch of none has no mean")


def _check_rows(result: PyTree, rows: int) -> None:
    """Raises a ValueError where an array has not one row for each row of the batch."""
    for path, leaf in tree_leaves_with_path(result):
        if np.shape(leaf)[:1] != (rows,):
            raise ValueError(f"result{keystr(path)}: expected an array with the batch as axis 0, not {described(leaf)}")


def _choose(one_slice: Callable[..., PyTree], params: nnx.State, others: nnx.State, batch: Any, devices: int) -> Cut:
    """Which slices pay: from the number of weights, what is kept for the backward pass, and who computes."""
    size = jax.tree.leaves(batch)[0].shape[0]
    backward = functools.partial(jax.vjp, lambda params: one_slice(params, others, batch)[0])
    traced, (_, kept) = jax.make_jaxpr(backward, return_shape=True)(params)
    weights = sum(leaf.size for leaf in jax.tree.leaves(params))
    memory = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(kept)) if on_cpu() else 0
    return choose_cut(size, weights, memory // size, devices, threads=has_kernel(traced.jaxpr))


def _streams(others: nnx.State) -> list[tuple[Any, ...]]:
    """Where the model's random number streams are."""
    return [path[:-1] for path, leaf in nnx.to_flat_state(others) if isinstance(leaf, nnx.RngKey)]


def _own_randomness(others: nnx.State, number: Array) -> nnx.State:
    """The state with streams that no other slice and no other call has."""
    flat = dict(nnx.to_flat_state(others))
    for stream in _streams(others):
        key, count = flat[(*stream, "key")], flat[(*stream, "count")]
        own = jax.random.fold_in(jax.random.fold_in(key[...], count[...]), number)
        flat[(*stream, "key")] = key.replace(own)
    return nnx.from_flat_state(flat)


def _one_draw_later(others: nnx.State) -> nnx.State:
    flat = dict(nnx.to_flat_state(others))
    for stream in _streams(others):
        count = flat[(*stream, "count")]
        flat[(*stream, "count")] = count.replace(count[...] + 1)
    return nnx.from_flat_state(flat)
