"""Parameters that cannot be those of a layer are refused by their names, where they are drawn or given."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from lstm_jax.recurrent.layers import LAYERS
from tests.recurrent.test_refusals import INPUTS, D, H, make, refused


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"forget_bias": jnp.ones(3)}, "forget_bias: expected a number, or [H] = [5], not [3]"),
        ({"kind": "flax_lstm", "forget_bias": np.ones(3)}, "forget_bias: expected a number, or [H] = [5], not [3]"),
        ({"kernel_init": lambda *_: jnp.ones((3, 20))}, "kernel_init: expected [D + H, G·H] = [8, 20], not [3, 20]"),
        ({"bias_init": lambda *_: jnp.ones(5)}, "bias_init: expected [G·H] = [20], not [5]"),
        ({"kind": "gru", "bias_init": lambda *_: jnp.ones(15)}, "bias_init: expected [4·H] = [20], not [15]"),
        ({"bias_init": lambda _, shape, dtype: jnp.full(shape, 1j)}, "bias_init must be real numbers, not complex64"),
        ({"forget_bias": 1j}, "forget_bias must be real numbers, not complex64"),
        ({"kind": "flax_lstm", "bias_init": lambda *_: jnp.ones(1)}, "bias_init: expected [G·H] = [20], not [1]"),
        (
            {"kind": "flax_lstm", "kernel_init": lambda *_: jnp.ones((3, 20))},
            "kernel_init: expected [D + H, G·H] = [8, 20], not [3, 20]",
        ),
        (
            {"kind": "flax_lstm", "recurrent_kernel_init": lambda *_: jnp.ones((20, 5))},
            "recurrent_kernel_init: expected [H, G·H] = [5, 20], not [20, 5]",
        ),
        (
            {"recurrent_kernel_init": lambda *_: jnp.ones((20, 5))},
            "recurrent_kernel_init: expected [H, G·H] = [5, 20], not [20, 5]",
        ),
    ],
)
def test_what_is_drawn_has_another_shape_or_is_no_real_number(arguments, message):
    refused(lambda: make(**arguments), message)


INITIALISERS = ["kernel_init", "recurrent_kernel_init", "bias_init"]


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("name", INITIALISERS)
def test_an_initialiser_that_is_no_function_or_draws_integers(kind, name):
    must_be = f"{name} must be a function of (key, shape, dtype), not "
    refused(lambda: make(kind, **{name: 0.1}), must_be + "float")
    refused(lambda: make(kind, **{name: np.ones(2)}), must_be + "an array [2]")
    if kind != "flax_lstm" and name != "recurrent_kernel_init":  # there None has a meaning
        refused(lambda: make(kind, **{name: None}), must_be + "NoneType")
    integers = {name: lambda key, shape, dtype: np.ones(shape, np.int32)}
    refused(lambda: make(kind, **integers), f"{name} must be floating point, not int32")


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize(
    ("rngs", "given"), [(jax.random.key(0), "an array []"), (0, "int"), (None, "NoneType"), ((1, 2), "tuple of 2")]
)
def test_another_source_of_randomness(kind, rngs, given):
    refused(lambda: LAYERS[kind](D, H, rngs=rngs), f"rngs: expected nnx.Rngs, not {given}; write rngs=nnx.Rngs(0)")


@pytest.mark.parametrize("kind", ["lstm", "flax_lstm"])
def test_parameters_of_another_size(kind):
    cell = make(kind).cells[0]
    before = cell.weights
    for name, axes, shape in [("input", "[G·H, D]", (20, 4)), ("hidden", "[G·H, H]", (5, 20)), ("bias", "[G·H]", ())]:
        new, own = before._replace(**{name: np.ones(shape)}), list(getattr(before, name).shape)
        refused(lambda new=new: cell.set_weights(new), f"weights.{name}: expected {axes} = {own}, not {list(shape)}")
    jax.tree.map(np.testing.assert_array_equal, cell.weights, before)


def test_a_forget_bias_for_each_unit():
    np.testing.assert_array_equal(make(forget_bias=np.arange(5.0)).cells[0].bias[...][H : 2 * H], np.arange(5.0))


@pytest.mark.parametrize("kind", ["gru", "rnn"])
def test_a_bias_keeps_its_metadata(kind):
    bias = make(kind, bias_init=nnx.with_metadata(nnx.initializers.ones_init(), tag="x")).cells[0].bias
    assert (bias.tag, bias[...].sum()) == ("x", bias.size)


def test_any_sequence_of_lengths():
    ours, theirs = (make()(INPUTS, lengths=lengths)[1][0] for lengths in (range(1, 5), jnp.arange(1, 5)))
    jax.tree.map(np.testing.assert_array_equal, ours, theirs)
