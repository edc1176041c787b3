"""The fast path against the textbook in layers of any shape, with any arguments: values and every gradient."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lstm_jax.recurrent.native import passes
from tests.recurrent.cases import assert_close, expected, make, probes_for, random_state, value_and_gradients

# Either side of what the fast path decides by: one feature, a vector register of columns, the rows of a product, and
# the symbols that go into one product of the weight gradient.
BATCHES, TIMES, FEATURES, UNITS = (1, 2, 16, 17, 32), (1, 2, 8, 9, 19), (1, 2, 19), (1, 4, 19, 63, 64, 65)
TOLERANCE = {"float64": 1e-10, "float32": 3e-5, "bfloat16": 0.06}


class Case(NamedTuple):
    """A layer, the sequences it reads (B, T, D, H in `shape`), and what is given besides them."""

    kind: str
    shape: tuple[int, int, int, int]
    bidirectional: bool
    dtype: str
    remat: int
    lengths: bool
    resets: bool
    seed: int = 0


CASES = st.builds(
    Case,
    st.sampled_from(["lstm", "gru"]),
    st.tuples(*map(st.sampled_from, (BATCHES, TIMES, FEATURES, UNITS))),
    st.booleans(),
    st.sampled_from(list(TOLERANCE)),
    st.sampled_from([0, 0, 0, 3]),
    st.booleans(),
    st.booleans(),
    st.integers(0, 999),
)


def sequences(case, rnn):
    """Inputs, initial state, lengths (0 among them where there is a batch) and resets, drawn with NumPy."""
    (batch, time, features, _), rng = case.shape, np.random.default_rng(case.seed)
    types = jnp.promote_types(case.dtype, jnp.float32)
    lengths = rng.integers(0, time + 1, batch)
    lengths[0] = 0 if batch > 1 else time
    inputs = jnp.asarray(rng.normal(size=(batch, time, features)), case.dtype)
    state = jax.tree.map(lambda leaf: jnp.asarray(leaf, types), random_state(rnn, batch, case.seed))
    resets = rng.random((batch, time)) < 0.3
    return inputs, state, lengths if case.lengths else None, resets if case.resets else None


def layer(case, impl):
    dtype = jnp.dtype(case.dtype)
    types = {"dtype": dtype, "param_dtype": jnp.promote_types(dtype, jnp.float32)}
    return make(case.kind, *case.shape[2:], 1, case.bidirectional, impl=impl, remat=case.remat, **types)


def assert_same(ours, theirs, tolerance):
    """Each leaf to within the tolerance of its largest number."""
    for our, their in zip(*map(jax.tree.leaves, (ours, theirs)), strict=True):
        our, their = np.asarray(our, np.float64), np.asarray(their, np.float64)
        np.testing.assert_allclose(our, their, atol=tolerance * np.max(np.abs(their), initial=1e-3), rtol=0)


@settings(max_examples=24)
@given(CASES)
@example(Case("lstm", (1, 1, 1, 1), True, "float64", 0, True, True))
@example(Case("gru", (1, 8, 19, 64), False, "float64", 0, False, True))
@example(Case("lstm", (17, 19, 1, 64), True, "float64", 3, True, True))
@example(Case("gru", (17, 9, 19, 65), True, "float64", 0, True, False))
@example(Case("lstm", (32, 19, 2, 65), False, "bfloat16", 0, True, True))
def test_values_and_gradients_are_those_of_the_textbook(case):
    with jax.enable_x64(case.dtype == "float64"):
        rnns = [layer(case, impl) for impl in ("auto", "scan")]
        given = sequences(case, rnns[1])
        probes = [jnp.asarray(p, given[1][0].hidden.dtype) for p in probes_for(rnns[0], *case.shape[:2])]
        ours, theirs = (value_and_gradients(rnn, probes)(*given) for rnn in rnns)
        # The value is a sum of terms of either sign: rounding is that of the terms, not of the sum.
        terms = sum(np.sum(np.abs(p)) for p in probes)
        np.testing.assert_allclose(ours[0], theirs[0], atol=TOLERANCE[case.dtype] * terms)
        assert_same(ours[1], theirs[1], TOLERANCE[case.dtype])
        if case.dtype == "float64":
            found = jax.jit(lambda rnn, *given: rnn(*given))(rnns[0], *given)
            assert_close(found, expected(rnns[0], *given), atol=1e-10)


@pytest.mark.parametrize("kind", ["lstm", "gru"])
@pytest.mark.parametrize(("batch", "time", "loops"), [(1, 8, 0), (1, 9, 1), (2, 8, 1)])
def test_few_symbols_of_one_sequence_are_written_out_where_there_is_no_kernel(kind, batch, time, loops, monkeypatch):
    if jax.default_backend() == "gpu":
        pytest.skip("a kernel has no loop of XLA's that could be counted")
    monkeypatch.setattr(passes, "available", lambda: False)
    rnn = make(kind, 2, 3)
    program = jax.jit(lambda inputs: rnn(inputs)[0]).lower(jnp.ones((batch, time, 2)))
    assert program.as_text().count("stablehlo.while") == loops
