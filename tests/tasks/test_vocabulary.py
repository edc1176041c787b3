"""Splitting, numbering and spelling the symbols of a text."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_jax.tasks.vocabulary import UNITS, Vocabulary, make_vocabulary, split_text

WORDS = st.lists(st.sampled_from(["the", "cat", "ὁ", "μῦς", "鼠", "<unk>", "<unk2>", "A", "a"]), max_size=60)


def ranked(symbols: list[str]) -> list[str]:
    """By falling frequency, then by first appearance: counted one by one."""
    return sorted(dict.fromkeys(symbols), key=lambda symbol: (-list(symbols).count(symbol), symbols.index(symbol)))


@pytest.mark.parametrize("between", [" ", "\n", "\r\n", "\u2028", "\x85", "\t\t", "\u3000", "\xa0"])
def test_words_stand_between_white_space_of_any_kind(between):
    words = ["had", "a", "general", "γενικόν", "鼠"]
    assert split_text(between + between.join(words) + between, "words", False) == words


def test_characters_are_code_points():
    text = "a\U0001f42de\u0301鼠\n"
    assert list(split_text(text, "characters", False)) == ["a", "\U0001f42d", "e", "\u0301", "鼠", "\n"]


@pytest.mark.parametrize(("unit", "symbols"), [("words", ["ὁ", "μῦς"]), ("characters", list("ὁ μῦς"))])
def test_upper_case_of_any_script_becomes_lower_case(unit, symbols):
    assert list(split_text("Ὁ ΜῦΣ", unit, True)) == symbols
    assert list(split_text("Ὁ ΜῦΣ", unit, False)) != symbols


@given(WORDS)
def test_symbols_are_numbered_by_falling_frequency_and_first_appearance(words):
    vocabulary = make_vocabulary(words, "words")
    assert list(vocabulary.symbols) == ranked(words)
    assert vocabulary.unknown is None
    codes = vocabulary.encode(words)
    assert codes.dtype == np.int32
    assert [ranked(words).index(word) for word in words] == list(codes)
    assert vocabulary.decode(codes) == words


@given(st.text(st.characters(categories=["L", "Z", "C", "S"]), max_size=60))
def test_characters_are_numbered_as_words_are(text):
    vocabulary = make_vocabulary(text, "characters")
    assert list(vocabulary.symbols) == ranked(list(text))
    np.testing.assert_array_equal(vocabulary.encode(text), vocabulary.encode(list(text)))
    assert vocabulary.join(vocabulary.decode(vocabulary.encode(text))) == text


@given(WORDS, st.integers(1, 5))
def test_rare_symbols_become_one_that_is_numbered_by_its_total(words, min_count):
    vocabulary = make_vocabulary(words, "words", min_count)
    rare = [word for word in words if words.count(word) < min_count]
    assert (vocabulary.unknown is None) == (not rare)
    codes = vocabulary.encode(words)
    counts = np.bincount(codes, minlength=len(vocabulary))
    assert list(counts) == sorted(counts, reverse=True)
    assert len(set(vocabulary.symbols)) == len(vocabulary.symbols)
    for word, decoded in zip(words, vocabulary.decode(codes), strict=True):
        assert decoded == (vocabulary.symbols[vocabulary.unknown] if word in rare else word)
    if rare:
        assert vocabulary.symbols[vocabulary.unknown] not in words
        assert list(vocabulary.encode(["seen", "never"])) == [vocabulary.unknown] * 2


def test_the_unknown_symbol_is_spelled_unk_unless_the_text_has_that_word():
    assert make_vocabulary(["a", "a", "b"], "words", 2).symbols == ("a", "<unk>")
    assert make_vocabulary(["<unk>", "<unk>", "b"], "words", 2).symbols == ("<unk>", "<unk2>")
    assert make_vocabulary("aab", "characters", 2).symbols == ("a", "<unk>")
    assert make_vocabulary("bcaa", "characters", 2).symbols == ("a", "<unk>"), "as often as the rare ones together"
    assert list(make_vocabulary("aab", "characters", 2).encode("ab<鼠")) == [0, 1, 1, 1]


def test_what_a_vocabulary_lacks_gets_one_code_behind_all_others():
    vocabulary = make_vocabulary("aab", "characters")
    assert vocabulary.covering("ba") is vocabulary
    more = vocabulary.covering("bcd")
    assert (more.symbols, more.unknown) == (("a", "b", "<unk>"), 2)
    assert list(more.encode("abcd")) == [0, 1, 2, 2]
    assert more.covering("xyz") is more
    assert make_vocabulary(["a", "b"], "words").covering(["<unk>"]).symbols == ("a", "b", "<unk2>")


@pytest.mark.parametrize(
    ("symbols", "message"),
    [
        (["the", "mices", "."], "word 'mices' at position 2 is not in the text; nearest: mice, Mice"),
        (["MOUSE"], "word 'MOUSE' at position 1 is not in the text; nearest: mouse"),
        (["mice", "qqq"], "word 'qqq' at position 2 is not in the text; its most frequent words: 'the' 'mice' 'Mice'"),
    ],
)
def test_a_word_that_is_not_in_the_text_is_named(symbols, message):
    vocabulary = Vocabulary(("the", "mice", "Mice", "mouse", "cat", "bell"), "words")
    with pytest.raises(ValueError) as error:
        vocabulary.encode(symbols)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_a_character_that_is_not_in_the_text_is_named():
    with pytest.raises(ValueError, match=r"^character 'Ä' at position 2 is not in the text; nearest: ä$"):
        make_vocabulary("aäa", "characters").encode("aÄ")
    with pytest.raises(
        ValueError, match=r"^character '鼠' at position 1 is not in the text; its most freq.*: 'a' 'ä'$"
    ):
        make_vocabulary("aäa", "characters").encode("鼠")


def test_what_is_read_as_the_unknown_symbol_is_named_once_with_its_first_position():
    vocabulary = make_vocabulary(["junk", "the", "the", "mouse", "mouse", "bell"], "words", 2)
    known = "the text's most frequent words: 'the' 'mouse'"
    assert vocabulary.describe_unknown(["the", "junk", "mouze", "junk", "<unk>"]) == [
        f"word 'junk' at position 2 is read as <unk>; {known}",
        "word 'mouze' at position 3 is read as <unk>; nearest: mouse",
    ]
    assert vocabulary.describe_unknown(["mouse", "<unk>"]) == []
    assert vocabulary.describe_unknown([str(number) for number in range(7)])[5:] == ["and 2 more"]


def test_joined_for_display():
    assert Vocabulary(("the", "cat"), "words").join(["the", "cat"]) == "the cat"
    assert Vocabulary(("c", "a", "t"), "characters").join("cat") == "cat"


@pytest.mark.parametrize("unit", UNITS)
def test_nothing_is_encoded_as_nothing(unit):
    for vocabulary in (make_vocabulary("", unit), make_vocabulary("ab", unit)):
        assert vocabulary.encode(split_text(" "[:0], unit, False)).shape == (0,)


def test_a_vocabulary_can_be_part_of_what_is_compiled():
    assert hash(make_vocabulary("ab", "characters")) == hash(make_vocabulary("ab", "characters"))
