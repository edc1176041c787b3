"""One program for many members: each equals its run alone; nothing depends on where the work is done."""

import dataclasses
import operator

import jax
import numpy as np
import optax
import pytest

from lstm_jax.runs.setup import make_setup
from lstm_jax.runs.string_problem import StringProblem
from lstm_jax.training.mesh import MEMBERS, Layout
from lstm_jax.training.sources import Batch
from lstm_jax.training.step import draw_batch, judge_batch
from lstm_jax.training.totals import mean_totals
from tests.training.cases import few_weights, leaves_of, small_config, start, train, trained


def assert_same(ours, theirs):
    for our, their in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(our, their)


@pytest.mark.parametrize("settings", [{}, {"cell": "gru", "num_layers": 2}, {"supervise": "every_step"}])
def test_a_member_equals_the_run_with_its_seed_alone(settings):
    _, together = trained(num_seeds=3, seed=5, **settings)
    for number in range(3):
        _, alone = trained(seed=5 + number, **settings)
        assert_same(leaves_of(together.params, number), leaves_of(alone.params, 0))


def with_layout(setup, layout):
    """The same members, spread over the devices in another way."""
    place = layout.sharding(MEMBERS)
    plain = jax.tree.map(np.asarray, (setup.data, setup.hyper, setup.common))
    data, hyper = jax.device_put(plain[:2], place)
    return setup._replace(
        program=dataclasses.replace(setup.program, layout=layout),
        data=data,
        hyper=hyper,
        common=jax.device_put(plain[2], layout.sharding()),
    )


@pytest.mark.parametrize("slices", [2, 8])
def test_slices_side_by_side_equal_slices_one_after_another(slices):
    setup = make_setup(small_config())
    results = []
    for layout in (Layout(1, 1, 1, slices), Layout(1, 1, 2, slices), Layout(2, 2, 1, slices)):
        placed = with_layout(make_setup(small_config(num_seeds=2)) if layout.members == 2 else setup, layout)
        results.append(leaves_of(train(placed, start(placed), 12).params, 0))
    assert_same(results[0], results[1])
    assert_same(results[0], results[2])


def test_slices_change_the_gradient_by_rounding_only():
    setup = make_setup(small_config(num_steps=1, optimizer="sgd", learning_rate=0.1))
    results = []
    for slices in (1, 4):
        placed = with_layout(setup, Layout(1, 1, 1, slices))
        results.append(leaves_of(train(placed, start(placed), 1).params, 0))
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_mapped_members_equal_vectorised_ones_to_rounding():
    setup = make_setup(small_config(num_seeds=2))
    results = []
    for mapping in ("map", "vmap"):
        placed = with_layout(setup, Layout(2, 2, 1, 1, mapping))
        results.append(leaves_of(train(placed, start(placed), 5).params, 1))
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5)


def test_chunks_of_any_length_end_in_the_same_place():
    setup = make_setup(small_config())
    whole = train(setup, start(setup), 12, fresh=True)
    parts = start(setup)
    for stop in (1, 2, 7, 12):
        parts = train(setup, parts, stop, fresh=stop == 1)
    assert_same(leaves_of(whole.params, 0), leaves_of(parts.params, 0))
    assert_same(leaves_of(whole.totals, 0), leaves_of(parts.totals, 0))


def test_a_member_of_a_larger_network_equals_the_run_with_its_seed_alone():
    with few_weights(0):
        test_a_member_equals_the_run_with_its_seed_alone({})


DIRECTIONS = {"adam": optax.adam(0.01), "adamw": optax.adamw(0.01), "sgd": optax.sgd(0.01)}


@pytest.mark.parametrize("few", [0, 2**15])
@pytest.mark.parametrize("name", DIRECTIONS)
@pytest.mark.parametrize("clip_norm", [0.0, 0.01])
def test_one_update_is_that_of_plain_optax(few, name, clip_norm):
    with few_weights(few):
        check_update(name, clip_norm)


def check_update(name, clip_norm):
    settings = {"num_steps": 1, "order": "in_turn", "lr_schedule": "constant", "learning_rate": 0.01}
    setup = make_setup(small_config(optimizer=name, clip_norm=clip_norm, **settings))
    members = start(setup)
    params = jax.tree.map(lambda leaf: np.asarray(leaf[0]), members.params)
    batch = jax.tree.map(lambda leaf: np.asarray(leaf[0][:16]), setup.data)
    gradient = jax.grad(lambda params: judge_batch(setup.program, params, batch).loss)(params)
    optimizer = optax.chain(optax.clip_by_global_norm(clip_norm) if clip_norm else optax.identity(), DIRECTIONS[name])
    updates, _ = optimizer.update(gradient, optimizer.init(params), params)
    expected = optax.apply_updates(params, updates)
    after = train(setup, members, 1, fresh=True)
    for ours, theirs in zip(leaves_of(after.params, 0), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    loss, error, _ = judge_batch(setup.program, params, batch)
    means = mean_totals(after.totals)
    np.testing.assert_allclose([means["loss"][0], means["error"][0]], [loss, error], rtol=1e-5)
    np.testing.assert_allclose(means["grad_norm"][0], optax.tree.norm(gradient), rtol=1e-4)


def test_sums_are_means_times_the_batch():
    results = [trained(stop=1, reduction=reduction, clip_norm=0.0)[1] for reduction in ("mean", "sum")]
    mean, total = (mean_totals(members.totals) for members in results)
    np.testing.assert_allclose(total["loss"], 16 * mean["loss"], rtol=1e-5)
    np.testing.assert_allclose(total["grad_norm"], 16 * mean["grad_norm"], rtol=1e-5)


def test_in_turn_goes_through_the_strings_in_their_order_and_begins_again():
    setup = make_setup(small_config(order="in_turn"))
    data = jax.tree.map(lambda leaf: leaf[0], setup.data)
    member = jax.tree.map(lambda leaf: leaf[0], start(setup))
    for step in range(6):
        batch, _ = draw_batch(setup.program, member._replace(step=np.int32(step)), data)
        rows = (np.arange(16) + 16 * step) % 40
        np.testing.assert_array_equal(batch.symbols.reshape(16, -1), np.asarray(data.symbols)[rows])


def test_random_batches_depend_on_seed_and_step_and_reach_every_string():
    setup = make_setup(small_config())
    data = jax.tree.map(lambda leaf: leaf[0], setup.data)
    numbered = data._replace(symbols=np.arange(40)[:, None])
    member = jax.tree.map(lambda leaf: leaf[0], start(setup))
    draws = [
        np.asarray(draw_batch(setup.program, member._replace(step=np.int32(step)), numbered)[0].symbols).ravel()
        for step in range(60)
    ]
    assert set(np.concatenate(draws)) == set(range(40))
    assert any(not np.array_equal(draws[0], other) for other in draws[1:])


def test_a_member_that_is_not_active_stays_as_it_is():
    setup = make_setup(small_config(num_seeds=2))
    members = train(setup, start(setup), 3)
    sleeping = members._replace(active=jax.device_put(np.array([False, True]), members.active.sharding))
    before = leaves_of(members.params, 0)
    after = train(setup, sleeping, 6)
    assert_same(before, leaves_of(after.params, 0))
    assert list(after.step) == [3, 6]


def test_members_learn_from_different_strings():
    first, second = (StringProblem(small_config()).strings(seed).train.codes for seed in (0, 1))
    assert not np.array_equal(first, second)


def test_strings_of_mixed_lengths_count_equally():
    setup = make_setup(small_config(min_seq_len=2, supervise="every_step"))
    params = jax.tree.map(lambda leaf: leaf[0], start(setup).params)
    batch = jax.tree.map(lambda leaf: np.asarray(leaf[0][:8]), setup.data)
    whole = judge_batch(setup.program, params, batch).loss
    alone = []
    for row in range(8):
        length = int(batch.lengths[row])
        cut = jax.tree.map(operator.itemgetter(slice(row, row + 1)), batch)
        cut = Batch(cut.symbols[:, :length], cut.lengths, cut.answers[:, :length])
        alone.append(judge_batch(setup.program, params, cut).loss)
    np.testing.assert_allclose(whole, np.mean(alone), rtol=1e-5)
