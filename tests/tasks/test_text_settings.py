"""Settings of texts: what is refused, and by which name."""

import pytest

from lstm_jax.settings import SettingError
from lstm_jax.tasks.text_settings import TextSettings


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"tokens": "letters"}, "tokens"),
        ({"min_count": 0}, "min_count"),
        ({"seq_len": 0}, "seq_len"),
        ({"seq_len": 10_001}, "seq_len"),
        ({"held_out": 0.6}, "held_out"),
        ({"held_out": float("nan")}, "held_out"),
        ({"order": "sorted"}, "order"),
        ({"stateful": True, "order": "sliding"}, "order"),
        ({"tied_weights": True, "input": "code"}, "tied_weights"),
        ({"valid_share": 0.6}, "valid_share"),
    ],
)
def test_settings_that_cannot_be_are_named(settings, name):
    with pytest.raises(SettingError) as error:
        TextSettings(**settings).check(None)
    assert error.value.name == name


SUITING = {"readout": "class", "supervise": "every_step", "bidirectional": False, "hidden_size": 8}


@pytest.mark.parametrize(
    ("settings", "chosen", "message"),
    [
        ({}, {"readout": "number"}, "--readout=number: must be class"),
        ({"stateful": True}, {"supervise": "last"}, "--supervise=last: must be every_step with --stateful"),
        ({"stateful": True}, {"bidirectional": True}, "--bidirectional=true: contradicts --stateful"),
        ({"tied_weights": True, "embedding_size": 4}, {}, "--embedding_size=4: must be --hidden_size=8"),
        ({"tied_weights": True}, {"bidirectional": True}, "--tied_weights=true: contradicts --bidirectional"),
    ],
)
def test_settings_that_do_not_suit_a_text_are_named(settings, chosen, message):
    TextSettings(**{**settings, "embedding_size": 0}).check_network(SUITING)
    with pytest.raises(SettingError, match=message):
        TextSettings(**settings).check_network({**SUITING, **chosen})
