"""The folder of a sweep after it was cut off at any point."""

import pytest

from lstm_jax.runs.folder import FolderError
from lstm_jax.settings import SettingError
from lstm_jax.sweeps.store import Ended, Spent, Store
from lstm_jax.sweeps.task import make_tasks
from tests.sweeps.runs import EXPERIMENT, plan_of


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "sweep")


@pytest.fixture(scope="module")
def plan():
    return plan_of("learning_rate=0.01,0.02", "hidden_size=4,5")


@pytest.fixture
def tasks(plan):
    return make_tasks(EXPERIMENT, plan.runs, 1, None)


def names(tasks):
    return sorted(task.name for task in tasks)


def test_what_was_begun_goes_on(store, plan, tasks):
    for task in tasks:
        store.add_group(task)
    assert names(store.unfinished(plan.runs)) == names(tasks)


def test_a_group_cut_off_between_two_outcomes_goes_on_and_is_removed_after_the_last(store, plan, tasks):
    task = tasks[0]
    store.add_group(task)
    store.end(task.runs[0].identity, {}, {})
    assert store.unfinished(plan.runs) == [task]
    store.end(task.runs[1].identity, {3: "why"}, {4: 20})
    assert store.unfinished(plan.runs) == []
    assert not store.group_folder(task.name).exists()
    assert store.ended(task.runs[1].identity) == Ended({3: "why"}, {4: 20})


def test_a_group_with_runs_that_are_not_wanted_stands_in_nobodys_way(store, plan, tasks):
    one, other = tasks
    store.add_group(one)
    store.add_group(other)
    wanted = [run for run in plan.runs if run.identity == one.runs[0].identity]
    assert store.unfinished(wanted) == []  # it would have another company: begun anew
    assert not store.group_folder(one.name).exists()
    assert store.group_folder(other.name).exists()


def test_halves_that_were_made_before_the_whole_was_removed(store, plan, tasks):
    task = tasks[0]
    for group in (task, *task.in_halves()):
        store.add_group(group)
    taken = store.unfinished(plan.runs)
    assert sorted(run.identity for group in taken for run in group.runs) == sorted(task.identities)


def test_rubbish_is_removed(store, plan):
    folder = store.group_folder("rubbish")
    folder.mkdir(parents=True)
    (folder / "task.json").write_text('{"runs": [')
    assert store.unfinished(plan.runs) == []
    assert not folder.exists()


def test_a_run_made_by_hand_is_done(store, plan):
    identity = plan.runs[0].identity
    assert store.ended(identity) is None
    store.run_folder(identity).mkdir(parents=True)
    (store.run_folder(identity) / "result.json").write_text("{}")
    assert store.ended(identity) == Ended({}, {})
    store.forget(identity)
    assert store.ended(identity) is None


def test_the_kind_of_a_sweep_is_kept(store):
    store.folder.mkdir()
    assert store.begin("count_bits", 3) == Spent(0, 0, 0)
    store.note("count_bits", 3, "command", Spent(1.5, 2.5, 1e9))
    assert store.begin("count_bits", 3) == Spent(1.5, 2.5, 1e9)
    for other in (("sign_sum", 3), ("count_bits", 0)):
        with pytest.raises(SettingError, match="the sweep in"):
            store.begin(*other)


def test_a_sweep_of_which_nothing_is_wanted_is_another_one(store, plan):
    assert store.check_same_sweep(plan.runs) == 0
    for run in plan.runs[:3]:
        store.end(run.identity, {0: "died before it had a config.json"}, {})
    assert store.check_same_sweep(plan.runs[2:]) == 2
    with pytest.raises(FolderError, match="holds another sweep, of which this command has no run; values are added"):
        store.check_same_sweep(plan.runs[3:])


def test_a_folder_of_something_else_is_refused(store):
    store.folder.mkdir()
    (store.folder / "sweep.json").write_text('{"experiment": "count_bits", "halving": 0}')
    with pytest.raises(FolderError, match="is not that of a sweep: it lacks seconds, worker_seconds, work"):
        store.begin("count_bits", 0)
