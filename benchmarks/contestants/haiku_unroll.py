"""Haiku: `hk.LSTM` and `hk.GRU` under `hk.dynamic_unroll`.

Its GRU applies the reset gate before the product with the hidden state, the others after it. With a diagonal matrix,
which `work.draw` makes, both are the same function; the arithmetic is as much either way.
"""

from collections.abc import Mapping
from typing import Any

import haiku as hk
import jax
import numpy as np

from benchmarks.contestants import on_jax

CORES = {"lstm": hk.LSTM, "gru": hk.GRU}


def build(cell: str, arrays: Mapping[str, np.ndarray], dtype: Any) -> on_jax.Network:
    """The core with the given weights in its own order."""
    features, width = arrays["input_kernel"].shape[1], arrays["hidden_kernel"].shape[1]

    def unroll(inputs: jax.Array) -> tuple[jax.Array, Any]:
        core = CORES[cell](width, name="core")
        state = jax.tree.map(lambda leaf: leaf.astype(dtype), core.initial_state(inputs.shape[0]))
        return hk.dynamic_unroll(core, inputs, state, time_major=False)

    network = hk.without_apply_rng(hk.transform(unroll))
    # Copies, so that no two leaves are views of one array.
    params = jax.tree.map(np.array, _lstm_weights(arrays) if cell == "lstm" else _gru_weights(arrays))

    def last(params: Any, inputs: jax.Array) -> jax.Array:
        _, state = network.apply(params, inputs)
        return state.hidden if cell == "lstm" else state

    def input_kernel(params: Any) -> list[jax.Array]:
        return [params["core/linear"]["w"][:features] if cell == "lstm" else params["core"]["w_i"]]

    return on_jax.Network(params, lambda params, inputs: network.apply(params, inputs)[0], last, input_kernel)


def _lstm_weights(arrays: Mapping[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    """Gate order i, g, f, o; one matrix for inputs and state; 1 is added to the forget gate's bias at run time."""
    kernel = np.concatenate([arrays["input_kernel"], arrays["hidden_kernel"]], axis=1).T
    i, f, g, o = np.split(kernel, 4, axis=1)
    bias_i, bias_f, bias_g, bias_o = np.split(arrays["bias"], 4)
    bias = np.concatenate([bias_i, bias_g, bias_f - 1, bias_o])
    return {"core/linear": {"w": np.concatenate([i, g, f, o], axis=1), "b": bias}}


def _gru_weights(arrays: Mapping[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    """Gate order z, r, n; its update gate is 1 - z, so the weights of z change sign."""

    def ordered(weights: np.ndarray) -> np.ndarray:
        r, z, n = np.split(weights, 3)
        return np.concatenate([-z, r, n])

    kernels = ordered(arrays["input_kernel"]).T, ordered(arrays["hidden_kernel"]).T
    return {"core": {"w_i": kernels[0], "w_h": kernels[1], "b": ordered(arrays["bias"])}}


if __name__ == "__main__":
    on_jax.main(build, "dm-haiku")
