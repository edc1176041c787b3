"""Layers where NumPy's rule that an array with fewer axes gets more in front is switched off."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax.recurrent import fused
from lstm_jax.recurrent.gpu import unroll as on_gpu
from lstm_jax.recurrent.native import passes as native
from tests.recurrent.cases import PATHS, assert_close, make, probes_for, random_state, value_and_gradients
from tests.recurrent.test_gpu import interpreted, plain

B, T, D, H = 3, 9, 2, 4


@pytest.fixture
def computed():
    """A padded, reset sequence through two layers in both directions: a probed sum and its gradients."""

    def compute(rule, kind, impl, **options):
        rnn = make(kind, D, H, 2, True, impl=impl, **options)
        rng = np.random.default_rng(0)
        inputs, state = jnp.asarray(rng.normal(size=(B, T, D)), jnp.float32), random_state(rnn, B)
        lengths, resets = jnp.array([T, 5, 0]), jnp.asarray(rng.random((B, T)) < 0.3)
        arguments = inputs, jax.tree.map(jnp.float32, state), lengths, resets
        probes = [jnp.asarray(probe, jnp.float32) for probe in probes_for(rnn, B, T)]
        with jax.numpy_rank_promotion(rule):
            return value_and_gradients(rnn, probes)(*arguments)

    return compute


@pytest.mark.parametrize(("kind", "impl"), [*PATHS, ("flax_lstm", "scan")])
@pytest.mark.parametrize("options", [{}, {"remat": 4}, {"truncate": 4}], ids=str)
def test_no_array_gets_axes_by_itself(computed, kind, impl, options):
    assert_close(computed("raise", kind, impl, **options), computed("allow", kind, impl, **options), rtol=1e-5)


@pytest.mark.parametrize("kind", fused.UNROLL)
def test_nor_in_the_fast_path_of_xla(kind, computed, monkeypatch):
    monkeypatch.setattr(native, "usable", lambda *_: False)
    assert_close(computed("raise", kind, "fused"), computed("allow", kind, "fused"), rtol=1e-5)


@pytest.mark.parametrize("kind", fused.UNROLL)
@pytest.mark.parametrize("loop", [plain, interpreted])
def test_nor_in_that_of_a_gpu(kind, loop, computed, monkeypatch):
    monkeypatch.setattr(on_gpu, "is_chosen", lambda: True)
    monkeypatch.setattr(on_gpu, "_loop", loop)
    assert_close(computed("raise", kind, "fused"), computed("allow", kind, "fused"), rtol=1e-5)
