"""Settings of a sweep: against brute force, NumPy's ranges and the counts of many draws."""

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments import next_word
from lstm_jax.runs.config import RunConfig, setting_fields
from lstm_jax.settings import SettingError
from lstm_jax.sweeps.axis import SAME_FOR_ALL, parse_axis
from lstm_jax.sweeps.grid import draw, grid
from lstm_jax.tasks.count_bits import CountBits

FIELDS = setting_fields(RunConfig(CountBits()))

OF_TEXTS = setting_fields(next_word.BASE)


def values(text):
    return list(parse_axis(text, FIELDS).values)


def axes(*texts):
    return [parse_axis(text, FIELDS) for text in texts]


def test_a_sweep_reads_one_text_or_several():
    assert parse_axis("text_file=a.txt,~/b.txt", OF_TEXTS).values == ("a.txt", "~/b.txt")
    with pytest.raises(SettingError, match="cannot vary"):
        parse_axis("workdir=a", OF_TEXTS)


@given(
    st.lists(st.integers(1, 10_000), min_size=1, unique=True),
    st.lists(st.sampled_from(["lstm", "gru", "rnn"]), min_size=1, unique=True),
)
def test_a_grid_is_the_product_in_order(lengths, cells):
    settings = grid(
        axes(f"seq_len={','.join(map(str, lengths))}", f"cell={', '.join(cells)}", "bidirectional=true,false")
    )
    expected = [
        {"seq_len": length, "cell": cell, "bidirectional": both}
        for length, cell, both in itertools.product(lengths, cells, [True, False])
    ]
    assert settings == expected
    assert all(type(one["seq_len"]) is int and type(one["bidirectional"]) is bool for one in settings)


def test_no_axis_is_one_run():
    assert grid([]) == [{}]


@given(st.floats(1e-6, 1), st.floats(1.5, 1e5), st.integers(2, 30))
def test_ranges_are_numpys(low, high, number):
    np.testing.assert_allclose(
        values(f"learning_rate={low}..{high} log {number}"), np.geomspace(low, high, number), rtol=1e-5
    )
    np.testing.assert_allclose(
        values(f"clip_norm={low}..{high} linear {number}"), np.linspace(low, high, number), rtol=1e-5
    )
    assert values(f"learning_rate={low}..{high} log {number}")[-1] == high


@given(st.integers(1, 500), st.integers(1, 500), st.integers(1, 50))
def test_steps_are_pythons(low, width, step):
    read = values(f"hidden_size={low}..{low + width} by {step}")
    assert read == list(range(low, low + width + 1, step))
    assert all(type(value) is int for value in read)


def test_decimal_steps_are_exact():
    assert values("warmup=0.1..0.5 by 0.1") == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert values("hidden_size=4..32 log 4") == [4, 8, 16, 32]
    assert values("forget_bias=-1..1 linear 3") == [-1, 0, 1]


WRONG = {
    "sek_len=5": "the nearest: seq_len",
    "sek_len=6": "there are adam_b2, batch_size, bidirectional",
    "seq_len": "NAME=VALUES",
    "=5": "NAME=VALUES",
    "seq_len=": "what is empty must be an integer from 1 to 10,000",
    "seq_len=5,,10": "what is empty must be",
    "seq_len=5,10,5": "5 is given twice",
    "learning_rate=1e-3,0.001": "0.001 is given twice",
    "seq_len=5,0": "'0' must be an integer from 1 to 10,000",
    "seq_len=2.5": "'2.5' must be an integer",
    "learning_rate=nan": "'nan' must be a number from 0",
    "cell=lstm,lsmt": "'lsmt' must be one of lstm, gru, rnn",
    "bidirectional=maybe": "must be true or false",
    "seq_len=5..10": "LOW..HIGH log NUMBER",
    "seq_len=5..10 cubic 3": "LOW..HIGH log NUMBER",
    "seq_len=10..5 by 1": "10 is not less than 5",
    "seq_len=0..5 by 1": "'0' must be",
    "seq_len=1..5 by 0.5": "an integer above 0",
    "clip_norm=0..5 by -1": "a finite number above 0",
    "clip_norm=0..5 by": "a finite number above 0",
    "clip_norm=0..5 by 1e-9": "more than 100,000 values",
    "clip_norm=0..5 by 1e-999999": "more than 100,000 values",
    "clip_norm=0..5 log 4": "must begin above 0",
    "clip_norm=0..5 linear 1": "an integer from 2",
    "clip_norm=0..5 linear many": "an integer from 2",
    "hidden_size=1..4 log 9": "no 9 different values",
    "workdir=a,b": "set it with --workdir",
    "num_seeds=1,2": "the seeds of --num_seeds",
    "seed=1,2": "--seed and --num_seeds",
    "preset=fast": "--preset",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_cannot_be_used_is_named(text):
    with pytest.raises(SettingError) as error:
        parse_axis(text, FIELDS)
    assert str(error.value).startswith(f"--set={text}: ")
    assert WRONG[text] in str(error.value)
    assert "\n" not in str(error.value)


@given(st.text(max_size=20), st.sampled_from(sorted(FIELDS)))
def test_any_text_is_read_or_refused(text, name):
    try:
        axis = parse_axis(f"{name}={text}", FIELDS)
    except SettingError:
        return
    assert axis.name == name and name not in SAME_FOR_ALL
    assert all(type(value) is type(FIELDS[name].default) for value in axis.values)


def test_what_is_the_same_for_all_runs_is_a_flag():
    assert SAME_FOR_ALL.keys() - {"preset"} <= FIELDS.keys()


def test_a_name_is_given_once_and_a_grid_needs_a_number():
    for make in (grid, lambda twice: draw(twice, 2, 0)):
        with pytest.raises(SettingError, match="more than once"):
            make(axes("seq_len=5", "cell=gru", "seq_len=6"))
    with pytest.raises(SettingError, match="how many values"):
        grid(axes("learning_rate=1e-4..1e-1 log"))
    with pytest.raises(SettingError, match="10,000,000 settings"):
        grid(axes("seq_len=1..10000 by 1", "batch_size=1..1000 by 1"))


DRAWN = (
    "learning_rate=1e-4..1e-1 log",
    "clip_norm=1..3 linear 4",
    "hidden_size=4,8,16",
    "num_layers=1..8 log",
    "seq_len=5..9 linear",
)


def test_draws_are_uniform_or_log_uniform():
    drawn = draw(axes(*DRAWN), 20_000, seed=3)
    columns = {name: np.array([one[name] for one in drawn]) for name in drawn[0]}
    logs = np.log10(columns["learning_rate"])
    np.testing.assert_allclose(np.histogram(logs, 6, (-4, -1))[0], 20_000 / 6, rtol=0.06)
    np.testing.assert_allclose(np.histogram(columns["clip_norm"], 6, (1, 3))[0], 20_000 / 6, rtol=0.06)
    for name, expected in {
        "hidden_size": dict.fromkeys([4, 8, 16], 1 / 3),
        "seq_len": dict.fromkeys(range(5, 10), 1 / 5),
        "num_layers": {k: np.log((k + 1) / k) / np.log(9) for k in range(1, 9)},
    }.items():
        counts = Counter(columns[name].tolist())
        assert counts.keys() == expected.keys()
        for value, share in expected.items():
            assert abs(counts[value] / 20_000 - share) < 0.012
    assert abs(np.corrcoef([columns[name] for name in columns]) - np.eye(5)).max() < 0.03


def test_the_same_command_draws_the_same():
    one = draw(axes(*DRAWN), 64, seed=0)
    assert one == draw(axes(*DRAWN), 64, seed=0)
    assert one[:20] == draw(axes(*DRAWN), 20, seed=0)
    assert one != draw(axes(*DRAWN), 64, seed=1)
    shares = 0.8444218515250481, 0.7579544029403025, 0.420571580830845  # what Python draws with seed 0
    assert one[0]["learning_rate"] == pytest.approx(10 ** (-4 + 3 * shares[0]), rel=1e-5)
    assert one[0]["clip_norm"] == pytest.approx(1 + 2 * shares[1], rel=1e-5)
    assert one[0]["hidden_size"] == 8


def test_draws_are_different_and_no_more_than_there_are():
    few = axes("hidden_size=4,8,16", "cell=lstm,gru")
    assert sorted(draw(few, 6, seed=0), key=str) == sorted(grid(few), key=str)
    with pytest.raises(SettingError, match="only 6 different"):
        draw(few, 7, seed=0)
    with pytest.raises(SettingError, match="were found"):
        draw(axes("clip_norm=1..1.0000001 linear"), 5, seed=0)
    with pytest.raises(SettingError, match="must be an integer"):
        draw(few, 0, seed=0)
