"""What is summed up over updates, and what is left out where nobody asks for it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_jax.runs.setup import make_setup
from lstm_jax.training import optimizers
from lstm_jax.training.totals import mean_totals, no_totals
from tests.training.cases import few_weights, leaves_of, small_config, start, train, trained

UPDATES = st.lists(st.tuples(st.floats(-10, 10), st.floats(0, 1), st.floats(0, 10), st.booleans()), max_size=5)


@given(UPDATES, st.booleans())
def test_totals_are_means_over_updates_and_the_first_that_failed(updates, logged):
    totals = no_totals(log_grad_norm=logged)
    for number, (*sums, finite) in enumerate(updates):
        totals = totals.add(jnp.int32(number), *map(jnp.float32, sums), jnp.bool(finite))
    means = mean_totals(jax.tree.map(lambda leaf: leaf[None], totals))
    names = ["loss", "error", "grad_norm"][: 2 + logged]
    assert list(means) == names
    for place, name in enumerate(names):
        expected = np.mean([update[place] for update in updates]) if updates else np.nan
        np.testing.assert_allclose(means[name], [expected], rtol=1e-4, atol=1e-5)
    failed = [number for number, (*_, finite) in enumerate(updates) if not finite]
    assert totals.not_finite == min(failed, default=-1)


@pytest.fixture
def no_large_matrix(monkeypatch):
    """Leaves out all matrices when the norm is not asked for, not only those of hundreds of units."""
    monkeypatch.setattr(optimizers, "LARGE", 60)
    with few_weights(0):
        yield


def test_leaving_out_the_norm_changes_nothing_else(no_large_matrix):
    (_, ours), (_, theirs) = (trained(clip_norm=0.0, log_grad_norm=logged) for logged in (False, True))
    for our, their in zip(leaves_of(ours.params, 0), leaves_of(theirs.params, 0), strict=True):
        np.testing.assert_allclose(our, their, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(mean_totals(ours.totals)["loss"], mean_totals(theirs.totals)["loss"], rtol=1e-5)
    assert "grad_norm" not in mean_totals(ours.totals)


@pytest.mark.parametrize("logged", [False, True])
def test_the_update_is_named_that_was_not_finite(logged, no_large_matrix):
    setup = make_setup(small_config(num_seeds=2, clip_norm=0.0, log_grad_norm=logged))
    members = train(setup, start(setup), 3)
    spoilt = jax.tree.map(lambda leaf: leaf.at[1].set(jnp.nan) if leaf.ndim == 3 else leaf, members.params)
    members = train(setup, members._replace(params=spoilt), 6)
    assert members.totals.not_finite.tolist() == [-1, 3]
    assert all(np.all(np.isfinite(leaf)) for leaf in leaves_of(members.params, 0))
    assert all(np.all(np.isnan(leaf)) for leaf in leaves_of(members.params, 1))
