"""Reading texts, and what is said of files that are none."""

import os

import pytest

from experiments import next_word
from lstm_jax.runs.folder import record_config
from lstm_jax.runs.text_problem import TextProblem
from lstm_jax.runs.texts import identify, read_text
from lstm_jax.settings import SettingError
from lstm_jax.tasks.text_settings import TextSettings


def message(path) -> str:
    with pytest.raises(SettingError) as error:
        read_text(TextSettings(text_file=str(path)))
    assert error.value.name == "text_file"
    return str(error.value).removeprefix(f"--text_file={path}: ")


def test_the_fable_comes_with_the_package():
    text = read_text(TextSettings())
    assert text.startswith("long ago , the mice had a general council")
    assert len(text.split()) == 204


def test_a_file(tmp_path, monkeypatch):
    path = tmp_path / "μῦς.txt"
    path.write_bytes("\ufeffὁ μῦς\r\n鼠".encode())
    assert read_text(TextSettings(text_file=str(path))) == "ὁ μῦς\n鼠"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read_text(TextSettings(text_file="~/μῦς.txt")) == "ὁ μῦς\n鼠"


def test_a_run_finds_its_text_from_any_folder(tmp_path, monkeypatch):
    (tmp_path / "text").write_text("one two three")
    monkeypatch.chdir(tmp_path)
    config = identify(next_word.BASE.replace({"text_file": "text"}), ())
    monkeypatch.chdir("/")
    assert read_text(config.data) == "one two three"
    assert identify(config, ()) == config


def test_a_text_is_known_by_what_is_in_it_wherever_it_lies(tmp_path):
    for name, content in (("a", "one two three"), ("b", "one two three"), ("c", "one two four")):
        (tmp_path / name).write_text(content)
    run = next_word.BASE.replace({"workdir": str(tmp_path / "run")})
    (tmp_path / "run").mkdir()
    there, moved, other = (run.replace({"text_file": str(tmp_path / name)}) for name in "abc")
    there = identify(there, ())
    record_config(tmp_path / "run", there)
    record_config(tmp_path / "run", identify(moved, ()))
    assert identify(moved, ()).identity == there.identity
    with pytest.raises(SettingError, match=r"c: is not the text with which the run in .* began; give that text or"):
        identify(other, ())
    (tmp_path / "a").unlink()
    with pytest.raises(SettingError, match="No such file or directory; give its present place with --text_file"):
        read_text(there.data)


def test_as_many_streams_as_the_text_is_long_enough_for_unless_their_number_was_given():
    def streams(given=(), **settings):
        chosen = next_word.BASE.replace({"stateful": True, "batch_size": 201, **settings})
        config = identify(chosen, given)
        if not given:
            TextProblem(config)  # it suits the text
        return config.training.batch_size

    assert streams() == 67
    assert streams(held_out=0.3) == 47
    assert streams(seq_len=60) == 3
    assert streams(batch_size=5) == 5
    assert streams(stateful=False) == streams({"batch_size"}) == 201


def test_files_that_cannot_be_read(tmp_path):
    assert message(tmp_path / "none.txt") == "cannot be read: No such file or directory"
    assert message("~nobody-of-that-name/text") == "cannot be read: No such file or directory"
    assert message(tmp_path) == "cannot be read: Is a directory"
    assert "null" in message("a\0b")


def test_a_pipe_is_refused_by_the_name_that_was_given():
    ours, theirs = os.pipe()
    os.write(theirs, b"one two three four")
    os.close(theirs)
    said = message(f"/dev/fd/{ours}")
    assert said == "must be a regular file: later commands read it again; write the text to one first"
    assert os.read(ours, 99) == b"one two three four", "nothing was taken from it"
    os.close(ours)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission(tmp_path):
    path = tmp_path / "closed.txt"
    path.touch(mode=0)
    assert message(path) == "cannot be read: Permission denied"


def test_files_that_are_no_text(tmp_path):
    path = tmp_path / "program"
    path.write_bytes(b"\x7fELF\0\0")
    assert message(path) == "is not a text: byte 5 is zero"
    path.write_bytes(b"caf\xe9 ")
    assert message(path) == "is not UTF-8: byte 4 is 0xe9 (invalid continuation byte)"
