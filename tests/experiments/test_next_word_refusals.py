"""Texts and settings that the command on texts refuses: one line, status 2, nothing left behind."""

import functools

import pytest

from tests.experiments import commands
from tests.experiments.test_next_word import SMALL, STREAMS, assert_one_line

run = functools.partial(commands.run, experiment="next_word")


@pytest.mark.parametrize(
    ("content", "flags", "message"),
    [
        (None, [], "cannot be read: No such file or directory"),
        (b"", [], "has no words: give a text that is not empty"),
        (b" \n\t", [], "has no words: give a text that is not empty"),
        (b"\x7fELF\0\0", [], "is not a text: byte 5 is zero"),
        (b"caf\xe9 au lait", [], "is not UTF-8: byte 4 is 0xe9"),
        (b"alone", [], "has 1 word, but --seq_len=3 needs at least 4"),
        (b"again again again again again", [], "is 'again' again and again"),
        (b"a b c d e f g", ["--held_out=0.2"], "--held_out=0.2: leaves 1 word in the held-out part"),
        (b"a b c d e f g", [*STREAMS, "--batch_size=2"], "--batch_size=2: must not exceed 1 with --stateful"),
        (b"a b c d e f g", ["--num_sampled=7"], "--num_sampled=7: must be less than the 7 symbols"),
        (b"a b c d", ["--tokens=letters"], "must be one of words, characters"),
    ],
)
def test_texts_that_cannot_be_learned(tmp_path, content, flags, message):
    if content is not None:
        (tmp_path / "text").write_bytes(content)
    done = run(f"--text_file={tmp_path / 'text'}", f"--workdir={tmp_path / 'run'}", *flags, status=2)
    assert_one_line(done, message)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--seq_len=204"], "--seq_len=204: must be less than the 204 words of the fable"),
        (["--stateful", "--supervise=last"], "--supervise=last: must be every_step with --stateful"),
        (["--tied_weights", "--input=code"], "--tied_weights=true: needs --input=embedding, not code"),
        (["--tied_weights", "--embedding_size=9"], "--embedding_size=9: must be --hidden_size=64"),
        (["--input=one_hot", "--embedding_size=9"], "--embedding_size=9: has no effect with --input=one_hot"),
        (
            ["--preset=text", "--num_steps=5"],
            "--preset=text: has --held_out=0.1, which leaves 20 words in the held-out part, but --seq_len=32 needs at "
            "least 33: give a larger share or a longer text (--text_file)",
        ),
        (["--preset=text", "--held_out=0.05"], "--held_out=0.05: leaves 10 words in the held-out part"),
        (["--preset=characters", "--batch_size=14"], "--batch_size=14: must not exceed 13 with --stateful"),
        (["--readout=number"], "--readout=number: must be class"),
    ],
)
def test_settings_that_do_not_suit_a_text(flags, message):
    assert_one_line(run(*flags, status=2), message)


def test_a_text_that_changed_is_not_the_text_of_the_run(tmp_path):
    path, folder = tmp_path / "text", tmp_path / "run"
    path.write_text("ὁ μῦς ὁ αἴλουρος καὶ ὁ κώδων ὁ μῦς")  # another script
    flags = [f"--text_file={path}", f"--workdir={folder}"]
    output = run(*flags, *SMALL, "--seq_len=1").stdout
    assert "9 words of text, 5 different" in output
    told = run(f"--workdir={folder}", "--generate=μῦς", "--num_words=1").stdout
    assert told.split()[0] == "μῦς"
    path.write_text("ὁ μῦς ὁ αἴλουρος καὶ ὁ κώδων ὁ λέων")
    for more in ([*SMALL, "--seq_len=1"], ["--generate=μῦς"]):
        assert_one_line(run(*flags, *more, status=2), "has changed since th")
