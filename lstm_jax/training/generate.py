"""Continuing a text: each symbol that the network chooses is the next that it reads."""

import functools

import jax
import jax.numpy as jnp

from lstm_jax.axes import Array, PyTree
from lstm_jax.training.step import Program


def choose(outputs: Array, key: Array, temperature: Array, top_k: int) -> Array:
    """One symbol for outputs [C]: the likeliest where the temperature is 0, else drawn from the softmax.

    Args:
        outputs: [C].
        key: the source of randomness.
        temperature: what the outputs are divided by; above 1 bolder, below 1 more careful.
        top_k: draws from so many of the likeliest symbols only; 0: from all.
    """
    # The largest becomes zero, which stays finite however small the temperature is.
    scaled = (outputs - jnp.max(outputs)) / jnp.where(temperature > 0, temperature, 1)
    likeliest, symbols = jax.lax.top_k(scaled, min(top_k, len(outputs)) if top_k else len(outputs))
    drawn = symbols[jax.random.categorical(key, likeliest)]
    return jnp.where(temperature > 0, drawn, jnp.argmax(outputs)).astype(jnp.int32)


@functools.partial(jax.jit, static_argnames=("program", "count", "top_k"))
def continue_windows(
    program: Program, params: PyTree, prompt: Array, count: int, key: Array, temperature: Array, top_k: int = 0
) -> Array:
    """Continues a prompt [T] by `count` symbols, each foretold from the T symbols before it alone: [count]."""
    model = program.with_params(params)

    def following(window: Array, number: Array) -> tuple[Array, Array]:
        outputs = model.last_output(window[:, None])[0][:, 0]
        symbol = choose(outputs, jax.random.fold_in(key, number), temperature, top_k)
        return jnp.append(window[1:], symbol), symbol

    return jax.lax.scan(following, prompt, jnp.arange(count))[1]


@functools.partial(jax.jit, static_argnames=("program", "count", "top_k"))
def continue_stream(
    program: Program, params: PyTree, prompt: Array, count: int, key: Array, temperature: Array, top_k: int = 0
) -> Array:
    """Continues a prompt [T] by `count` symbols, each foretold from all that were read before: [count]."""
    model = program.with_params(params)
    read, state = model.read_every(prompt[:, None])

    def following(carry: tuple[PyTree, Array], number: Array) -> tuple[tuple[PyTree, Array], Array]:
        state, outputs = carry
        symbol = choose(outputs, jax.random.fold_in(key, number), temperature, top_k)
        state = model.step(state, symbol[None])
        return (state, model.output(state)[:, 0]), symbol

    return jax.lax.scan(following, (state, model.read_out(read[:, -1])[:, 0]), jnp.arange(count))[1]
