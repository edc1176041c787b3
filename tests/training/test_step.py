"""What an update does that no number shows."""

import pytest

from lstm_jax.recurrent import deferred
from lstm_jax.recurrent.native import passes
from tests.training.cases import trained


@pytest.mark.skipif(not passes.available(), reason="no CPU computes here, or the kernel cannot be compiled")
@pytest.mark.parametrize(("seq_len", "is_deferred"), [(3, True), (9, False)])
def test_a_large_layer_that_reads_little_leaves_its_gradient_to_the_optimizer(seq_len, is_deferred, monkeypatch):
    calls, original = [], deferred.weight_gradient
    monkeypatch.setattr(deferred, "weight_gradient", lambda *given: calls.append(given) or original(*given))
    trained(1, hidden_size=128, seq_len=seq_len, train_size=4, batch_size=1, cpu_devices=1, num_steps=1)
    assert bool(calls) == is_deferred
