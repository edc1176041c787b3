"""Texts as codes: settings, bytes, parts, and every text that cannot be learned from."""

import codecs

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_jax.runs.texts import read_text
from lstm_jax.settings import SettingError
from lstm_jax.tasks.corpus import check_streams, decode_text, make_corpus
from lstm_jax.tasks.text_settings import TextSettings

GREEK = "ὁ μῦς καὶ ἡ γαλῆ καὶ ὁ κώδων"
CHINESE = "老鼠们开会讨论怎样对付它们共同的敌人猫"


def test_the_fable():
    vocabulary, train, _, test = make_corpus(read_text(TextSettings()), TextSettings())
    assert (len(train), len(vocabulary), len(test)) == (204, 112, 0)
    assert vocabulary.symbols[:2] == (",", "the")
    assert train.dtype == np.int32
    assert vocabulary.join(vocabulary.decode(train[:8])) == "long ago , the mice had a general"
    assert vocabulary.join(vocabulary.decode(train[-2:])) == "remedies ."


@pytest.mark.parametrize("between", [" ", "\r\n", "\r", "\n", "\u2028", "\u2029", "\x0b"])
def test_words_in_another_script_with_any_line_break(between):
    data = codecs.BOM_UTF8 + GREEK.replace(" ", between).encode()
    corpus = make_corpus(decode_text(data), TextSettings())
    assert corpus.vocabulary.join(corpus.vocabulary.decode(corpus.train)) == GREEK
    assert corpus.vocabulary.symbols[:2] == ("ὁ", "καὶ")


def test_characters_of_a_script_without_blanks():
    settings = TextSettings(text_file="mice.txt", tokens="characters", seq_len=4)
    corpus = make_corpus(CHINESE, settings)
    assert corpus.vocabulary.symbols[:3] == ("们", "老", "鼠")
    assert "".join(corpus.vocabulary.decode(corpus.train)) == CHINESE


def test_one_endless_line():
    words = [f"w{number % 977}" for number in range(100_000)]
    corpus = make_corpus(" ".join(words), TextSettings())
    assert len(corpus.vocabulary) == 977
    np.testing.assert_array_equal(corpus.train, np.arange(100_000) % 977)


@given(st.integers(8, 300), st.floats(0, 0.5), st.integers(1, 6))
def test_the_end_is_held_out(size, share, seq_len):
    symbols = [str(number % 7) for number in range(size)]
    settings = TextSettings(held_out=share, seq_len=seq_len)
    num_test = int(share * size)
    if share and min(num_test, size - num_test) <= seq_len:
        with pytest.raises(SettingError, match="--held_out"):
            make_corpus(" ".join(symbols), settings)
        return
    vocabulary, train, _, test = make_corpus(" ".join(symbols), settings)
    assert len(test) == num_test
    learned = symbols[: size - num_test]
    assert vocabulary.decode(train) == learned
    assert vocabulary.decode(test) == [word if word in learned else "<unk>" for word in symbols[len(learned) :]]


def test_a_symbol_of_the_held_out_part_alone_is_unknown_and_nothing_can_have_learned_it():
    corpus = make_corpus("a b a b <unk> b a b c a d", TextSettings(held_out=0.28, seq_len=1))
    assert corpus.vocabulary.symbols == ("b", "a", "<unk>", "<unk2>")
    assert corpus.vocabulary.decode(corpus.test) == ["<unk2>", "a", "<unk2>"]
    assert (corpus.num_learned, corpus.learns_unknown) == (3, False)
    assert corpus.unknown_share(corpus.test) == 2 / 3
    assert corpus.unknown_share(corpus.train) == corpus.unknown_share(corpus.valid) == 0


def test_the_vocabulary_is_that_of_the_learned_part_alone():
    learned, rest = "a b c a b c a b d", " d d d a e e"
    plain = make_corpus(learned, TextSettings(seq_len=1, min_count=2))
    assert plain.vocabulary.symbols == ("a", "b", "c", "<unk>")
    for settings in ({"held_out": 0.4}, {"valid_share": 0.2, "held_out": 0.2}):
        corpus = make_corpus(learned + rest, TextSettings(seq_len=1, min_count=2, **settings))
        assert corpus.vocabulary == plain.vocabulary, "d is frequent in what nobody has seen"
        assert corpus.vocabulary.decode([*corpus.valid, *corpus.test]) == ["<unk>"] * 3 + ["a"] + ["<unk>"] * 2
        assert (corpus.num_learned, corpus.learns_unknown) == (4, True)
    known = make_corpus(f"{learned} a b c d", TextSettings(seq_len=1, held_out=0.25))
    assert known.vocabulary.unknown is None, "there is none where nothing needs it"


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_bytes_are_utf_8_whatever_the_system_they_come_from(line_break, mark):
    assert decode_text(mark + f"μῦς{line_break}鼠\u2028 end".encode()) == "μῦς\n鼠\u2028 end"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"ab\0c", "is not a text: byte 3 is zero"),
        (b"caf\xe9 x", "is not UTF-8: byte 4 is 0xe9 (invalid continuation byte)"),
        (codecs.BOM_UTF8 + b"ab\xff", "is not UTF-8: byte 6 is 0xff (invalid start byte)"),
        ("Maus".encode("utf-16"), "is UTF-16 or UTF-32, not UTF-8: convert it, for example with iconv"),
        ("Maus".encode("utf-32"), "is UTF-16 or UTF-32, not UTF-8: convert it, for example with iconv"),
        (b"\x7fELF\x02\x01\x01\0", "is not a text: byte 8 is zero"),
    ],
)
def test_bytes_that_are_no_text_are_refused_with_the_place(data, message):
    with pytest.raises(ValueError) as error:
        decode_text(data)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        ("", {}, "--text_file=t: has no words: give a text that is not empty"),
        (" \n\u2028", {}, "--text_file=t: has no words: give a text that is not empty"),
        (
            "mouse",
            {},
            "--text_file=t: has 1 word, but --seq_len=3 needs at least 4: give a longer text or --tokens=characters",
        ),
        (
            "mouse cat",
            {},
            "--text_file=t: has 2 words, but --seq_len=3 needs at least 4: "
            "give a longer text, a smaller --seq_len or --tokens=characters",
        ),
        (
            "m",
            {"tokens": "characters"},
            "--text_file=t: has 1 character, but --seq_len=3 needs at least 4: give a longer text",
        ),
        (
            "mouse",
            {"tokens": "characters", "seq_len": 5},
            "--text_file=t: has 5 characters, but --seq_len=5 needs at least 6: "
            "give a longer text or a smaller --seq_len",
        ),
        (
            "a b c d",
            {"text_file": "", "seq_len": 4},
            "--seq_len=4: must be less than the 4 words of the fable",
        ),
        (
            "mouse " * 9,
            {},
            "--text_file=t: is 'mouse' again and again: give a text with at least two different words",
        ),
        (
            "mouse mouse cat cat",
            {"held_out": 0.5, "seq_len": 1},
            "--text_file=t: is 'mouse' again and again: give a text with at least two different words",
        ),
        (
            "a b c d e f",
            {"min_count": 2},
            "--min_count=2: leaves no words: none occurs so often; give a smaller number",
        ),
        (
            "a b c d e f",
            {"held_out": 0.5},
            "--held_out=0.5: leaves 3 words in the held-out part, but --seq_len=3 needs at least 4: "
            "give a larger share or a longer text",
        ),
    ],
)
def test_texts_that_cannot_be_learned_from(text, settings, message):
    settings = TextSettings(**{"text_file": "t", **settings})
    with pytest.raises(SettingError) as error:
        make_corpus(text, settings)
    assert str(error.value) == message


def test_streams_need_a_chunk_each():
    settings = TextSettings(stateful=True, seq_len=3)
    check_streams(13, 4, settings)
    check_streams(2, 99, TextSettings())
    with pytest.raises(SettingError, match=r"--batch_size=5: must not exceed 4 with --stateful: 13 words are so many"):
        check_streams(13, 5, settings)
    with pytest.raises(SettingError, match="must not exceed 3"):  # the last symbol needs a following one
        check_streams(12, 4, settings)
