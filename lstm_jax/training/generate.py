"""Continuing a text: each symbol that the network chooses is the next that it reads."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp

from lstm_jax.axes import Array, PyTree
from lstm_jax.training.step import Program


class Choice(NamedTuple):
    """How symbols are chosen.

    Fields:
        key: the source of randomness.
        temperature: what the outputs are divided by; above 1 bolder, below 1 more careful; 0: the likeliest.
        never: [C], which symbols are not chosen, such as the unknown one.
    """

    key: Array
    temperature: Array
    never: Array


def choose(outputs: Array, how: Choice, number: Array, top_k: int) -> Array:
    """One symbol for outputs [C]: the likeliest where the temperature is 0, else drawn from the softmax.

    Args:
        outputs: [C].
        how: it is chosen.
        number: of the symbol that is chosen; each has its own randomness.
        top_k: draws from so many of the likeliest symbols only; 0: from all.
    """
    outputs = jnp.where(how.never, -jnp.inf, outputs)
    # The largest becomes zero, which stays finite however small the temperature is.
    scaled = (outputs - jnp.max(outputs)) / jnp.where(how.temperature > 0, how.temperature, 1)
    likeliest, symbols = jax.lax.top_k(scaled, min(top_k, len(outputs)) if top_k else len(outputs))
    drawn = symbols[jax.random.categorical(jax.random.fold_in(how.key, number), likeliest)]
    return jnp.where(how.temperature > 0, drawn, jnp.argmax(outputs)).astype(jnp.int32)


@functools.partial(jax.jit, static_argnames=("program", "count", "top_k"))
def continue_windows(program: Program, params: PyTree, prompt: Array, count: int, how: Choice, top_k: int = 0) -> Array:
    """Continues a prompt [T] by `count` symbols, each foretold from the T symbols before it alone: [count]."""
    model = program.with_params(params)

    def following(window: Array, number: Array) -> tuple[Array, Array]:
        outputs = model.last_output(window[:, None])[0][:, 0]
        symbol = choose(outputs, how, number, top_k)
        return jnp.append(window[1:], symbol), symbol

    return jax.lax.scan(following, prompt, jnp.arange(count))[1]


@functools.partial(jax.jit, static_argnames=("program", "count", "top_k"))
def continue_stream(program: Program, params: PyTree, prompt: Array, count: int, how: Choice, top_k: int = 0) -> Array:
    """Continues a prompt [T] by `count` symbols, each foretold from all that were read before: [count]."""
    model = program.with_params(params)
    read, state = model.read_every(prompt[:, None])

    def following(carry: tuple[PyTree, Array], number: Array) -> tuple[tuple[PyTree, Array], Array]:
        state, outputs = carry
        symbol = choose(outputs, how, number, top_k)
        state = model.step(state, symbol[None])
        return (state, model.output(state)[:, 0]), symbol

    return jax.lax.scan(following, (state, model.read_out(read[:, -1])[:, 0]), jnp.arange(count))[1]
