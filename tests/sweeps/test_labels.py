"""Labels of values: short, and never the same for two values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_jax.sweeps.figures import Sweep
from lstm_jax.sweeps.labels import ROOMS, describe, labels_of, whole
from lstm_jax.sweeps.pictures import draw
from lstm_jax.sweeps.progress import SweepDisplay
from lstm_jax.sweeps.table import sort_rows, summarize
from tests.sweeps.cases import THRESHOLD, sweep_of

BOOKS = [f"/tmp/the_library/shelf/{book}/train.txt" for book in ("book_one", "book_two")]


@given(st.lists(st.text("ab/", max_size=60), unique=True) | st.lists(st.floats(-1, 1), unique=True))
def test_different_values_have_different_labels(values):
    labels = labels_of([*values, *values])
    assert list(labels) == values
    assert len(set(labels.values())) == len(values)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["a" * 30 + "b" * 30], ["aaaaaaaaa…bbbbbbbb"]),
        ([True, False], ["true", "false"]),
        ([0.1 + 0.2, 1 / 3], ["0.3", "0.333333"]),
        ([0.12345671, 0.12345672], ["0.12345671", "0.12345672"]),
        ([20, 3], ["20", "3"]),
        (["/a/path/to/some/train.txt"], ["…/some/train.txt"]),
        (BOOKS, ["…/book_one/…", "…/book_two/…"]),
        (["", *BOOKS], ["", "…/book_one/…", "…/book_two/…"]),
        (["/data/of/mine/one/test.txt", "/data/of/mine/two.txt"], ["…/one/test.txt", "…/mine/two.txt"]),
        (["/data/of/mine/train.txt", "/data/of/mine/two/train.txt"], ["…/mine/train.txt", "…/two/train.txt"]),
        ([f"/data/{which}/a/long/way/from/here/train.txt" for which in "xy"], ["…/x/…", "…/y/…"]),
        ([f"{'a' * 30}{which}{'b' * 30}" for which in "xy"], [f"{'a' * 30}{which}{'b' * 30}" for which in "xy"]),
    ],
)
def test_labels_are_as_short_as_they_can_be(values, expected):
    assert list(labels_of(values).values()) == expected


def test_paths_that_differ_in_the_middle_take_few_letters():
    paths = [f"{'/'.join('abcdefghij' * 3)}/{which}/{'/'.join('abcdefghij' * 3)}" for which in ("one", "two")]
    assert max(map(len, labels_of(paths).values())) <= ROOMS[0]


def test_where_there_is_room_values_are_written_out():
    assert describe({"text_file": BOOKS[0], "learning_rate": 0.0562341325190349}) == (
        f"text_file={BOOKS[0]}, learning_rate=0.0562341"
    )
    assert [whole(value) for value in (0.12345671, 1e-5, 3, True)] == ["0.12345671", "1e-05", "3", "true"]


def texts_of(figure):
    return {text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))}


def test_files_of_the_same_name_are_told_apart_in_pictures_and_lines(capsys):
    rows, curves = sweep_of({"cell": BOOKS, "seq_len": [5, 10]}, 2)
    rows = sort_rows(rows)
    sweep = Sweep(rows, summarize(rows, THRESHOLD), curves, ("cell", "seq_len"), THRESHOLD)
    for picture in draw(sweep):
        shown = " ".join(texts_of(picture.figure))
        assert all(part in shown for part in ("…/book_one/…", "…/book_two/…"))
    with SweepDisplay("off", "next_word", 0, [], 1, lambda task: [rows[:2]], THRESHOLD) as display:
        display.ended(type("Task", (), {"name": "a task", "runs": ()}))
    assert f"cell={BOOKS[0]}, seq_len=5: " in capsys.readouterr().out
