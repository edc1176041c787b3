"""Settings: what is refused, what identifies a run."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_jax.runs.config import RunConfig, describe_difference, setting_fields
from lstm_jax.runs.text_problem import TextProblem
from lstm_jax.settings import SettingError
from lstm_jax.tasks.count_bits import CountBits
from lstm_jax.tasks.next_word import NextWord
from lstm_jax.tasks.text_settings import TextSettings

BASE = RunConfig(CountBits())

CONTRADICTIONS = [
    ({"bidirectional": True, "supervise": "every_step"}, "supervise"),
    ({"batch_size": 10_001}, "batch_size"),
    ({"valid_size": 9_900, "patience": 1}, "batch_size"),
    ({"seq_len": 13}, "train_size"),
    ({"patience": 3}, "patience"),
    ({"valid_size": 10}, "valid_size"),
    ({"read_from": "cell", "cell": "gru"}, "read_from"),
    ({"impl": "fused", "cell": "rnn"}, "impl"),
    ({"min_seq_len": 21}, "min_seq_len"),
    ({"growth": 0.0001, "min_seq_len": 1}, "growth"),
    ({"growth": 0.5, "train_size": 0, "num_steps": 1}, "growth"),
    ({"seed": 2**31 - 1, "num_seeds": 2}, "num_seeds"),
    ({"learning_rate": float("nan")}, "learning_rate"),
    ({"learning_rate": float("inf")}, "learning_rate"),
]


def test_the_defaults_are_allowed():
    BASE.check()


@pytest.mark.parametrize(("settings", "name"), CONTRADICTIONS)
def test_contradictions_are_named(settings, name):
    with pytest.raises(SettingError) as error:
        BASE.replace(settings).check()
    assert error.value.name == name
    assert str(error.value).startswith(f"--{name}=")


def test_the_least_growth_that_is_asked_for_is_one_update():
    grown = BASE.replace({"train_size": 0, "growth": 0.0001})
    with pytest.raises(SettingError, match=r"--num_steps=2500 updates: give at least 0\.0004, or 0 for none"):
        grown.check()
    grown.replace({"growth": 0.0004}).check()
    grown.replace({"train_size": 10}).replace({"batch_size": 5}).check()  # of one length: nothing grows


def test_what_streams_are_taught_is_not_changed_if_it_was_given():
    config = RunConfig(NextWord(), TextSettings()).replace({"stateful": True, "supervise": "last"})
    assert config.fitted({"stateful", "supervise"}) == config


@given(st.integers(1, 30), st.integers(0, 30), st.sampled_from([0, 1, 100, 10_000]))
def test_sizes_that_nobody_chose_fit_the_strings_there_are(seq_len, shortest, train_size):
    chosen = {"seq_len": seq_len, "min_seq_len": min(shortest, seq_len), "train_size": train_size}
    config = BASE.replace(chosen).fitted({"seq_len", "min_seq_len"})
    config.check()
    strings = sum(2**length for length in range(chosen["min_seq_len"] or seq_len, seq_len + 1))
    assert config.data.train_size == min(train_size, max(1, strings // 2))
    assert config.training.batch_size == min(128, config.data.train_size or 128)


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"seq_len": 5, "train_size": 40}, "--train_size=40: must be less than the 32 strings"),
        ({"seq_len": 5, "batch_size": 17}, "--batch_size=17: must not exceed the 16 training strings"),
        ({"seq_len": 5, "valid_size": 16}, "--valid_size=16: must be less than --train_size=16"),
        ({"seq_len": 10**9}, "--seq_len=1000000000"),
    ],
)
def test_sizes_given_by_hand_stay(chosen, message):
    with pytest.raises(SettingError, match=message):
        BASE.replace(chosen).fitted(chosen).check()


def test_windows_of_a_text_may_be_more_than_there_are():
    config = RunConfig(NextWord(), TextSettings()).replace({"batch_size": 300})
    assert config.fitted({}) == config
    problem = TextProblem(config)
    assert len(problem.text.train) - 3 == 201 < config.training.batch_size
    streams = config.replace({"stateful": True}).fitted({"stateful"})
    assert streams == config.replace({"stateful": True, "supervise": "every_step"})
    with pytest.raises(SettingError, match=r"^--batch_size=300: must not exceed 67 with --stateful"):
        TextProblem(streams)


def numbers_outside():
    for name, field in setting_fields(BASE).items():
        for bound, step in (("minimum", -1), ("maximum", 1)):
            if field.metadata[bound] is not None:
                yield name, field.metadata[bound] + step
        if field.metadata["choices"]:
            yield name, "nonsense"


@pytest.mark.parametrize(("name", "value"), list(numbers_outside()))
def test_every_value_outside_its_range_is_refused(name, value):
    with pytest.raises(SettingError) as error:
        BASE.replace({name: value}).check()
    assert error.value.name == name


@given(st.sampled_from(sorted(setting_fields(BASE))), st.data())
def test_a_setting_changes_the_identity_exactly_if_results_depend_on_it(name, data):
    field = setting_fields(BASE)[name]
    other = {bool: st.just(not field.default), int: st.integers(), float: st.floats(0, 9), str: st.text(alphabet="abc")}
    value = data.draw(other[type(field.default)].filter(lambda value: value != field.default))
    changed = BASE.replace({name: value})
    assert (changed.identity != BASE.identity) == field.metadata["identity"]
    assert changed.settings()[name] == value


def test_names_of_settings_are_distinct():
    names = [f.name for s in ("data", "model", "training", "run") for f in dataclasses.fields(getattr(BASE, s))]
    assert len(set(names)) == len(names) == len(setting_fields(BASE))


def test_differences_are_told():
    assert describe_difference({"a": 1, "b": 2}, {"a": 1, "b": 3}) == "--b=2 (there: 3)"
    assert describe_difference({"a": 1}, {"a": 1}) == ""
