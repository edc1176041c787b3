"""Flax: `nnx.RNN` with `nnx.LSTMCell`, `nnx.OptimizedLSTMCell` or `nnx.GRUCell`."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from flax import nnx

from benchmarks.contestants import on_jax
from benchmarks.contestants.serve import options

CELLS = {"lstm": nnx.LSTMCell, "optimized": nnx.OptimizedLSTMCell, "gru": nnx.GRUCell}


def build(cell: str, arrays: Mapping[str, np.ndarray], dtype: Any) -> on_jax.Network:
    """The layer with the given weights; the gate order is the same."""
    features, width = arrays["input_kernel"].shape[1], arrays["hidden_kernel"].shape[1]
    kind = CELLS["optimized" if options().get("optimized") else cell]
    # Zeros, which are replaced: orthogonal matrices cannot be drawn in bfloat16.
    zeros = nnx.initializers.zeros_init()
    module: Any = kind(features, width, param_dtype=dtype, recurrent_kernel_init=zeros, rngs=nnx.Rngs(0))
    input_kernel, hidden_kernel, bias = arrays["input_kernel"].T, arrays["hidden_kernel"].T, arrays["bias"]
    if isinstance(module, nnx.LSTMCell):
        for number, (from_input, from_hidden) in enumerate(_gates(module)):
            block = slice(number * width, (number + 1) * width)
            from_input.kernel[...] = input_kernel[:, block]
            from_hidden.kernel[...], from_hidden.bias[...] = hidden_kernel[:, block], bias[block]
    else:
        module.dense_i.kernel[...], module.dense_h.kernel[...] = input_kernel, hidden_kernel
        (module.dense_i if cell == "gru" else module.dense_h).bias[...] = bias
    parts: Any = nnx.split(nnx.RNN(module, return_carry=True), nnx.Param, ...)
    graph, params, others = parts

    def run(params: Any, inputs: jax.Array) -> tuple[Any, jax.Array]:
        return nnx.merge(graph, params, others, copy=True)(inputs)

    return on_jax.Network(
        params,
        lambda params, inputs: run(params, inputs)[1],
        # The carry of an LSTM is (cell, hidden).
        lambda params, inputs: run(params, inputs)[0] if cell == "gru" else run(params, inputs)[0][1],
        lambda params: _input_kernels(nnx.merge(graph, params, others, copy=True).cell),
    )


def _gates(cell: nnx.LSTMCell) -> list[tuple[Any, Any]]:
    return [(cell.ii, cell.hi), (cell.if_, cell.hf), (cell.ig, cell.hg), (cell.io, cell.ho)]


def _input_kernels(cell: Any) -> list[jax.Array]:
    if isinstance(cell, nnx.LSTMCell):
        return [from_input.kernel[...] for from_input, _ in _gates(cell)]
    return [cell.dense_i.kernel[...]]


if __name__ == "__main__":
    on_jax.main(build, "flax")
