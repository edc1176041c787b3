"""Drawing, numbering and spelling strings."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_jax.settings import SettingError
from lstm_jax.tasks.count_bits import CountBits
from lstm_jax.tasks.string_settings import StringSettings
from lstm_jax.tasks.strings import Strings, decode, digits, draw, encode, number_of


def as_texts(strings: Strings) -> list[str]:
    return ["".join(map(str, row[:length])) for row, length in zip(strings.codes, strings.lengths, strict=True)]


@given(st.integers(2, 5), st.integers(1, 6))
def test_numbers_run_through_all_strings_first_symbol_fastest(base, length):
    codes = digits(np.arange(base**length), length, base)
    assert len({row.tobytes() for row in codes}) == base**length
    np.testing.assert_array_equal(number_of(codes, base), np.arange(base**length))
    np.testing.assert_array_equal(number_of(codes[:, :-1], base), np.arange(base**length) % base ** (length - 1))


@settings(max_examples=50)
@given(st.integers(2, 4), st.integers(1, 5), st.integers(0, 4), st.data())
def test_drawn_strings_are_distinct_and_avoid_the_excluded(base, shortest, more, data):
    lengths = range(shortest, shortest + more + 1)
    total = sum(base**length for length in lengths)
    first = draw(np.random.default_rng(0), base, lengths, data.draw(st.integers(1, total)))
    texts = as_texts(first)
    assert len(set(texts)) == len(texts)
    assert all(len(text) in lengths and max(map(int, text)) < base for text in texts)
    rest = draw(np.random.default_rng(1), base, lengths, total, exclude=first)
    assert sorted(texts + as_texts(rest)) == sorted({*texts, *as_texts(rest)})
    assert len(texts) + len(rest.lengths) == total


def test_lengths_are_drawn_evenly_as_far_as_there_are_enough_strings():
    strings = draw(np.random.default_rng(0), 2, range(1, 11), 500)
    sizes = np.bincount(strings.lengths)
    assert list(sizes[1:6]) == [2, 4, 8, 16, 32]
    assert sizes[7:].max() - sizes[7:].min() <= 1
    assert np.all(strings.codes[np.arange(10) >= strings.lengths[:, None]] == 0)


def test_long_strings_are_drawn_without_enumerating_them():
    strings = draw(np.random.default_rng(0), 2, range(1000, 1001), 50)
    assert strings.codes.shape == (50, 1000)
    assert 0.45 < strings.codes.mean() < 0.55


def test_a_string_is_as_likely_as_any_other():
    drawn = [number_of(draw(np.random.default_rng(seed), 2, range(3, 4), 2).codes, 2) for seed in range(2000)]
    times = np.bincount(np.concatenate(drawn), minlength=8)
    assert np.all(np.abs(times - 500) < 5 * np.sqrt(500))


def test_spelling():
    assert decode(encode("0110", "01"), "01") == "0110"
    np.testing.assert_array_equal(encode("-I0+", "0+-I"), [2, 3, 0, 1])
    with pytest.raises(ValueError, match="character 'x' at position 3 is not one of 0, 1"):
        encode("01x1", "01")


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"seq_len": 0}, "seq_len"),
        ({"seq_len": 10_001}, "seq_len"),
        ({"seq_len": 4, "train_size": 16}, "train_size"),
        ({"seq_len": 4, "min_seq_len": 5}, "min_seq_len"),
        ({"valid_size": 10_000}, "valid_size"),
        ({"test_size": 0}, "test_size"),
    ],
)
def test_settings_that_cannot_be_are_named(settings, name):
    with pytest.raises(SettingError) as error:
        StringSettings(**settings).check(CountBits())
    assert error.value.name == name
