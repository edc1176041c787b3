"""What Flax asks of a recurrent cell: our cells in `nnx.RNN` and `nnx.Bidirectional`, against loops and our layers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import lstm_jax
from lstm_jax.recurrent.layers import LAYERS

B, T, D, H = 3, 7, 2, 4
INPUTS = jax.random.normal(jax.random.key(0), (B, T, D))
LENGTHS = jnp.array([7, 3, 5])
CELL_TYPES = {"lstm": lstm_jax.LSTMCell, "gru": lstm_jax.GRUCell, "rnn": lstm_jax.SimpleCell}
KINDS = pytest.mark.parametrize("kind", CELL_TYPES)


def make(kind, seed=0):
    return CELL_TYPES[kind](D, H, rngs=nnx.Rngs(seed))


def loop(cell, inputs, carry=None):
    """The cell called symbol by symbol: inputs [T, D], the carry of one sequence."""
    carry = cell.initialize_carry((D,)) if carry is None else carry
    outputs = []
    for symbol in inputs:
        carry, output = cell(carry, symbol)
        outputs.append(output)
    return carry, jnp.stack(outputs)


def close(ours, theirs):
    for our, their in zip(*map(jax.tree.leaves, (ours, theirs)), strict=True):
        np.testing.assert_allclose(our, their, atol=1e-6)


def rows(tree, row):
    return jax.tree.map(lambda leaf: leaf[row], tree)


@KINDS
def test_a_cell_keeps_the_contract(kind):
    cell = make(kind)
    assert isinstance(cell, nnx.RNNCellBase) and cell.num_feature_axes == 1
    carry = cell.initialize_carry((B, D), nnx.Rngs(0))
    assert {leaf.shape for leaf in jax.tree.leaves(carry)} == {(B, H)}
    after, output = cell(carry, INPUTS[:, 0])
    assert type(after) is type(carry)
    np.testing.assert_array_equal(output, after.hidden)


@KINDS
def test_carries_and_outputs_equal_a_loop(kind):
    cell = make(kind)
    carry, outputs = nnx.RNN(cell, return_carry=True)(INPUTS)
    for row in range(B):
        close((rows(carry, row), outputs[row]), loop(cell, INPUTS[row]))


@KINDS
@pytest.mark.parametrize("unroll", [1, 3])
def test_time_major_and_unrolled(kind, unroll):
    cell = make(kind)
    outputs = nnx.RNN(cell, time_major=True, unroll=unroll)(jnp.swapaxes(INPUTS, 0, 1))
    close(jnp.swapaxes(outputs, 0, 1), nnx.RNN(cell)(INPUTS))


@KINDS
def test_the_carry_is_that_of_each_sequence_at_its_length(kind):
    cell = make(kind)
    carry, outputs = nnx.RNN(cell)(INPUTS, seq_lengths=LENGTHS, return_carry=True)
    for row, length in enumerate(LENGTHS):
        expected = loop(cell, INPUTS[row, :length])
        close((rows(carry, row), outputs[row, :length]), expected)


@KINDS
def test_a_custom_initial_carry(kind):
    cell = make(kind)
    start = jax.tree.map(lambda leaf: leaf + 0.5, cell.initialize_carry((B, D)))
    close(nnx.RNN(cell)(INPUTS, initial_carry=start)[1], loop(cell, INPUTS[1], rows(start, 1))[1])


@KINDS
@pytest.mark.parametrize("lengths", [None, LENGTHS])
def test_reverse_with_the_order_kept_or_not(kind, lengths):
    cell = make(kind)
    kept = nnx.RNN(cell, reverse=True, keep_order=True)(INPUTS, seq_lengths=lengths)
    turned = nnx.RNN(cell, reverse=True)(INPUTS, seq_lengths=lengths)
    for row in range(B):
        length = T if lengths is None else int(lengths[row])
        _, expected = loop(cell, INPUTS[row, :length][::-1])
        close(turned[row, :length], expected)
        close(kept[row, :length], expected[::-1])


@KINDS
@pytest.mark.parametrize("lengths", [None, LENGTHS])
def test_bidirectional_equals_our_layer(kind, lengths):
    rnn = LAYERS[kind](D, H, bidirectional=True, rngs=nnx.Rngs(0))
    theirs = nnx.Bidirectional(nnx.RNN(rnn.cells[0]), nnx.RNN(rnn.cells[1]))(INPUTS, seq_lengths=lengths)
    ours, _ = rnn(INPUTS, lengths=lengths)
    within = jnp.arange(T)[:, None] < (jnp.full(B, T) if lengths is None else lengths)[:, None, None]
    close(ours, jnp.where(within, theirs, 0))


def test_bidirectional_with_two_kinds_and_a_merge_of_its_own():
    forward, backward = make("lstm"), make("gru")
    merged = nnx.Bidirectional(nnx.RNN(forward), nnx.RNN(backward), merge_fn=lambda a, b: a + b)(INPUTS)
    close(merged[0], loop(forward, INPUTS[0])[1] + loop(backward, INPUTS[0][::-1])[1][::-1])


@KINDS
def test_under_jit_and_grad(kind):
    def loss(cell, inputs):
        carry = cell.initialize_carry((B, D))
        return jnp.sum(nnx.RNN(cell)(inputs, initial_carry=carry) ** 2)

    cell = make(kind)
    gradient = nnx.jit(nnx.grad(loss))(cell, INPUTS)
    rnn = LAYERS[kind](D, H, rngs=nnx.Rngs(0))
    nnx.update(rnn.cells[0], nnx.state(cell))
    ours = jax.jit(jax.grad(lambda rnn: jnp.sum(rnn(INPUTS)[0] ** 2)))(rnn)
    for our, their in zip(*map(jax.tree.leaves, (ours, gradient)), strict=True):
        np.testing.assert_allclose(our, their, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("kind", "leading"), [("lstm", (2, 3)), ("gru", (5,)), ("rnn", ())])
def test_any_number_of_leading_axes(kind, leading):
    cell = make(kind)
    inputs = jax.random.normal(jax.random.key(1), (*leading, T, D))
    outputs = nnx.RNN(cell)(inputs)
    for index in np.ndindex(leading):
        close(outputs[index], loop(cell, inputs[index])[1])


def test_outputs_in_low_precision_and_carries_in_float32():
    cell = lstm_jax.LSTMCell(D, H, dtype=jnp.bfloat16, param_dtype=jnp.bfloat16, rngs=nnx.Rngs(0))
    carry, outputs = nnx.RNN(cell, return_carry=True)(INPUTS.astype(jnp.bfloat16))
    assert outputs.dtype == jnp.bfloat16
    assert {leaf.dtype for leaf in carry} == {jnp.dtype("float32")}


class DroppingCell(lstm_jax.LSTMCell):
    """An LSTM whose hidden state is dropped from symbol to symbol: a cell of somebody else's."""

    def __init__(self, *sizes, rngs):
        super().__init__(*sizes, bias_init=nnx.initializers.ones, rngs=rngs)
        self.dropout = nnx.Dropout(0.5, rng_collection="recurrent_dropout", rngs=rngs)

    def __call__(self, carry, inputs):
        carry, _ = super().__call__(carry, inputs)
        hidden = self.dropout(carry.hidden)
        return carry._replace(hidden=hidden), hidden


def test_dropout_inside_a_cell_is_drawn_once_a_call():
    cell = DroppingCell(D, H, rngs=nnx.Rngs(0, recurrent_dropout=1))
    rnn = nnx.RNN(cell, broadcast_rngs="recurrent_dropout")
    first, second = rnn(INPUTS) == 0, rnn(INPUTS) == 0
    for dropped in (first, second):
        np.testing.assert_array_equal(dropped, np.broadcast_to(dropped[:, :1], dropped.shape))
    assert np.any(first != second)
    assert cell.dropout.rngs.count[...] == 2


@KINDS
def test_an_ensemble_of_cells_under_vmap(kind):
    @nnx.vmap(in_axes=0, out_axes=0)
    def build(key):
        return CELL_TYPES[kind](D, H, rngs=nnx.Rngs(params=key))

    cells = build(jax.random.split(jax.random.key(3), 2))
    outputs = nnx.vmap(lambda cell, inputs: cell(cell.initialize_carry((B, D)), inputs)[1], in_axes=(0, None))(
        cells, INPUTS[:, 0]
    )
    for number in range(2):
        graph, state = nnx.split(cells)
        one = nnx.merge(graph, rows(state, number))
        close(outputs[number], one(one.initialize_carry((B, D)), INPUTS[:, 0])[1])
