"""Equinox: a cell under `jax.lax.scan` for one sequence, as its documentation shows, vectorised over the batch."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.contestants import on_jax


def build(cell: str, arrays: Mapping[str, np.ndarray], dtype: Any) -> on_jax.Network:
    """The cell with the given weights; the gate order is the same."""
    features, width = arrays["input_kernel"].shape[1], arrays["hidden_kernel"].shape[1]
    kind = {"lstm": eqx.nn.LSTMCell, "gru": eqx.nn.GRUCell}[cell]
    module = kind(features, width, key=jax.random.key(0))
    weights = arrays["input_kernel"], arrays["hidden_kernel"], arrays["bias"]
    module = eqx.tree_at(lambda module: (module.weight_ih, module.weight_hh, module.bias), module, weights)
    if cell == "gru":
        module = eqx.tree_at(lambda module: module.bias_n, module, np.zeros(width, np.float32))

    def unroll(module: Any, sequence: jax.Array) -> tuple[jax.Array, Any]:
        zeros = jnp.zeros(width, dtype)

        def step(state: Any, symbol: jax.Array) -> tuple[Any, jax.Array]:
            state = module(symbol, state)
            return state, state[0] if cell == "lstm" else state

        state, outputs = jax.lax.scan(step, (zeros, zeros) if cell == "lstm" else zeros, sequence)
        return outputs, state[0] if cell == "lstm" else state

    batched = jax.vmap(unroll, in_axes=(None, 0))
    return on_jax.Network(
        module,
        lambda module, inputs: batched(module, inputs)[0],
        lambda module, inputs: batched(module, inputs)[1],
        lambda module: [module.weight_ih],
    )


if __name__ == "__main__":
    on_jax.main(build, "equinox")
