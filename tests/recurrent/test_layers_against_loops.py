"""The layers, whatever their shape and arguments, against NumPy loops over each sequence alone."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.recurrent.cases import PATHS, assert_close, expected, make, random_state


class Program(NamedTuple):
    """What is compiled: every shape and every combination of arguments is one more program."""

    kind: str
    impl: str
    shape: tuple[int, int, int, int]
    layers: int
    bidirectional: bool
    dtype: str
    arguments: str

    def __str__(self):
        return "-".join(str(field).replace(", ", "x") for field in self)


# Between them: sizes of one, a batch above 16, more than 63 units, every kind of cell and path in every precision.
PROGRAMS = [
    Program("lstm", "fused", (1, 1, 1, 1), 1, True, "float32", "state lengths resets"),
    Program("gru", "fused", (1, 1, 1, 1), 2, False, "float32", "state lengths resets"),
    Program("lstm", "scan", (3, 6, 2, 5), 1, True, "float64", "state lengths resets"),
    Program("lstm", "auto", (3, 6, 2, 5), 2, True, "float64", "state lengths resets"),
    Program("gru", "scan", (3, 6, 2, 5), 1, True, "float64", "state lengths resets"),
    Program("gru", "auto", (3, 6, 2, 5), 1, True, "float64", "state lengths resets"),
    Program("rnn", "scan", (3, 6, 2, 5), 1, True, "float64", "state resets"),
    Program("lstm", "auto", (1, 4, 1, 3), 3, False, "float64", "lengths"),
    Program("lstm", "scan", (3, 6, 2, 5), 1, True, "float64", ""),
    Program("gru", "auto", (19, 4, 1, 3), 1, True, "float64", "state lengths resets"),
    Program("lstm", "auto", (2, 4, 3, 70), 1, True, "float32", "lengths resets"),
    Program("lstm", "auto", (3, 6, 2, 5), 1, True, "bfloat16", "state lengths resets"),
    Program("gru", "auto", (3, 6, 2, 5), 1, True, "bfloat16", "lengths"),
    Program("rnn", "scan", (3, 6, 2, 5), 1, False, "bfloat16", "resets"),
]
TOLERANCE = {"float64": 1e-11, "float32": 1e-5, "bfloat16": 0.06}


@st.composite
def sequences(draw, batch, time):
    """Lengths from 0 to beyond the end, resets, and a seed for all other numbers."""
    lengths = draw(st.lists(st.integers(0, time + 2), min_size=batch, max_size=batch))
    share = draw(st.sampled_from([0.0, 0.2, 0.6, 1.0]))
    seed = draw(st.integers(0, 999))
    resets = np.random.default_rng(seed).random((batch, time)) < share
    return np.array(lengths), resets, seed


def limits(batch, time):
    """No symbol counts; every symbol is reset; only the first one, and those beyond the length."""
    lengths = np.arange(batch) % (time + 1)
    steps = np.arange(time)
    yield np.zeros(batch, int), np.ones((batch, time), bool), 0
    yield np.full(batch, time), np.ones((batch, time), bool), 1
    yield lengths, np.broadcast_to(steps == 0, (batch, time)), 2
    yield lengths, steps >= lengths[:, None], 3


def arguments(program, rnn, drawn):
    lengths, resets, seed = drawn
    batch, time, features, _ = program.shape
    inputs = np.random.default_rng(seed).normal(size=(batch, time, features))
    given = {"state": random_state(rnn, batch, seed), "lengths": lengths, "resets": resets}
    return inputs, *(given[name] if name in program.arguments else None for name in given)


@pytest.mark.parametrize("program", PROGRAMS, ids=str)
def test_outputs_and_states_are_those_of_each_sequence_alone(program):
    dtype = jnp.dtype(program.dtype)
    with jax.enable_x64(dtype == jnp.float64):
        param_dtype = jnp.promote_types(dtype, jnp.float32)
        sizes = (*program.shape[2:], program.layers, program.bidirectional)
        rnn = make(program.kind, *sizes, impl=program.impl, dtype=dtype, param_dtype=param_dtype)
        run = nnx.jit(lambda rnn, *given: rnn(*given))

        @settings(max_examples=6)
        @given(sequences(*program.shape[:2]))
        def check(drawn):
            inputs, state, lengths, resets = arguments(program, rnn, drawn)
            outputs, final = run(rnn, *jax.tree.map(jnp.asarray, (inputs, state, lengths, resets)))
            assert outputs.dtype == dtype
            theirs = expected(rnn, inputs, state, lengths, resets)
            assert_close((outputs, final), theirs, atol=TOLERANCE[program.dtype])
            if lengths is not None:
                beyond = np.arange(inputs.shape[1]) >= lengths[:, None]
                assert not np.any(np.asarray(outputs, np.float32)[beyond])

        for limit in limits(*program.shape[:2]):
            check = example(limit)(check)
        check()


@pytest.mark.parametrize(("kind", "impl"), PATHS[1:3])
def test_a_length_of_zero_leaves_the_state_as_it_is(kind, impl):
    rnn = make(kind, 2, 3, 1, True, impl=impl)
    state = jax.tree.map(jnp.float32, random_state(rnn, 4))
    outputs, final = nnx.jit(lambda rnn, *given: rnn(*given))(
        rnn, jnp.ones((4, 5, 2)), state, jnp.zeros(4, int), jnp.ones((4, 5), bool)
    )
    assert not np.any(outputs)
    jax.tree.map(np.testing.assert_array_equal, final, state)


@pytest.mark.parametrize(("kind", "impl"), PATHS[1:3])
def test_sequences_without_symbols_leave_the_state_as_it_is(kind, impl):
    rnn = make(kind, 2, 3, 1, True, impl=impl)
    state = jax.tree.map(jnp.float32, random_state(rnn, 4))

    def loss(inputs, lengths, resets):
        outputs, final = rnn(inputs, state, lengths, resets)
        return jnp.sum(outputs), (outputs, final)

    compute = jax.jit(jax.grad(loss, has_aux=True))
    for others in ((None, None), (jnp.zeros(4, int), jnp.zeros((4, 0), bool))):
        gradient, (outputs, final) = compute(jnp.ones((4, 0, 2)), *others)
        assert (gradient.shape, outputs.shape) == ((4, 0, 2), (4, 0, 6))
        jax.tree.map(np.testing.assert_array_equal, final, state)


@pytest.mark.parametrize(("dtype", "time"), [("int8", 200), ("uint8", 300)])
def test_lengths_of_a_type_that_cannot_hold_the_time(dtype, time):
    rnn = make("lstm", 2, 3, bidirectional=True)
    inputs, lengths = jax.random.normal(jax.random.key(0), (3, time, 2)), jnp.array([time // 2, 3, 120])
    wide, narrow = (rnn(inputs, None, given) for given in (lengths, lengths.astype(dtype)))
    jax.tree.map(np.testing.assert_array_equal, wide, narrow)


@pytest.mark.parametrize(
    ("dtype", "beyond"), [("uint32", 2**32 - 1), ("int64", 2**40), ("uint64", 2**64 - 1), ("uint8", 9)]
)
def test_lengths_above_the_time_are_all_of_it(dtype, beyond):
    rnn, inputs = make("lstm", 2, 3), jax.random.normal(jax.random.key(0), (2, 5, 2))
    ours, theirs = rnn(inputs, None, np.array([beyond, 2], dtype)), rnn(inputs, None, [5, 2])
    jax.tree.map(np.testing.assert_array_equal, ours, theirs)


def test_lengths_and_resets_may_be_lists():
    rnn, inputs = make("lstm", 2, 3), jax.random.normal(jax.random.key(0), (2, 3, 2))
    lengths, resets = [3, 2], [[False, True, False], [False, False, True]]
    ours, theirs = rnn(inputs, None, lengths, resets), rnn(inputs, None, jnp.array(lengths), jnp.array(resets))
    jax.tree.map(np.testing.assert_array_equal, ours, theirs)


@pytest.mark.parametrize("hidden", [3, 70])
def test_a_batch_without_sequences_has_no_outputs(hidden):
    rnn = make("lstm", 2, hidden)
    inputs, lengths, resets = jnp.ones((0, 5, 2)), jnp.zeros(0, int), jnp.zeros((0, 5), bool)
    compute = jax.jit(jax.value_and_grad(lambda inputs: jnp.sum(rnn(inputs, None, lengths, resets)[0])))
    value, gradient = compute(inputs)
    assert value == 0
    assert gradient.shape == inputs.shape
