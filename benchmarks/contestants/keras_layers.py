"""Keras 3 on JAX: `keras.layers.LSTM` and `keras.layers.GRU`."""

import os
from collections.abc import Mapping
from typing import Any

os.environ["KERAS_BACKEND"] = "jax"  # before Keras looks

import jax
import keras
import numpy as np

from benchmarks.contestants import on_jax

LAYERS = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}


def build(cell: str, arrays: Mapping[str, np.ndarray], dtype: Any) -> on_jax.Network:
    """The layer with the given weights: a GRU's gates come in the order z, r, n, and its biases in two rows."""
    kernels, bias = [arrays["input_kernel"], arrays["hidden_kernel"]], arrays["bias"]
    if cell == "gru":
        r_z_n = [np.split(weights, 3) for weights in (*kernels, bias)]
        *kernels, bias = (np.concatenate([z, r, n]) for r, z, n in r_z_n)
        bias = np.stack([bias, np.zeros_like(bias)])
    params = [np.array(kernels[0].T), np.array(kernels[1].T), bias]

    def make(sequences: bool) -> Any:
        # Zeros, which are replaced: orthogonal matrices cannot be drawn in bfloat16.
        options = {"recurrent_initializer": "zeros", "return_sequences": sequences, "dtype": dtype.name}
        layer = LAYERS[cell](arrays["hidden_kernel"].shape[1], **options)
        layer.build(arrays["inputs"].shape)
        return layer

    every, final = make(True), make(False)

    def apply(layer: Any, params: Any, inputs: jax.Array) -> jax.Array:
        others = [variable.value for variable in layer.non_trainable_variables]
        return layer.stateless_call(params, others, inputs)[0]

    return on_jax.Network(
        params,
        lambda params, inputs: apply(every, params, inputs),
        lambda params, inputs: apply(final, params, inputs),
        lambda params: [params[0]],
    )


if __name__ == "__main__":
    on_jax.main(build, "keras")
