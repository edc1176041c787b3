"""Files that are written whole or not at all, by whoever writes them."""

import json
import os

import pytest

from lstm_jax.runs import folder as folders
from lstm_jax.runs.files import write_whole
from lstm_jax.runs.writer import Writer


def test_what_is_no_text_is_written_as_python_spells_it(tmp_path):
    write_whole(tmp_path / "odd.txt", "\udc80")
    assert (tmp_path / "odd.txt").read_text() == "\\udc80"


def test_a_file_that_cannot_be_written_stays_as_it_was(tmp_path):
    write_whole(tmp_path / "table", "before")
    with pytest.raises(AttributeError):
        write_whole(tmp_path / "table", ["no bytes"])
    assert (tmp_path / "table").read_text() == "before"


@pytest.mark.parametrize(
    ("name", "write"),
    [
        (folders.RESULT, lambda folder: folders.write_json(folder / folders.RESULT, {"after": 1})),
        (folders.METRICS, lambda folder: Writer(folder, 1, 1)),
    ],
)
def test_nothing_takes_the_place_of_a_file_before_it_is_on_disk(tmp_path, monkeypatch, name, write):
    before = "".join(json.dumps({"step": step}) + "\n" for step in (1, 2))
    (tmp_path / name).write_text(before)

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write(tmp_path)
    assert (tmp_path / name).read_text() == before
