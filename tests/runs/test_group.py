"""Several runs in one program against each of them alone."""

import json
import time

import jax
import numpy as np
import pytest

from lstm_jax.runs.group import Part, run_group, same_program
from lstm_jax.runs.loop import RunInterruptedError, run
from lstm_jax.runs.session import Session
from lstm_jax.runs.setup import TRACED
from tests.training.cases import small_config

EVERY = {"log_every": 4, "eval_every": 4, "checkpoint_every": 8, "progress": "off"}
OTHER = {
    "learning_rate": 0.005,
    "clip_norm": 0.01,
    "forget_bias": 3.0,
    "kernel_mean": 0.2,
    "kernel_stddev": 0.3,
    "readout_stddev": 0.7,
    "readout_bias": 0.5,
    "readout_bias_stddev": 0.4,
}


def config(**settings):
    return small_config(**EVERY, kernel_init="normal", **settings)


def group(tmp_path, configs, **how):
    parts = [Part(config, tmp_path / f"run-{number}") for number, config in enumerate(configs)]
    return parts, run_group(parts, tmp_path / "group", time.perf_counter(), **how)


def params_of(configs, folder):
    session = Session(configs, folder, time.perf_counter())
    return [[np.asarray(leaf) for leaf in jax.tree.leaves(params)] for params in session.params()]


def test_every_traced_setting_is_tried():
    assert set(OTHER) == set(TRACED)


def test_each_run_is_what_it_is_alone(tmp_path):
    configs = [config(**{name: value, "seed": 3}) for name, value in OTHER.items()]
    configs.append(config(seed=5, num_seeds=2))
    assert len({same_program(config) for config in configs}) == 1
    parts, outcomes = group(tmp_path, configs)
    together = params_of(configs, tmp_path / "group")
    for number, (part, outcome) in enumerate(zip(parts, outcomes, strict=True)):
        alone = run(part.config, tmp_path / f"alone-{number}", time.perf_counter())
        assert outcome.result["seeds"] == alone["seeds"]
        assert outcome.result == json.loads((part.folder / "result.json").read_text())
        (expected, *_) = params_of([part.config], tmp_path / f"alone-{number}")
        for ours, theirs in zip(together[number], expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)
        rows = [(part.folder / "metrics.jsonl").read_text(), (tmp_path / f"alone-{number}/metrics.jsonl").read_text()]
        ours, theirs = ([without_times(line) for line in text.splitlines()] for text in rows)
        assert ours == theirs


def without_times(line):
    return {name: value for name, value in json.loads(line).items() if name != "steps_per_second"}


@pytest.mark.parametrize(
    "setting", [{"hidden_size": 6}, {"seq_len": 7}, {"num_steps": 13}, {"lr_schedule": "linear"}, {"clip_norm": 0.0}]
)
def test_what_changes_a_program_keeps_runs_apart(setting):
    assert same_program(config(**setting)) != same_program(config())


def test_a_member_that_fails_ends_alone(tmp_path):
    fails = {"learning_rate": 1e6, "clip_norm": 0.0, "optimizer": "sgd", "readout": "number", "num_seeds": 2}
    configs = [config(**fails), config(**{**fails, "learning_rate": 0.001, "num_seeds": 1})]
    parts, (failed, sound) = group(tmp_path, configs)
    assert failed.result is None
    assert set(failed.failures) == {0, 1}
    assert "not finite at step" in failed.failures[0]
    assert not (parts[0].folder / "result.json").exists()
    alone = run(configs[1], tmp_path / "alone", time.perf_counter())
    assert (sound.failures, sound.result["seeds"]) == ({}, alone["seeds"])


def test_dropped_members_stay_where_they_are_and_the_others_go_on(tmp_path):
    configs = [config(learning_rate=rate, num_seeds=2) for rate in (0.02, 0.01)]
    asked = []

    def choose(step, errors):
        asked.append((step, errors))
        return [1, 2] if step == 4 else None

    parts, outcomes = group(tmp_path, configs, choose=choose)
    assert [outcome.dropped for outcome in outcomes] == [{0: 4}, {1: 4}]
    assert np.isnan(asked[-1][1][0])
    assert [seed["steps"] for outcome in outcomes for seed in outcome.result["seeds"]] == [4, 12, 12, 4]
    for part, outcome, kept in zip(parts, outcomes, (1, 0), strict=True):
        alone = run(part.config, part.folder.with_name(f"alone-{part.folder.name}"), time.perf_counter())
        assert outcome.result["seeds"][kept] == alone["seeds"][kept]


def test_a_group_that_was_interrupted_goes_on(tmp_path):
    configs = [config(learning_rate=rate) for rate in (0.02, 0.01)]
    steps = []
    with pytest.raises(RunInterruptedError):
        group(tmp_path / "cut", configs, interrupted=lambda: len(steps) > 0, watch=lambda step, _: steps.append(step))
    _, resumed = group(tmp_path / "cut", configs)
    _, whole = group(tmp_path / "whole", configs)
    assert [outcome.result["seeds"] for outcome in resumed] == [outcome.result["seeds"] for outcome in whole]
