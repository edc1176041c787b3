"""Published figures stand beside the runs that they belong to, and are not taken for those of others."""

import pytest

from experiments import count_bits, next_word, sign_sum
from lstm_jax.runs.published import attribution, published, published_by_epoch
from lstm_jax.runs.report import closing_line

ELSEWHERE = "with all settings of --preset=paper"


def config(module, preset="paper", **given):
    return module.BASE.replace(dict(module.PRESETS[preset])).replace(given).fitted(given)


@pytest.mark.parametrize(
    ("module", "given", "error"),
    [
        (count_bits, {}, 0.001),
        (sign_sum, {}, 0.016),
        (sign_sum, {"cell": "flax_lstm"}, 0.013),
        (next_word, {}, 0.088),
        (next_word, {"num_layers": 2}, 0.048),
    ],
)
def test_a_recipe_as_published_has_its_figure(module, given, error):
    # What nothing that is learned depends on, and what is noted of a text when it is read.
    free = {
        "seed": 7,
        "num_seeds": 3,
        "eval_every": 40,
        "impl": "scan",
        "adam_b2": 0.9 if module is next_word else 0.999,
    }
    for one in (given, given | free | {"text_sha256": "0123456789abcdef"}):
        figures = published(config(module, **one))
        assert (figures["error"], figures["own_recipe"]) == (error, True)
        assert ELSEWHERE not in attribution(figures)


@pytest.mark.parametrize(
    ("module", "given"),
    [
        (count_bits, {"hidden_size": 12}),
        (count_bits, {"cell": "gru"}),
        (count_bits, {"num_steps": 20}),
        (count_bits, {"supervise": "every_step"}),
        (sign_sum, {"kernel_mean": 0.0}),
        (sign_sum, {"forget_bias": 0.0, "cell": "flax_lstm"}),
        (sign_sum, {"batch_size": 256}),
        (next_word, {"input": "embedding"}),
        (next_word, {"num_layers": 3}),
        (next_word, {"dtype": "bfloat16"}),
    ],
)
def test_that_of_another_recipe_is_said_to_be_so(module, given):
    assert ELSEWHERE in attribution(published(config(module, **given)))


def test_presets_of_ours_stand_beside_the_recipe_of_the_tutorial():
    for module, presets in ((count_bits, ("fast", "exact")), (sign_sum, ("fast",)), (next_word, ("fast",))):
        assert all(ELSEWHERE in attribution(published(config(module, preset))) for preset in presets)


@pytest.mark.parametrize(
    ("module", "given"),
    [
        (count_bits, {"seq_len": 19}),
        (count_bits, {"min_seq_len": 1}),
        (sign_sum, {"train_size": 256}),
        (sign_sum, {"valid_size": 100, "patience": 3}),
        (sign_sum, {"test_seq_len": 30}),
        (next_word, {"seq_len": 4}),
        (next_word, {"text_file": "other.txt"}),
        (next_word, {"tokens": "characters"}),
        (next_word, {"held_out": 0.1}),
    ],
)
def test_where_something_else_is_learned_or_tested_there_is_none(module, given):
    assert published(config(module, **given)) == {}
    assert published_by_epoch(config(module, **given)) == {}


def test_figures_by_epoch_belong_to_the_recipe_however_long_it_goes_on():
    assert published_by_epoch(config(sign_sum, num_steps=100))[20] == "77.4%"
    assert published_by_epoch(config(sign_sum, cell="flax_lstm")) == {4_000: "1.3%"}
    for other in ({"kernel_mean": 0.0}, {"train_size": 256}, {"hidden_size": 12, "num_steps": 100}):
        assert published_by_epoch(config(sign_sum, **other)) == {}
    assert published_by_epoch(config(count_bits, "fast")) == {}


def test_the_closing_line():
    result = {"wall_seconds": 1.0, "steps": 20}
    lines = [
        closing_line({**result, "published": published(config(sign_sum, cell="flax_lstm", **given))})
        for given in ({}, {"hidden_size": 12}, {"train_size": 256})
    ]
    assert "Published (the tutorial, with the cell of its framework): 1.3%." in lines[0]
    assert f"Published (the tutorial, with the cell of its framework; {ELSEWHERE}): 1.3%." in lines[1]
    assert "ublished" not in lines[2]
