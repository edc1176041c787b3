"""This library: `lstm_jax.LSTM` and `lstm_jax.GRU` on every device, as the experiments use them."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

import lstm_jax
from benchmarks.contestants import on_jax
from benchmarks.contestants.serve import Call, options, serve
from lstm_jax.recurrent.native import passes as native
from lstm_jax.runs import devices

LAYERS = {"lstm": lstm_jax.LSTM, "gru": lstm_jax.GRU}


def make_layer(cell: str, arrays: Mapping[str, np.ndarray], dtype: Any, remat: int = 0) -> Any:
    """The layer with the given weights; a GRU's fourth bias is zero."""
    features, width = arrays["input_kernel"].shape[1], arrays["hidden_kernel"].shape[1]
    layer = LAYERS[cell](features, width, remat=remat, rngs=nnx.Rngs(0))
    weights, bias = layer.cells[0], arrays["bias"]
    if cell == "gru":
        bias = np.concatenate([bias, np.zeros(width, np.float32)])
    weights.input_kernel.set_value(jnp.asarray(arrays["input_kernel"], dtype))
    weights.hidden_kernel.set_value(jnp.asarray(arrays["hidden_kernel"], dtype))
    weights.bias.set_value(jnp.asarray(bias, dtype))
    return layer


def loss(layer: Any, inputs: jax.Array) -> jax.Array:
    """The mean square of the last hidden state: inputs [B, T, D]."""
    _, (state,) = layer(inputs)
    return on_jax.mean_square(state.hidden)


def prepare(request: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Call:
    """One forward pass, or loss and gradient, as a function without arguments."""
    dtype = jnp.dtype(request["dtype"])
    graph, params = nnx.split(make_layer(request["cell"], arrays, dtype))
    inputs = jnp.asarray(arrays["inputs"], dtype)

    def outputs(params: nnx.State, inputs: jax.Array) -> jax.Array:
        return lstm_jax.over_batch(lambda layer, inputs: layer(inputs)[0])(nnx.merge(graph, params), inputs)

    def value_and_grad(params: nnx.State, inputs: jax.Array) -> tuple[Any, nnx.State]:
        return lstm_jax.value_and_grad(loss)(nnx.merge(graph, params), inputs)

    if request["pass"] == "forward":
        return on_jax.forward(outputs, params, inputs)
    return on_jax.both(value_and_grad, params, inputs, lambda found: [found["cells"][0]["input_kernel"][...]])


if __name__ == "__main__":
    on_jax.use_conditions()
    devices.choose(options()["platform"])
    about = on_jax.about("flax", "lstm-jax")
    if native.available():
        about["parallel"] += ", and the kernel's threads"
    serve(about, prepare)
