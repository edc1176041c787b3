"""Lists in the place of arrays: the same numbers, and a refusal by name where they make no array."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax.recurrent.cells import Weights
from tests.recurrent.test_refusals import INPUTS, B, D, H, T, make, refused

NO_SEQUENCES = jnp.zeros((0, T, D))
RESETS = np.arange(B * T).reshape(B, T) % 5 == 0


@pytest.fixture(autouse=True)
def warnings_are_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def assert_equal(ours, theirs):
    jax.tree.map(np.testing.assert_array_equal, ours, theirs)


@pytest.mark.parametrize("kind", ["lstm", "flax_lstm"])
def test_parameters(kind):
    rnn = make(kind, forget_bias=[1, 2, 3, 4, 5])
    np.testing.assert_array_equal(rnn.cells[0].bias[...][H : 2 * H], np.arange(1, 6))
    new = Weights(*(np.arange(leaf.size, dtype=np.float32).reshape(leaf.shape) for leaf in rnn.cells[0].weights))
    rnn.cells[0].set_weights([leaf.tolist() for leaf in new])
    assert_equal(rnn.cells[0].weights, new)
    refused(
        lambda: rnn.cells[0].set_weights(new._replace(hidden=[[1.0], [1.0, 2.0]])),
        "weights.hidden: expected numbers [G·H, H], not lists of different lengths",
    )


@pytest.mark.parametrize("kind", ["lstm", "flax_lstm"])
def test_what_are_no_weights(kind):
    cell = make(kind).cells[0]
    expected = "weights: expected Weights(input, hidden, bias), not "
    refused(lambda: cell.set_weights(None), expected + "NoneType")
    refused(lambda: cell.set_weights(cell.weights[:2]), expected + "tuple of 2")
    nothing = cell.weights._replace(bias=None)
    refused(lambda: cell.set_weights(nothing), "weights.bias must be an array [G·H], not NoneType")


@pytest.mark.parametrize("kind", ["lstm", "flax_lstm"])
@pytest.mark.parametrize(
    ("forget_bias", "given"),
    [("1", "str"), (lambda: 1, "function"), ({1}, "set"), ([1, 2], "[2]"), (["1"] * H, "str"), ([1, None], "NoneType")],
)
def test_what_is_no_forget_bias(kind, forget_bias, given):
    with pytest.raises(ValueError, match=r"^forget_bias: expected a number, or \[H\] = \[5\], not ") as error:
        make(kind, forget_bias=forget_bias)
    assert given in str(error.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lengths": ["a", "b", "c", "d"]}, "lengths: expected integers [B], not str"),
        ({"lengths": "abcd"}, "lengths: expected integers [B], not str"),
        ({"lengths": [5, 5, 5, None]}, "lengths: expected integers [B], not NoneType"),
        ({"lengths": [[5], [1, 2], [3], [4]]}, "lengths: expected integers [B], not lists of different lengths"),
        ({"lengths": {5}}, "lengths: expected integers [B], not set"),
        ({"lengths": [1.0] * B}, "lengths: expected integers, not float64"),
        ({"lengths": np.array(["a"] * B)}, "lengths: expected integers, not <U1"),
        ({"lengths": []}, "lengths: expected [B] = [4], not [0]"),
        (
            {"resets": [[True], [True, False]]},
            "resets: expected truth values (bool) [B, T], not lists of different lengths",
        ),
        ({"resets": [["no"] * T] * B}, "resets: expected truth values (bool) [B, T], not str"),
        ({"resets": [[None] * T] * B}, "resets: expected truth values (bool) [B, T], not NoneType"),
        ({"resets": []}, "resets: expected [B, T] = [4, 6], not [0]"),
    ],
)
def test_what_are_no_lengths_or_resets(options, message):
    refused(lambda: make()(INPUTS, **options), message)


def test_lengths_that_are_traced():
    rnn = make()
    ours = jax.jit(lambda a, b: rnn(INPUTS + 1, lengths=[a, b, 0, a]))(3, 6)
    assert_equal(ours, jax.jit(lambda lengths: rnn(INPUTS + 1, lengths=lengths))(jnp.array([3, 6, 0, 3])))
    ours = jax.jit(lambda resets: rnn(INPUTS + 1, resets=[list(row) for row in resets]))(RESETS)
    assert_equal(ours, jax.jit(lambda resets: rnn(INPUTS + 1, resets=resets))(RESETS))
    refused(
        lambda: jax.jit(lambda a: rnn(INPUTS, lengths=[a, a, None, a]))(3),
        "lengths: expected integers [B], not NoneType",
    )


def test_no_sequences_and_no_symbols():
    rnn = make()
    assert rnn(NO_SEQUENCES, lengths=[], resets=[])[0].shape == (0, T, H)
    assert rnn(INPUTS[:, :0], lengths=[0] * B, resets=[[]] * B)[0].shape == (B, 0, H)
