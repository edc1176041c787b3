"""Kernels whose programs share the units of a layer, without a GPU: the programs are threads on the CPU."""

import functools
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AbstractDevice, AbstractMesh

from lstm_jax.recurrent.cells import CELLS
from lstm_jax.recurrent.gpu import kernels, launch, loops, products, programs, tile
from lstm_jax.recurrent.gpu import unroll as on_gpu
from tests.recurrent.test_fused import random_case
from tests.recurrent.threads import Threads

H200 = types.SimpleNamespace(shared_memory_per_block_optin=232_448, core_count=132, compute_capability="9.0")


@pytest.fixture
def by_threads(monkeypatch):
    """Has the programs of all kernels run as threads."""
    threads = Threads()
    monkeypatch.setattr(launch, "pallas", threads)
    for module in (launch, products, tile):
        monkeypatch.setattr(module, "triton", threads)


# Between them: both cells and directions of time, resets, units that fill up the last member and not, one team and
# several, a last team with few strings, sequences of one symbol and of more than the exchange has slots, inputs that
# the kernel multiplies and that are multiplied before it.
CASES = [
    ("lstm", (5, 40, 20, 2), True, True),
    ("gru", (3, 33, 17, 7), True, False),
    ("lstm", (1, 17, 3, 5), False, False),
    ("gru", (4, 32, 16, 1), False, True),
]


def assert_equal(ours, theirs):
    for our, their in zip(*map(jax.tree.leaves, (ours, theirs)), strict=True):
        np.testing.assert_allclose(our, their, rtol=0, atol=1e-12)


@pytest.mark.usefixtures("by_threads", "float64")
@pytest.mark.parametrize(("kind", "size", "resets", "reverse"), CASES)
def test_a_team_computes_what_the_loop_of_xla_does(kind, size, resets, reverse):
    time, units, batch, features = size
    weights, inputs, start, where = random_case(kind, time, features, units, batch, 0, resets)
    members = -(-units // programs.UNITS)
    rng = np.random.default_rng(1)

    def draw(*shape):
        return jnp.asarray(rng.normal(size=shape))

    arguments = kind, reverse, True, weights, inputs, start, where
    states, kept = loops.forward(*arguments)
    assert_equal(kernels.forward(*arguments, members=members), (states, kept))

    d_states = [draw(time, units, batch), None][: len(start)]
    d_final = jax.tree.map(lambda leaf: draw(*leaf.shape), start)
    arguments = kind, reverse, weights.hidden, kept, states[-1], start[-1], where, d_states, d_final
    assert_equal(kernels.backward(*arguments, members=members), loops.backward(*arguments))


@pytest.mark.usefixtures("by_threads", "float64")
@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_a_team_that_begins_with_zeros_does_not_read_the_first_state(kind):
    weights, inputs, start, _ = random_case(kind, 3, 1, 20, 4, 0)
    zeros, unread = (jax.tree.map(functools.partial(jnp.full_like, fill_value=value), start) for value in (0, jnp.nan))
    states, kept = loops.forward(kind, False, True, weights, inputs, zeros, None)
    ours = kernels.forward(kind, False, True, weights, inputs, unread, None, from_zeros=True, members=2)
    assert_equal(ours, (states, kept))
    rest = None, [None] * len(start), jax.tree.map(jnp.ones_like, start)
    theirs = loops.backward(kind, False, weights.hidden, kept, states[-1], zeros[-1], *rest)
    arguments = kind, False, weights.hidden, kept, states[-1], unread[-1], *rest
    assert_equal(kernels.backward(*arguments, from_zeros=True, members=2), theirs)


@pytest.mark.parametrize(
    ("units", "batch", "dtype", "members"),
    [
        (24, 1000, jnp.float32, 1),
        (64, 8, jnp.float32, 1),
        (64, 8, jnp.bfloat16, 1),
        (65, 8, jnp.float32, 5),
        (128, 1000, jnp.float32, 8),
        (128, 4096, jnp.float32, 0),
        (512, 32, jnp.float32, 32),
        (512, 32, jnp.bfloat16, 32),
        (513, 32, jnp.bfloat16, 0),
        (512, 80, jnp.float32, 0),
        (24, 0, jnp.float32, 0),
    ],
)
def test_the_work_is_divided_as_the_chip_has_room(units, batch, dtype, members):
    hidden, state = jnp.zeros((4 * units, units), dtype), CELLS["lstm"].zero_state(units, batch)
    with jax.default_matmul_precision("default"):
        assert programs.members(hidden, state, H200) == members


@pytest.mark.parametrize(
    ("name", "less"), [("shared_memory_per_block_optin", 163_839), ("core_count", 31), ("compute_capability", "8.0")]
)
def test_where_there_is_less_room_the_loop_of_xla_computes(name, less):
    hidden, state = jnp.zeros((4 * 512, 512)), CELLS["lstm"].zero_state(512, 16)
    device = types.SimpleNamespace(**{**vars(H200), name: less})
    with jax.default_matmul_precision("default"):
        assert programs.members(hidden, state, H200) == 32
        assert programs.members(hidden, state, device) == 0


@pytest.mark.parametrize(("units", "members"), [(24, 1), (256, 16), (512, 0)])
def test_products_as_exact_as_float32_need_twice_the_room(units, members):
    hidden, state = jnp.zeros((4 * units, units)), CELLS["lstm"].zero_state(units, 32)
    with jax.default_matmul_precision("highest"):
        assert programs.members(hidden, state, H200) == members


@pytest.mark.parametrize(
    ("precision", "dtype", "three"),
    [
        ("highest", "float32", True),
        ("float32", "float32", True),
        ("high", "float32", False),
        ("default", "float32", False),
        ("highest", "bfloat16", False),
    ],
)
def test_a_product_in_float32_is_three_in_tf32_where_it_is_asked_for(precision, dtype, three):
    with jax.default_matmul_precision(precision):
        program = jax.make_jaxpr(products.product)(jnp.ones((2, 3), dtype), jnp.ones((3, 4)))
    assert ("TF32_TF32_F32_X3" in str(program)) == three


@pytest.mark.usefixtures("float64")
def test_kernels_have_states_in_float32():
    hidden, state = jnp.zeros((96, 24)), CELLS["lstm"].zero_state(24, 8, dtype=jnp.float64)
    assert programs.members(hidden, state, H200) == 0


def lowered(function, *shapes):
    """What a GPU would compile, as text."""
    mesh = AbstractMesh((), (), abstract_device=AbstractDevice("NVIDIA H200", None, "gpu"))
    with jax.sharding.use_abstract_mesh(mesh):
        return jax.jit(function).trace(*shapes).lower(lowering_platforms=("cuda",)).as_text()


@pytest.mark.parametrize(
    ("units", "layers", "precision", "kernel"),
    [
        (24, None, "default", True),
        (24, 2, "default", True),
        (24, None, "highest", True),
        (100, None, "default", True),
        (100, None, "highest", True),
        (100, 1, "default", True),
        (100, 2, "default", False),
    ],
)
def test_a_kernel_goes_through_all_of_time_for_one_layer_or_several(monkeypatch, units, layers, precision, kernel):
    members = programs.members
    monkeypatch.setattr(programs, "members", lambda hidden, start, _: members(hidden, start, H200))
    case = jax.tree.map(jnp.float32, random_case("gru", 9, 2, units, 20, 0)[:3])

    def loss(weights, inputs, state):
        return jnp.sum(on_gpu.unroll(on_gpu.GPURecurrence("gru", True), weights, inputs, state, None)[0].hidden)

    gradient = jax.grad(loss)
    if layers:
        case = jax.tree.map(lambda leaf: jnp.stack([leaf] * layers), case)
        gradient = jax.vmap(gradient)
    with jax.default_matmul_precision(precision):
        text = lowered(gradient, *case)
    assert (text.count("xla.gpu.triton"), "stablehlo.while" in text) == ((2, False) if kernel else (0, True))
