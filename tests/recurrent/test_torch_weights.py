"""PyTorch's weights give PyTorch's numbers: fixtures/make_torch_fixture.py computed them, gradients included."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from safetensors.numpy import load_file, save_file

from lstm_jax.recurrent.cells import CELLS
from lstm_jax.recurrent.layers import LAYERS
from lstm_jax.recurrent.torch_weights import from_torch, load_torch, to_torch

TORCH = load_file(Path(__file__).parent / "fixtures/torch_recurrent.safetensors")
INPUTS, LENGTHS = TORCH["inputs"], TORCH["lengths"]
D, H = 2, 3
CASES = [(kind, layers, directions) for kind in CELLS for layers, directions in ((1, 1), (2, 2))]


def weights(case):
    """The state dict of a case, names without a prefix."""
    begin = f"{case}.weights."
    return {name.removeprefix(begin): value for name, value in TORCH.items() if name.startswith(begin)}


def make(kind, layers, directions, dtype=jnp.float64, **options):
    """A layer with its own random weights, of the given dtype."""
    rnn = LAYERS[kind](D, H, layers, directions == 2, rngs=nnx.Rngs(1), **options)
    nnx.update(rnn, jax.tree.map(lambda leaf: jnp.array(leaf, dtype), nnx.state(rnn, nnx.Param)))
    return rnn


def start_of(kind, case):
    """The initial state of a case, as layers here take it."""
    state_type = CELLS[kind].state_type
    return tuple(map(state_type, *(jnp.array(TORCH[f"{case}.{field}"]) for field in state_type._fields)))


def value_and_gradients(rnn):
    """A function of inputs, start and lengths that gives outputs, with zeros beyond the lengths, the final state, and
    the gradients of the loss: one Weights a cell, and that of the inputs.
    """
    graph, params, rest = nnx.split(rnn, nnx.Param, ...)

    def loss(params, inputs, start, lengths):
        outputs, final = nnx.merge(graph, params, rest)(inputs, start, lengths)
        outputs = jnp.where(jnp.arange(inputs.shape[1])[:, None] < lengths[:, None, None], outputs, 0)
        return jnp.sum(outputs**2) + sum(jnp.sum(jnp.sin(leaf)) for leaf in jax.tree.leaves(final)), (outputs, final)

    @jax.jit
    def compute(inputs, start, lengths):
        gradient = jax.grad(loss, (0, 1), has_aux=True)
        (by_params, by_inputs), (outputs, final) = gradient(params, inputs, start, lengths)
        return outputs, final, [cell.weights for cell in nnx.merge(graph, by_params, rest).cells], by_inputs

    return compute


def assert_close(ours, name, rows=slice(None)):
    np.testing.assert_allclose(ours, TORCH[name][rows], rtol=0, atol=1e-12, err_msg=name)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(
    ("kind", "layers", "directions", "impl"),
    [(*case, "auto") for case in CASES] + [(kind, 2, 2, "scan") for kind in ("lstm", "gru")],
)
def test_outputs_final_states_and_gradients_equal_those_of_pytorch(kind, layers, directions, impl):
    case = f"{kind}_{layers}_{directions}"
    rnn = make(kind, layers, directions, impl=impl)
    load_torch(rnn, TORCH, f"{case}.weights.")
    compute = value_and_gradients(rnn)
    ends = [f"l{layer}{end}" for layer in range(layers) for end in ("", "_reverse")[:directions]]
    for run, lengths in (("whole", np.full_like(LENGTHS, INPUTS.shape[1])), ("packed", LENGTHS)):
        outputs, final, by_weights, by_inputs = compute(INPUTS, start_of(kind, case), lengths)
        assert_close(outputs, f"{case}.{run}.outputs")
        for field in CELLS[kind].state_type._fields:
            assert_close([getattr(state, field) for state in final], f"{case}.{run}.{field}")
        assert_close(by_inputs, f"{case}.{run}.gradient.inputs")
        for end, (weight_ih, weight_hh, bias) in zip(ends, by_weights, strict=True):
            assert_close(weight_ih, f"{case}.{run}.gradient.weight_ih_{end}")
            assert_close(weight_hh, f"{case}.{run}.gradient.weight_hh_{end}")
            bias_ih, recalled = np.split(bias, [3 * H]) if kind == "gru" else (bias, None)
            assert_close(bias_ih, f"{case}.{run}.gradient.bias_ih_{end}")
            if recalled is not None:
                assert_close(recalled, f"{case}.{run}.gradient.bias_hh_{end}", slice(2 * H, None))


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(("kind", "layers", "directions"), CASES)
def test_there_and_back_changes_nothing_but_the_sum_of_the_biases(kind, layers, directions):
    theirs, rnn = weights(f"{kind}_{layers}_{directions}"), make(kind, layers, directions)
    load_torch(rnn, theirs)
    back = to_torch(rnn)
    assert sorted(back) == sorted(theirs)
    own = slice(2 * H, None) if kind == "gru" else slice(0, 0)  # where a GRU's two biases stay apart
    for name, value in theirs.items():
        expected = value.copy()
        if name.startswith("bias_ih"):
            expected += theirs[name.replace("ih", "hh")]
            expected[own] = value[own]
        elif name.startswith("bias_hh"):
            expected = np.zeros_like(value)
            expected[own] = value[own]
        np.testing.assert_array_equal(back[name], expected, name)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
@pytest.mark.parametrize(("kind", "layers", "directions"), [("lstm", 2, 1), ("gru", 1, 2), ("rnn", 2, 2)])
def test_a_file_there_and_back_gives_the_same_layer(kind, layers, directions, dtype, tmp_path):
    rnn = make(kind, layers, directions, dtype)
    save_file(to_torch(rnn, "encoder.rnn."), tmp_path / "weights.safetensors")
    again = make(kind, layers, directions, dtype)
    nnx.update(again, jax.tree.map(jnp.zeros_like, nnx.state(again, nnx.Param)))
    load_torch(again, load_file(tmp_path / "weights.safetensors"), "encoder.rnn.")
    for ours, theirs in zip(*(jax.tree.leaves(nnx.state(layer, nnx.Param)) for layer in (again, rnn)), strict=True):
        assert ours.dtype == dtype
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(("kind", "layers", "directions"), CASES)
def test_a_layer_is_built_from_names_and_shapes(kind, layers, directions):
    case = f"{kind}_{layers}_{directions}"
    rnn = from_torch(TORCH, f"{case}.weights.", cell=kind, impl="scan")
    assert type(rnn) is LAYERS[kind]
    assert rnn.unrolling.impl == "scan"
    assert rnn.num_directions == directions
    assert [cell.in_features for cell in rnn.cells] == [D] * directions + [H * directions] * (layers - 1) * directions
    outputs, _ = rnn(jnp.float32(INPUTS), jax.tree.map(jnp.float32, start_of(kind, case)))
    np.testing.assert_allclose(outputs, TORCH[f"{case}.whole.outputs"], atol=1e-6)


def test_without_biases_they_are_zero():
    without = {name: value for name, value in weights("gru_2_2").items() if name.startswith("weight_")}
    rnn = from_torch(without, cell="gru")
    assert len(rnn.cells) == 4
    assert not any(np.any(cell.bias) for cell in rnn.cells)


def test_the_dtype_of_the_layer_is_kept_and_biases_are_added_before_they_are_rounded():
    halves = {name: np.float16(value) for name, value in weights("lstm_1_1").items()}
    halves |= {"bias_ih_l0": np.ones(4 * H, np.float16), "bias_hh_l0": np.full(4 * H, 2.0**-12, np.float16)}
    for dtype, bias in ((jnp.float32, 1 + 2.0**-12), (jnp.bfloat16, 1.0)):  # in float16 the sum is 1
        rnn = make("lstm", 1, 1, dtype)
        load_torch(rnn, halves)
        assert {leaf.dtype for leaf in jax.tree.leaves(nnx.state(rnn, nnx.Param))} == {jnp.dtype(dtype)}
        np.testing.assert_array_equal(np.float32(rnn.cells[0].bias[...]), np.float32(bias))


def test_arrays_that_change_later_do_not_change_the_layer():
    arrays = weights("lstm_1_1")
    rnn = from_torch(arrays)
    before = np.array(rnn.cells[0].input_kernel[...])
    arrays["weight_ih_l0"] += 1
    np.testing.assert_array_equal(rnn.cells[0].input_kernel[...], before)
    to_torch(rnn)["weight_ih_l0"][...] = 0
    np.testing.assert_array_equal(rnn.cells[0].input_kernel[...], before)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("dtype", [jnp.float64, jnp.float32, jnp.bfloat16])
def test_a_layer_made_from_arrays_keeps_their_dtype_unless_told_otherwise(dtype):
    arrays = to_torch(make("gru", 1, 1, dtype))
    for rnn, expected in (
        (from_torch(arrays, cell="gru"), dtype),
        (from_torch(arrays, cell="gru", param_dtype="float16"), "float16"),
    ):
        assert {leaf.dtype for leaf in jax.tree.leaves(nnx.state(rnn, nnx.Param))} == {jnp.dtype(expected)}
