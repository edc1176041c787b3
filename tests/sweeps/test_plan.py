"""The plan of a sweep against a grid by brute force; its tasks against runs compared pair by pair."""

import itertools
import json

import pytest

from experiments.count_bits import BASE
from lstm_jax.runs.config import setting_fields
from lstm_jax.runs.setup import TRACED
from lstm_jax.settings import SettingError
from lstm_jax.sweeps.axis import parse_axis
from lstm_jax.sweeps.grid import draw, grid
from lstm_jax.sweeps.plan import make_plan
from lstm_jax.sweeps.prospect import saved
from lstm_jax.sweeps.rungs import Rung
from lstm_jax.sweeps.task import from_data, longest_first, make_tasks
from lstm_jax.sweeps.work import estimate, time_left
from tests.sweeps.runs import EXPERIMENT, SMALL, plan_of

AXES = {
    "seq_len": [6, 7],
    "learning_rate": [0.01, 0.02, 0.03],
    "hidden_size": [4, 5],
    "clip_norm": [0.5, 1.0],
}


def plan_of_axes(**settings):
    return plan_of(*(f"{name}={','.join(map(str, values))}" for name, values in AXES.items()), **settings)


def test_the_plan_is_every_combination():
    plan = plan_of_axes(num_seeds=3)
    expected = [dict(zip(AXES, values, strict=True)) for values in itertools.product(*AXES.values())]
    assert [plan.settings_of(run) for run in plan.runs] == expected
    assert plan.members == 3 * len(expected)
    for run, own in zip(plan.runs, expected, strict=True):
        settings = run.config.settings()
        assert {name: settings[name] for name in (*SMALL, *own)} == {**SMALL, **own}
    assert len({run.identity for run in plan.runs}) == len(expected)


def test_what_was_drawn_from_a_range_is_known():
    axes = [parse_axis(text, setting_fields(BASE)) for text in ("learning_rate=1e-4..1e-1 log 3", "clip_norm=1,2")]
    same = {**SMALL, "cpu_devices": 1}
    assert make_plan(BASE, grid(axes), axes, same).drawn == ()
    assert make_plan(BASE, draw(axes, 4, 0), axes, same).drawn == ("learning_rate",)


def test_more_strings_to_learn_from_ask_the_same_and_longer_ones_do_not():
    assert plan_of("train_size=30,31", "hidden_size=4,5").question == ()
    assert plan_of_axes().question == ("seq_len",)


def test_a_run_has_its_command():
    plan = plan_of("learning_rate=0.01,0.02", num_seeds=2, seed=7)
    words = plan.runs[1].command.split()
    assert words[:3] == ["python", "-m", "experiments.count_bits"]
    given = dict(word.removeprefix("--").split("=") for word in words[3:])
    assert given == {
        name: str(value) for name, value in {**SMALL, "learning_rate": 0.02, "seed": 7, "num_seeds": 2}.items()
    }


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_tasks_hold_each_run_once_and_only_what_shares_a_program(workers):
    plan = plan_of_axes()
    tasks = make_tasks(EXPERIMENT, plan.runs, workers, None)
    assert sorted(run.identity for task in tasks for run in task.runs) == sorted(run.identity for run in plan.runs)
    for task in tasks:
        for one, other in itertools.combinations(task.runs, 2):
            different = {name for name in one.settings if one.settings[name] != other.settings[name]}
            assert different <= set(TRACED)
    programs = {tuple((name, run.config.settings()[name]) for name in ("seq_len", "hidden_size")) for run in plan.runs}
    assert len(tasks) >= max(workers, len(programs))
    if workers <= len(programs):
        assert len(tasks) == len(programs)


def test_one_program_is_spread_over_workers_but_not_where_members_are_compared():
    plan = plan_of("learning_rate=0.01,0.02,0.03,0.04")
    assert [len(task.runs) for task in make_tasks(EXPERIMENT, plan.runs, 2, None)] == [2, 2]
    compared = make_tasks(EXPERIMENT, plan.runs, 2, lambda runs: [Rung(4, len(runs) // 2)])
    assert [task.rungs for task in compared] == [(Rung(4, 2),)]
    assert compared[0].in_halves() == []


def test_a_task_survives_json():
    (task,) = make_tasks(EXPERIMENT, plan_of("learning_rate=0.01,0.02").runs, 1, lambda runs: [Rung(4, 1)])
    assert from_data(json.loads(json.dumps(task.as_data()))) == task


def test_halves_are_the_whole():
    (task,) = make_tasks(EXPERIMENT, plan_of("learning_rate=0.01,0.02,0.03").runs, 1, None)
    one, other = task.in_halves()
    assert one.runs + other.runs == task.runs
    assert len({task.name, one.name, other.name}) == 3
    assert one.in_halves() == []


def test_more_to_compute_is_more_work():
    (small,) = plan_of().runs
    for name, value in {"seq_len": 9, "hidden_size": 50, "num_steps": 50, "num_seeds": 3, "batch_size": 30}.items():
        assert estimate(small.config.replace({name: value})) > estimate(small.config)
    longer = {"readout": "number", "test_seq_len": 50, "test_size": 30}
    assert small.config.data.symbols_tested(small.config.task) == 2 * 2**6
    assert small.config.replace(longer).data.symbols_tested(small.config.task) == 30 * 50
    tasks = make_tasks(EXPERIMENT, plan_of_axes().runs, 2, None)
    work = [task.work for task in longest_first(tasks)]
    assert work == sorted(work, reverse=True)


def test_time_left_is_what_was_measured_scaled():
    assert time_left([4.0, 2.0], seconds=6.0, done=3.0, workers=1) == 12.0
    assert time_left([4.0, 2.0], seconds=6.0, done=3.0, workers=2) == 8.0  # the longest alone
    assert time_left([4.0], seconds=6.0, done=0.0, workers=2) is None
    assert time_left([], seconds=0.0, done=0.0, workers=2) == 0.0


def test_a_run_that_cannot_be_is_named():
    with pytest.raises(SettingError, match=r"--train_size=40: must be less than the 32 strings .*with seq_len=5"):
        plan_of("seq_len=5,6")
    with pytest.raises(SettingError, match=r"--set=adam_b2=0.9,0.8: has no effect with --optimizer=sgd"):
        plan_of("adam_b2=0.9,0.8", optimizer="sgd")


def test_what_some_runs_ignore_may_vary():
    assert len(plan_of("adam_b2=0.9,0.8", "optimizer=adam,sgd").runs) == 4


def test_two_runs_of_one_name_are_refused():
    plan = plan_of()
    with pytest.raises(SettingError, match="two runs have the same name"):
        make_plan(plan.runs[0].config, [{}, {}], [], {})


@pytest.mark.parametrize(
    ("rungs", "said"),
    [([Rung(10, 1)], "halving: 50 of 80 updates, 38% saved"), ([], "halving: no member is dropped; too few")],
)
def test_what_halving_saves_is_said_and_why_it_saves_nothing(rungs, said):
    plan = plan_of("learning_rate=0.01,0.02", num_steps=40)
    (task,) = make_tasks(EXPERIMENT, plan.runs, 1, lambda runs: rungs)
    assert saved([task]).startswith(said)
