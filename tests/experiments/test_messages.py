"""What is said on standard error, and how it reads; nothing is started here."""

from pathlib import Path

import pytest

from experiments import console, recipes, sign_sum, training
from lstm_jax.runs.config import setting_fields
from lstm_jax.settings import SettingError, allowed_values, written
from lstm_jax.tasks.strings import encode


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"cell": "gru"},
            "--preset=fast: which is the default, has --read_from=cell, which needs --cell=lstm or flax_lstm, a gru "
            "has no cell state; add --read_from=hidden",
        ),
        (
            {"bidirectional": True},
            "--preset=fast: which is the default, has --supervise=every_step, which contradicts --bidirectional: the "
            "way back has seen the symbols to come; add --supervise=last",
        ),
    ],
)
def test_what_a_preset_makes_impossible_is_said_with_the_remedy(settings, message):
    with pytest.raises(SettingError) as error, recipes.blaming(sign_sum.PRESETS, "fast", False, settings):
        recipes.follow(sign_sum.BASE, sign_sum.PRESETS, "fast").replace(settings).check()
    assert str(error.value) == message


def test_values_are_written_as_they_are_typed():
    values = (True, False, 0.0, 2.0, 0.25, 7, "a", 1e30)
    assert [*map(written, values)] == ["true", "false", "0", "2", "0.25", "7", "a", "1e+30"]
    fields = setting_fields(sign_sum.BASE)
    assert allowed_values(fields["learning_rate"]) == "a number from 0 to 1,000,000"
    assert allowed_values(fields["adam_b2"]) == "a number from 0 to 0.999999"


def test_a_memory_that_does_not_suffice_is_said_in_one_line():
    raw = "RESOURCE_EXHAUSTED: Out of memory allocating 1649267441664 bytes.\nmore"
    said = (
        "out of memory: 1,536.0 GiB were asked for at once; lower --batch_size, --hidden_size, --seq_len or --num_seeds"
    )
    assert console.out_of_memory(raw) == said
    assert console.out_of_memory("INTERNAL: something else") == ""


def test_what_is_trained_is_counted():
    config = sign_sum.BASE.replace({"num_steps": 1, "num_seeds": 2_000})
    assert "signs, 1 update of 128, 2,000 seeds; in " in training.describe_run(config, "signs", Path("runs"))


def test_what_looks_like_a_sign_is_named():
    with pytest.raises(ValueError, match=r"character '−' \(U\+2212\) at position 2 is not one of"):
        encode("+−", "+-0I")
    with pytest.raises(ValueError, match="character 'x' at position 2 is not one of"):
        encode("+x", "+-0I")
