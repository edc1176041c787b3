"""Initialisers with metadata, as `nnx.with_partitioning` gives them: the arrays without it, and Flax's metadata."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax.sharding import AxisType, PartitionSpec

from lstm_jax.recurrent.layers import LAYERS

D, H = 2, 4
LECUN, ONES = nnx.initializers.lecun_normal(), nnx.initializers.ones_init()
AXES = (None, "model")
PLAIN = {"kernel_init": LECUN, "bias_init": ONES}
PARTITIONED = {
    "kernel_init": nnx.with_partitioning(LECUN, AXES, tag="kernel"),
    "recurrent_kernel_init": nnx.with_partitioning(LECUN, AXES, tag="recurrent"),
    "bias_init": nnx.with_partitioning(ONES, ("model",), tag="bias"),
}


def cell_of(kind, **options):
    return LAYERS[kind](D, H, rngs=nnx.Rngs(0), **options).cells[0]


@pytest.fixture(autouse=True)
def mesh():
    """Flax asks for one where a parameter has names for its axes."""
    with jax.set_mesh(jax.make_mesh((1,), ("model",), axis_types=(AxisType.Auto,))):
        yield


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("together", [False, True])
def test_the_weights_are_those_without_metadata(kind, together):
    forget_bias = {} if kind in ("gru", "rnn") else {"forget_bias": 2.0}
    recurrent = {} if together else {"recurrent_kernel_init": LECUN}
    plain = cell_of(kind, **PLAIN, **recurrent, **forget_bias).weights
    partitioned = {name: PARTITIONED[name] for name in PLAIN | recurrent}
    jax.tree.map(np.testing.assert_array_equal, cell_of(kind, **partitioned, **forget_bias).weights, plain)


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn"])
def test_the_metadata_is_that_of_flax_with_the_axes_of_the_kernels_swapped(kind):
    ours = cell_of(kind, **PARTITIONED)
    theirs = nnx.OptimizedLSTMCell(D, H, rngs=nnx.Rngs(0), **PARTITIONED)
    pairs = [
        (ours.input_kernel, theirs.dense_i.kernel),
        (ours.hidden_kernel, theirs.dense_h.kernel),
        (ours.bias, theirs.dense_h.bias),
    ]
    for our, their in pairs:
        assert our.tag == their.tag
        assert our.out_sharding == their.out_sharding[::-1]
        assert nnx.spmd.get_var_pspec(our) == PartitionSpec(*nnx.spmd.get_var_pspec(their)[::-1])


def test_one_initialiser_for_both_kernels_gives_both_its_metadata():
    options = {"kernel_init": nnx.with_metadata(LECUN, tag="both")}
    cell, built_in = cell_of("lstm", **options), cell_of("flax_lstm", **options).built_in
    for kernel in (cell.input_kernel, cell.hidden_kernel, built_in.dense_i.kernel, built_in.dense_h.kernel):
        assert kernel.tag == "both"


@pytest.mark.parametrize("axes", [("model",), PartitionSpec("model"), None])
def test_names_for_the_first_axis_alone_or_for_none(axes):
    kernel = cell_of("lstm", kernel_init=nnx.with_partitioning(LECUN, axes)).input_kernel
    assert kernel.out_sharding == (axes and (None, "model"))


def test_what_is_drawn_is_checked_as_without_metadata():
    wrong = nnx.with_metadata(lambda key, shape, dtype: jnp.ones(3), tag="wrong")
    for kind in ("lstm", "flax_lstm"):
        with pytest.raises(ValueError, match=r"^kernel_init: expected \[D \+ H, G·H\] = \[6, 16\], not \[3\]$"):
            cell_of(kind, kernel_init=wrong)
