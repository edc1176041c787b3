"""Cells of Flax and ours, with the same weights, give the same numbers over whole sequences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import lstm_jax
from lstm_jax.recurrent.flax_weights import FLAX_PLACES, from_flax, to_flax
from tests.recurrent.cases import drawn

B, T, D, H = 3, 5, 2, 4
OURS = {
    nnx.OptimizedLSTMCell: lstm_jax.LSTMCell,
    nnx.LSTMCell: lstm_jax.LSTMCell,
    nnx.GRUCell: lstm_jax.GRUCell,
    nnx.SimpleCell: lstm_jax.SimpleCell,
}


def flax_cell(cell_type, **options):
    """A cell of Flax in double precision whose biases are not zero."""
    inits = {"kernel_init": drawn, "recurrent_kernel_init": drawn, "bias_init": drawn}
    return cell_type(D, H, **{"param_dtype": jnp.float64, "dtype": None, "rngs": nnx.Rngs(0)} | inits | options)


def our_cell(cell_type):
    """A cell of this library in double precision; of its biases, a GRU's on the recalled state alone are zero."""
    cell = cell_type(D, H, rngs=nnx.Rngs(0))
    gates = {lstm_jax.LSTMCell: 4, lstm_jax.GRUCell: 3, lstm_jax.SimpleCell: 1}[cell_type] * H
    bias = jnp.zeros(cell.bias.shape).at[:gates].set(jax.random.normal(jax.random.key(1), gates))
    cell.bias.set_value(bias)
    nnx.update(cell, jax.tree.map(jnp.float64, nnx.state(cell, nnx.Param)))
    return cell


def run(cell):
    """Outputs [B, T, H] and final states, hidden first, of a run from an initial state of its own."""
    inputs = jax.random.normal(jax.random.key(2), (B, T, D), jnp.float64)
    states = [0.5 * jax.random.normal(jax.random.key(seed), (B, H), jnp.float64) for seed in (3, 4)]
    start = {
        lstm_jax.LSTMCell: lstm_jax.LSTMState(*states),
        nnx.LSTMCell: (states[1], states[0]),
        nnx.OptimizedLSTMCell: (states[1], states[0]),
        lstm_jax.GRUCell: lstm_jax.HiddenState(states[0]),
        lstm_jax.SimpleCell: lstm_jax.HiddenState(states[0]),
    }.get(type(cell), states[0])
    final, outputs = nnx.RNN(cell, return_carry=True)(inputs, initial_carry=start)
    final = jax.tree.leaves(final)
    return outputs, final[::-1] if type(start) is tuple else final


def assert_same(ours, theirs):
    for left, right in zip(*map(jax.tree.leaves, (run(ours), run(theirs))), strict=True):
        assert left.dtype == right.dtype == jnp.float64
        np.testing.assert_allclose(left, right, rtol=0, atol=1e-12)


def assert_equal_parameters(left, right):
    assert type(left) is type(right)
    jax.tree.map(np.testing.assert_array_equal, nnx.state(left, nnx.Param), nnx.state(right, nnx.Param))


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("cell_type", OURS)
def test_a_cell_of_flax_computes_the_same_here(cell_type):
    theirs = flax_cell(cell_type)
    ours = from_flax(theirs)
    assert type(ours) is OURS[cell_type]
    assert (ours.in_features, ours.hidden_features) == (D, H)
    assert_same(ours, theirs)
    assert_equal_parameters(to_flax(ours, cell_type), theirs)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("cell_type", OURS)
def test_a_cell_computes_the_same_in_flax(cell_type):
    ours = our_cell(OURS[cell_type])
    theirs = to_flax(ours, cell_type)
    assert type(theirs) is cell_type
    assert_same(ours, theirs)
    assert_equal_parameters(from_flax(theirs), ours)


@pytest.mark.parametrize("cell_type", OURS)
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_the_dtype_of_the_parameters_is_kept_and_they_are_copies(cell_type, dtype):
    theirs = flax_cell(cell_type, param_dtype=dtype, dtype=dtype)
    ours = from_flax(theirs)
    again = to_flax(ours, cell_type)
    assert again.param_dtype == dtype
    leaves = [jax.tree.leaves(nnx.state(cell, nnx.Param)) for cell in (theirs, ours, again)]
    assert {leaf.dtype for cell in leaves for leaf in cell} == {jnp.dtype(dtype)}
    before = [np.array(leaf) for leaf in leaves[1]]
    for leaf in leaves[0] + leaves[2]:
        leaf.delete()
    for leaf, value in zip(leaves[1], before, strict=True):
        np.testing.assert_array_equal(leaf, value)


class OtherLSTMCell(nnx.LSTMCell):
    """A subclass, whose equations nobody knows."""


def mixed_precision():
    cell = flax_cell(nnx.GRUCell, param_dtype=jnp.float32)
    cell.dense_h.kernel.set_value(jnp.bfloat16(cell.dense_h.kernel[...]))
    return cell


def members():
    cell = flax_cell(nnx.GRUCell, param_dtype=jnp.float32)
    cell.dense_i.kernel.set_value(jnp.stack([cell.dense_i.kernel[...]] * 3))
    return cell


FLOAT32 = {"param_dtype": jnp.float32}
REFUSED = {
    "gate": (lambda: flax_cell(nnx.GRUCell, gate_fn=nnx.hard_sigmoid, **FLOAT32), "gate_fn must be nnx.sigmoid"),
    "activation": (
        lambda: flax_cell(nnx.LSTMCell, activation_fn=nnx.relu, **FLOAT32),
        "activation_fn must be nnx.tanh",
    ),
    "residual": (lambda: flax_cell(nnx.SimpleCell, residual=True, **FLOAT32), "residual must be False"),
    "mixed": (mixed_precision, "dense_h.kernel has dtype bfloat16, but param_dtype, that of its carry, is float32"),
    "subclass": (
        lambda: flax_cell(OtherLSTMCell, **FLOAT32),
        "no counterpart for .*OtherLSTMCell; there is one for nnx",
    ),
    "members": (members, r"weights have shape .*, expected \[12, 2\]: one cell at a time"),
    "a class": (lambda: nnx.GRUCell, r"^from_flax: expected an instance such as nnx.GRUCell.*not the class GRUCell$"),
    "a layer": (lambda: nnx.RNN(flax_cell(nnx.GRUCell, **FLOAT32)), r"^no counterpart for .*RNN; .*: write rnn\.cell$"),
    "not a cell": (lambda: nnx.Linear(D, H, rngs=nnx.Rngs(0)), "no counterpart for .*Linear"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_has_no_counterpart_here_is_refused(case):
    make, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        from_flax(make())


def test_a_carry_that_does_not_start_at_zero_is_refused():
    with pytest.warns(UserWarning, match="carry_init"):
        cell = flax_cell(nnx.GRUCell, carry_init=nnx.initializers.ones, **FLOAT32)
    with pytest.raises(ValueError, match="carry_init must be None"):
        from_flax(cell)


def test_what_has_no_counterpart_in_flax_is_refused():
    gru = lstm_jax.GRUCell(D, H, rngs=nnx.Rngs(0))
    for wrong in set(FLAX_PLACES) - {nnx.GRUCell}:
        with pytest.raises(ValueError, match=f"GRUCell has other equations than {wrong.__name__} of Flax"):
            to_flax(gru, wrong)
    with pytest.raises(ValueError, match=r"no counterpart for .*Linear"):
        to_flax(gru, nnx.Linear)
    gru.bias[...] = gru.bias[...].at[3 * H].set(0.5)
    with pytest.raises(ValueError, match=r"its last 4 numbers .* must be zero.*0\.5"):
        to_flax(gru, nnx.GRUCell)


def test_a_layer_or_an_instance_is_refused_with_what_to_give():
    layer = lstm_jax.GRU(D, H, rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match="expected an LSTMCell, GRUCell or SimpleCell, not GRU; a layer has its cells"):
        to_flax(layer, nnx.GRUCell)
    with pytest.raises(ValueError, match=r"expected a type such as nnx\.GRUCell, not an instance of GRUCell"):
        to_flax(layer.cells[0], flax_cell(nnx.GRUCell, **FLOAT32))


def test_the_precision_of_the_products_is_passed_on():
    ours = from_flax(flax_cell(nnx.OptimizedLSTMCell, dtype=jnp.bfloat16, **FLOAT32))
    assert ours.dtype == jnp.bfloat16 and ours.bias[...].dtype == jnp.float32
    theirs = to_flax(ours, nnx.LSTMCell)
    assert theirs.dtype == jnp.bfloat16
    inputs = jnp.ones((2, 3, ours.in_features))
    np.testing.assert_allclose(nnx.RNN(ours)(inputs), nnx.RNN(theirs)(inputs), atol=0.05)


@pytest.mark.parametrize("cell_type", [nnx.OptimizedLSTMCell, nnx.LSTMCell, nnx.GRUCell])
def test_inputs_of_another_dtype_are_computed_in_that_of_the_cell(cell_type):
    theirs = flax_cell(cell_type, dtype=jnp.bfloat16, param_dtype=jnp.bfloat16)
    outputs = nnx.RNN(from_flax(theirs))(jnp.ones((1, 2, D), jnp.float32))
    assert outputs.dtype == nnx.RNN(theirs)(jnp.ones((1, 2, D), jnp.float32)).dtype == jnp.bfloat16
