"""Presets: their names and values are looked at before anything begins."""

import importlib
import subprocess
import sys

import pytest

from experiments import count_bits, recipes
from lstm_jax.settings import SettingError
from scripts.sweep import find_experiments
from tests.experiments.commands import ROOT, environment

WRONG = [
    ({"num_stepz": 500}, "--preset=fast: there is no setting num_stepz; the nearest: num_steps"),
    ({"learning_rate": "0.1"}, "--preset=fast: its learning_rate must be of type float, not '0.1'"),
    ({"num_steps": 5.5}, "--preset=fast: its num_steps must be of type int, not 5.5"),
    ({"num_steps": True}, "--preset=fast: its num_steps must be of type int, not True"),
]


@pytest.mark.parametrize(("settings", "message"), WRONG)
def test_what_is_wrong_in_a_preset_is_said(settings, message):
    presets = {"other": {"learning_rate": 1}, "fast": settings}
    for preset in presets:
        with pytest.raises(SettingError) as error:
            recipes.follow(count_bits.BASE, presets, preset)
        assert str(error.value) == message


@pytest.mark.parametrize("name", find_experiments())
def test_the_presets_are_what_they_seem(name):
    module = importlib.import_module(f"experiments.{name}")
    for preset, settings in module.PRESETS.items():
        chosen = recipes.follow(module.BASE, module.PRESETS, preset).settings()
        assert {setting: chosen[setting] for setting in settings} == settings


EXPERIMENT = """
from experiments import options, strings
from lstm_jax.runs.config import RunConfig
from lstm_jax.tasks.count_bits import CountBits
BASE, PRESETS = RunConfig(CountBits({task})), {{"fast": {preset}}}
options.define_flags(BASE, PRESETS)
strings.define_flags()
options.start(lambda: strings.main(BASE, PRESETS))
"""


@pytest.mark.parametrize(
    ("task", "preset", "message"),
    [
        ("", {"num_stepz": 500}, WRONG[0][1]),
        (
            "alphabet='012'",
            {},
            "task count_bits: features must have a row for each of the 3 symbols of the alphabet, but",
        ),
        ("alphabet=None", {}, "task count_bits: alphabet must be a string of 2 to 256 different symbols"),
    ],
)
def test_an_experiment_that_is_written_wrongly_does_not_begin(task, preset, message):
    words = [sys.executable, "-c", EXPERIMENT.format(task=task, preset=preset)]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, env=environment(), timeout=120)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {message}")
    assert done.stderr.count("\n") == 1
