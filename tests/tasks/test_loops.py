"""Loops at the end of a sequence, against a look at every period."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_jax.tasks.loops import SHORT, find_loop


def find_slowly(codes):
    for period in range(1, len(codes)):
        times = 3 if period <= SHORT else 2
        if len(codes) >= times * period and all(
            codes[place] == codes[place - period] for place in range(len(codes) - (times - 1) * period, len(codes))
        ):
            start = len(codes) - period
            while start > 0 and codes[start - 1] == codes[start - 1 + period]:
                start -= 1
            return start, period
    return None


@given(st.lists(st.integers(0, 2), max_size=40))
def test_any_sequence(codes):
    assert find_loop(codes) == find_slowly(codes)


@given(
    st.lists(st.integers(0, 9), max_size=20),
    st.lists(st.integers(0, 9), min_size=1, max_size=12),
    st.integers(1, 4),
    st.data(),
)
def test_sequences_that_end_in_a_loop(before, loop, times, data):
    codes = before + loop * times + loop[: data.draw(st.integers(0, len(loop) - 1))]
    found = find_loop(codes)
    assert found == find_slowly(codes)
    if times >= 3:
        assert found is not None
        assert found.period <= len(loop)


@pytest.mark.parametrize(
    ("text", "loop"),
    [
        ("", None),
        ("and so on", None),
        ("he said that that", None),
        ("so , so , so", None),
        ("no no no", (0, 1)),
        ("a b c a b c", None),
        ("a b c a b c a b c", (0, 3)),
        ("a b c d a b c d", (0, 4)),
        ("he said that that that", (2, 1)),
        ("the cat . the mice and the cat . the mice and the", (0, 6)),
        ("then the cat . the mice and the cat . the mice", None),
        ("the cat said , said , said , then", None),
    ],
)
def test_words(text, loop):
    assert find_loop([hash(word) for word in text.split()]) == loop


def test_long_sequences_take_time_in_proportion():
    codes = list(range(1_000)) + list(range(50_000)) * 2
    assert find_loop(codes) == (1_000, 50_000)
    assert find_loop([0] * 100_000) == (0, 1)
