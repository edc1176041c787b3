"""Axes of pictures: order, ticks that lie where they say, numbers and words as labels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_jax.sweeps.figures import percent
from lstm_jax.sweeps.scales import error_scale, setting_scale


@given(st.lists(st.floats(0, 1).map(lambda error: round(error, 6)), min_size=1))
def test_larger_errors_are_higher_and_all_are_on_the_axis(errors):
    scale = error_scale(errors)
    places = [scale.position(error) for error in sorted(errors)]
    assert places == sorted(places) and places[0] >= 0 and places[-1] <= 1 + 1e-9
    assert all(-1e-9 <= place <= 1 + 1e-9 for place, _ in scale.ticks)


@given(st.lists(st.floats(1e-6, 1e6), min_size=2, unique=True))
def test_settings_are_in_order_on_their_axis(values):
    scale = setting_scale(values)
    places = [scale.position(value) for value in sorted(values)]
    assert places == sorted(places) and places[0] >= -1e-9 and places[-1] <= 1 + 1e-9
    assert len(scale.ticks) <= 12


def test_ticks_lie_where_they_say():
    scale = setting_scale(np.geomspace(1e-4, 1e-1, 20).tolist())
    assert {label: round(place, 6) for place, label in scale.ticks} == {
        "0.0001": 0, "0.001": round(1 / 3, 6), "0.01": round(2 / 3, 6), "0.1": 1,
    }  # fmt: skip
    assert [label for _, label in error_scale([0, 0.001, 0.5]).ticks] == ["0%", "0.1%", "1%", "10%"]
    assert [label for _, label in error_scale([0.01, 0.99]).ticks] == ["2%", "10%", "50%"]
    assert [label for _, label in setting_scale(["b", "a"]).ticks] == ["a", "b"]


def test_draws_keep_their_distances_and_chosen_values_are_evenly_spaced():
    values = [0.0, 1.0, 4.0]
    assert [setting_scale(values, drawn=True).position(value) for value in values] == [0, 0.25, 1]
    assert [setting_scale(values).position(value) for value in values] == [1 / 6, 1 / 2, 5 / 6]


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0%"), (1, "100%"), (0.1234, "12%"), (0.00012, "0.012%"), (0.999, "100%"), (1e-7, "1.0e-05%")],
)
def test_shares_are_percentages_with_two_digits(share, text):
    assert percent(share) == text
