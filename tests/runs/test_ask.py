"""What is said of a string besides the answers to it."""

import pytest

from experiments.count_bits import BASE
from lstm_jax.runs.ask import unlearned_length


@pytest.mark.parametrize(
    ("settings", "learned"),
    [
        ({}, "8"),
        ({"supervise": "every_step"}, "1 to 8"),
        ({"min_seq_len": 3}, "3 to 8"),
        ({"train_size": 0, "growth": 0.5}, "1 to 8"),
        ({"min_seq_len": 3, "growth": 0.5}, "3 to 8"),
    ],
)
def test_a_length_that_was_never_learned_is_said(settings, learned):
    config = BASE.replace({"seq_len": 8, **settings})
    for length in range(1, 12):
        said = unlearned_length(config, length)
        assert bool(said) == (not int(learned[0]) <= length <= 8)
        if said:
            what = "1 symbol" if length == 1 else f"{length} symbols"
            assert said == [f"  {what}: this length was never learned, only {learned}"]
