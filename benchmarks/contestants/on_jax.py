"""What the contestants on JAX have in common: two compiled functions of parameters and inputs."""

import functools
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.contestants.serve import Call, options, serve


class Network(NamedTuple):
    """A layer of another library as pure functions."""

    params: Any
    """What is differentiated."""
    outputs: Callable[[Any, jax.Array], jax.Array]
    """Parameters and inputs [B, T, D] to outputs [B, T, H]."""
    last: Callable[[Any, jax.Array], jax.Array]
    """Parameters and inputs [B, T, D] to the last hidden state [B, H]."""
    input_kernel: Callable[[Any], Sequence[jax.Array]]
    """The part of the parameters (or of their gradient) that the inputs are multiplied with."""


type Build = Callable[[str, Mapping[str, np.ndarray], Any], Network]


def use_platform() -> None:
    """Sets platform and precision as the process was told; all else stays as JAX has it."""
    wanted = options()
    if wanted["platform"] != "auto":
        jax.config.update("jax_platforms", {"gpu": "cuda"}.get(wanted["platform"], wanted["platform"]))
    use_conditions()


def use_conditions() -> None:
    """Sets what holds for all contestants on JAX; must come before JAX looks at the platform.

    The precision of matrix products is as the process was told. On a CPU the thread that calls computes, as it does in
    PyTorch: by default JAX has another thread do it, and to wake that one and to be woken by it takes some 0.1 ms.
    """
    if options()["matmul_precision"] != "default":
        jax.config.update("jax_default_matmul_precision", options()["matmul_precision"])
    jax.config.update("jax_cpu_enable_async_dispatch", False)


def about(*packages: str) -> dict[str, Any]:
    """What this process computes on, and with which versions."""
    devices = jax.devices()
    return {
        "platform": devices[0].platform,
        "device": devices[0].device_kind,
        "parallel": f"{len(devices)} device{'s' if len(devices) > 1 else ''}",
        "versions": {package: metadata.version(package) for package in ("jax", *packages)},
    }


def finish[Result](result: Result) -> Result:
    """The same, once all of it has been computed.

    On a GPU this asks again and again, as `torch.cuda.synchronize` does for PyTorch: JAX would put the thread to sleep,
    and to wake it takes 7-12 µs, a tenth of what small layers take. On a CPU the cores have better things to do.
    """
    if _on_gpu():
        for leaf in jax.tree.leaves(result):
            while not leaf.is_ready():
                pass
    return jax.block_until_ready(result)


@functools.cache
def _on_gpu() -> bool:
    return jax.default_backend() == "gpu"


def forward(outputs: Callable[[Any, jax.Array], jax.Array], params: Any, inputs: jax.Array) -> Call:
    """A call of a layer for its outputs."""
    call = _compiled(outputs, params, inputs)
    return lambda: call()[0]


def both(
    value_and_grad: Callable[[Any, jax.Array], tuple[jax.Array, Any]],
    params: Any,
    inputs: jax.Array,
    input_kernel: Callable[[Any], Sequence[jax.Array]],
) -> Call:
    """A call of a function for the loss and the gradient; `input_kernel` is as in `Network`."""
    call, structure = _compiled(value_and_grad, params, inputs), jax.tree.structure(params)

    def loss_and_gradient() -> tuple[jax.Array, Callable[[], Sequence[jax.Array]]]:
        loss, *gradient = call()
        return loss, lambda: input_kernel(jax.tree.unflatten(structure, gradient))

    return loss_and_gradient


def _compiled(
    function: Callable[[Any, jax.Array], Any], params: Any, inputs: jax.Array
) -> Callable[[], list[jax.Array]]:
    """A call of a function, compiled, to the end of its work.

    It takes and returns lists of arrays: what a library's trees of parameters cost in Python is not its layer's time.
    """
    leaves, structure = jax.tree.flatten(params)

    @jax.jit
    def flat(leaves: list[jax.Array], inputs: jax.Array) -> list[jax.Array]:
        return jax.tree.leaves(function(jax.tree.unflatten(structure, leaves), inputs))

    return lambda: finish(flat(leaves, inputs))


def mean_square(hidden: jax.Array) -> jax.Array:
    """The loss: the mean square of the last hidden state [B, H]."""
    return jnp.mean(jnp.square(hidden.astype(jnp.float32)))


def main(build: Build, *packages: str) -> None:
    """Answers requests for a library whose layer is `build(cell, arrays, dtype)`."""
    use_platform()

    def prepare(request: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Call:
        dtype = jnp.dtype(request["dtype"])
        network = build(request["cell"], arrays, dtype)
        params = jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), network.params)
        inputs = jnp.asarray(arrays["inputs"], dtype)
        if request["pass"] == "forward":
            return forward(network.outputs, params, inputs)

        def loss(params: Any, inputs: jax.Array) -> jax.Array:
            return mean_square(network.last(params, inputs))

        return both(jax.value_and_grad(loss), params, inputs, network.input_kernel)

    serve(about(*packages), prepare)
