"""The fast path of a GPU against the textbook, without a GPU: XLA's loops as they are, the kernels interpreted."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from lstm_jax.recurrent import fused, scan
from lstm_jax.recurrent.cells import CELLS
from lstm_jax.recurrent.gpu import kernels, loops
from lstm_jax.recurrent.gpu import unroll as on_gpu
from lstm_jax.recurrent.layers import LSTM
from tests.recurrent.test_fused import random_case

# Between them: sizes of one, units that are filled up and not, batches of a part of a program, a whole one and more,
# symbols that are left over from those written out, both directions of time, resets, and each part of the result.
CASES = [
    ("lstm", (1, 1, 1, 1), False, False, "hidden"),
    ("lstm", (6, 3, 17, 5), True, True, "all"),
    ("gru", (5, 2, 16, 33), True, False, "all"),
    ("gru", (9, 1, 3, 16), False, True, "final"),
]
PARTS = {"final": lambda final, states: final, "hidden": lambda final, states: states.hidden, "all": lambda *both: both}


def loss(unroll, parts, floats, resets):
    leaves = jax.tree.leaves(PARTS[parts](*unroll(*floats, resets)))
    return sum(jnp.sum(leaf * jnp.sin(3.0 + jnp.arange(leaf.size)).reshape(leaf.shape)) for leaf in leaves)


def interpreted(name, way, hidden, start, *static):
    loop = functools.partial(getattr(kernels, name), way.kind, way.reverse, *static)
    return functools.partial(loop, from_zeros=way.from_zeros, interpret=True)


def plain(name, way, hidden, start, *static):
    return functools.partial(getattr(loops, name), way.kind, way.reverse, *static)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("loop", [interpreted, plain])
@pytest.mark.parametrize(("kind", "size", "resets", "reverse", "parts"), CASES)
def test_values_and_gradients_equal_the_textbook(monkeypatch, kind, size, resets, reverse, parts, loop):
    monkeypatch.setattr(on_gpu, "_loop", loop)
    *floats, where = random_case(kind, *size, 0, resets)
    paths = (
        functools.partial(on_gpu.unroll, on_gpu.GPURecurrence(kind, reverse)),
        functools.partial(scan.unroll, CELLS[kind], reverse=reverse),
    )
    ours, theirs = (
        jax.jit(jax.value_and_grad(functools.partial(loss, unroll, parts)))(tuple(floats), where) for unroll in paths
    )
    for our, their in zip(*map(jax.tree.leaves, (ours, theirs)), strict=True):
        np.testing.assert_allclose(our, their, atol=1e-10 * (1 + float(jnp.max(jnp.abs(their)))))


def test_the_forward_pass_alone_keeps_nothing_and_is_the_same(monkeypatch):
    monkeypatch.setattr(on_gpu, "_loop", interpreted)
    case = jax.tree.map(jnp.float32, random_case("gru", 4, 2, 5, 18, 0)[:3])
    _, states = on_gpu.unroll(on_gpu.GPURecurrence("gru", False), *case, None)
    np.testing.assert_allclose(states.hidden, scan.unroll(CELLS["gru"], *case)[1].hidden, atol=1e-5)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_a_kernel_that_begins_with_zeros_does_not_read_the_first_state(kind):
    weights, inputs, start, _ = random_case(kind, 4, 6, 5, 18, 0)
    zeros, unread = (jax.tree.map(functools.partial(jnp.full_like, fill_value=value), start) for value in (0, jnp.nan))
    states, kept = loops.forward(kind, False, True, weights, inputs, zeros, None)
    how = {"from_zeros": True, "interpret": True}
    ours = [kernels.forward(kind, False, True, weights, inputs, unread, None, **how)]
    theirs = [(states, kept)]
    rest = None, [None] * len(start), jax.tree.map(jnp.ones_like, start)
    arguments = kind, False, weights.hidden, kept, states[-1]
    ours.append(kernels.backward(*arguments, unread[-1], *rest, **how))
    theirs.append(loops.backward(*arguments, zeros[-1], *rest))
    for our, their in zip(*map(jax.tree.leaves, (ours, theirs)), strict=True):
        np.testing.assert_allclose(our, their, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "given", "from_zeros"), [({}, False, True), ({}, True, False), ({"remat": 2}, False, False)]
)
def test_a_layer_says_that_it_begins_with_zeros_if_it_does(monkeypatch, arguments, given, from_zeros):
    monkeypatch.setattr(on_gpu, "is_chosen", lambda: True)
    said, way = [], on_gpu.GPURecurrence
    monkeypatch.setattr(on_gpu, "GPURecurrence", lambda *fields: said.append(fields[-1]) or way(*fields))
    rnn = LSTM(2, 3, num_layers=2, rngs=nnx.Rngs(0), **arguments)
    rnn(jnp.ones((2, 5, 2)), rnn.initial_state(2) if given else None)
    assert said
    assert set(said) == {from_zeros}


def test_members_side_by_side_are_each_its_own(monkeypatch):
    monkeypatch.setattr(on_gpu, "_loop", interpreted)
    members = [random_case("lstm", 3, 1, 4, 17, seed)[:3] for seed in range(2)]
    gradient = jax.grad(
        lambda floats: loss(functools.partial(on_gpu.unroll, on_gpu.GPURecurrence("lstm", False)), "all", floats, None)
    )
    together = jax.jit(jax.vmap(gradient))(jax.tree.map(lambda *leaves: jnp.stack(leaves), *members))
    for number, member in enumerate(members):
        for one, alone in zip(*map(jax.tree.leaves, (together, gradient(member))), strict=True):
            np.testing.assert_allclose(one[number], alone, rtol=1e-4, atol=1e-5)


def test_the_kernel_in_bfloat16_differs_by_rounding_only(monkeypatch):
    monkeypatch.setattr(on_gpu, "_loop", interpreted)
    weights, inputs, state = jax.tree.map(jnp.float32, random_case("lstm", 20, 1, 24, 16, 0)[:3])
    low = weights._replace(input=weights.input.astype(jnp.bfloat16), hidden=weights.hidden.astype(jnp.bfloat16))
    final, _ = jax.jit(functools.partial(on_gpu.unroll, on_gpu.GPURecurrence("lstm", False)))(
        low, inputs.astype(jnp.bfloat16), state, None
    )
    assert final.hidden.dtype == jnp.float32
    np.testing.assert_allclose(final.hidden, scan.unroll(CELLS["lstm"], weights, inputs, state)[0].hidden, atol=0.05)


def test_the_fast_path_takes_it_where_there_is_a_gpu(monkeypatch):
    weights, inputs, state, resets = jax.tree.map(
        lambda leaf: leaf if leaf.dtype == bool else jnp.float32(leaf), random_case("lstm", 9, 2, 70, 5, 0, True)
    )
    gradient = jax.grad(lambda floats: loss(functools.partial(fused.unroll, "lstm"), "all", floats, resets))
    here = gradient((weights, inputs, state))
    monkeypatch.setattr(on_gpu, "is_chosen", lambda: True)
    for ours, theirs in zip(*map(jax.tree.leaves, (gradient((weights, inputs, state)), here)), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def test_second_derivatives_equal_the_textbook():
    weights, inputs, state = jax.tree.map(jnp.float32, random_case("gru", 3, 1, 3, 2, 0)[:3])

    def hessian(unroll):
        return jax.jit(jax.hessian(lambda inputs: jnp.sum(unroll(weights, inputs, state, None)[0].hidden ** 2)))(inputs)

    ours = hessian(functools.partial(on_gpu.unroll, on_gpu.GPURecurrence("gru", False)))
    np.testing.assert_allclose(ours, hessian(functools.partial(scan.unroll, CELLS["gru"])), atol=1e-5)
