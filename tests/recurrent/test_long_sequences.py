"""Segments that are computed anew (`remat`), and gradients that are cut (`truncate`)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from tests.recurrent import cases

B, T, D, H = 3, 11, 2, 4


def make(kind="lstm", **arguments):
    return cases.make(kind, D, H, param_dtype=jnp.float64, **arguments)


def case():
    rng = np.random.default_rng(0)
    inputs, weights = rng.normal(size=(B, T, D)), rng.normal(size=(B, T, 1))
    return jnp.asarray(inputs), jnp.asarray(weights)


def value_and_gradients(rnn, **arguments):
    """Of a loss that looks at every output and at the final state, by parameters, inputs and the initial state."""
    inputs, weights = case()
    start = tuple(jax.tree.map(lambda leaf: leaf + 0.1, rnn.initial_state(B)))

    def loss(rnn, inputs, start):
        outputs, final = rnn(inputs, start, **arguments)
        return jnp.sum(outputs * weights) + sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(final))

    return jax.tree.leaves(jax.jit(jax.value_and_grad(loss, argnums=(0, 1, 2)))(rnn, inputs, start))


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(
    ("kind", "remat", "both", "lengths"),
    [
        ("lstm", 3, True, (T, 5, 0)),
        ("gru", 4, True, None),
        ("rnn", 1, False, None),
        ("rnn", T, False, None),
        ("rnn", T + 2, False, None),
    ],
)
def test_remat_changes_no_number(kind, remat, both, lengths):
    arguments = {"resets": jnp.zeros((B, T), bool).at[1, 5].set(True)} if both else {}
    if lengths:
        arguments["lengths"] = jnp.array(lengths)
    ours = value_and_gradients(make(kind, bidirectional=both, remat=remat), **arguments)
    theirs = value_and_gradients(make(kind, bidirectional=both), **arguments)
    for our, their in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(our, their, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("impl", ["scan", "fused"])
def test_remat_keeps_a_fraction_of_the_memory(impl):
    def temporary_bytes(remat):
        rnn = cases.make("lstm", 1, 32, impl=impl, remat=remat)
        loss = jax.jit(jax.grad(lambda rnn, inputs: jnp.sum(rnn(inputs)[1][0].hidden)))
        return loss.lower(rnn, jnp.ones((1, 4096, 1))).compile().memory_analysis().temp_size_in_bytes

    assert temporary_bytes(64) < temporary_bytes(0) / 4


def chunk_by_chunk(rnn, inputs, start, length):
    """Truncated back-propagation written out: the state goes on, its gradient does not."""
    outputs, state = [], start
    for first in range(0, T, length):
        if first:
            state = jax.lax.stop_gradient(state)
        output, state = rnn(inputs[:, first : first + length], state)
        outputs.append(output)
    return jnp.concatenate(outputs, axis=1), state


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(("kind", "truncate", "remat"), [("lstm", 3, 2), ("gru", 4, 0), ("rnn", 1, 0), ("rnn", 20, 0)])
def test_truncation_equals_an_explicit_loop_over_chunks(kind, truncate, remat):
    class Written(nnx.Module):
        def __init__(self):
            self.rnn = make(kind)

        def initial_state(self, batch):
            return self.rnn.initial_state(batch)

        def __call__(self, inputs, start):
            return chunk_by_chunk(self.rnn, inputs, start, truncate)

    ours = value_and_gradients(make(kind, truncate=truncate, remat=remat))
    theirs = value_and_gradients(Written())
    for our, their in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(our, their, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("impl", "chunk"), [("scan", 4), ("auto", 4), ("auto", T + 1)])
def test_an_output_depends_on_its_own_chunk_alone(impl, chunk):
    rnn = cases.make("lstm", D, H, bidirectional=True, impl=impl, truncate=chunk)
    inputs = jax.random.normal(jax.random.key(0), (1, T, D))
    start = tuple(jax.tree.map(lambda leaf: leaf + 0.1, rnn.initial_state(1)))
    jacobian = jax.jit(jax.jacrev(lambda *given: rnn(*given)[0][0], argnums=(0, 1)))
    by_inputs, by_start = jacobian(inputs, start)
    influence = np.abs(by_inputs).sum(axis=(2, 4))  # [T, 2·H, T]
    time = np.arange(T)
    for direction, (steps, part) in enumerate(((time, slice(H)), (time[::-1], slice(H, None)))):
        # Chunks are counted from the symbol that is read first.
        reached = (steps[:, None] // chunk == steps // chunk) & (steps[:, None] >= steps)
        np.testing.assert_array_equal(influence[:, part].sum(axis=1) > 0, reached)
        first = np.abs(by_start[direction].hidden).sum(axis=(1, 2, 3))
        np.testing.assert_array_equal(first > 0, steps < chunk)
