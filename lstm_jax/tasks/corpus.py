"""A text to learn from: its codes, and the parts that are held out."""

import codecs
from typing import NamedTuple

import numpy as np

from lstm_jax.settings import SettingError
from lstm_jax.tasks.text_settings import TextSettings
from lstm_jax.tasks.vocabulary import Vocabulary, make_vocabulary, shown, split_text


class Corpus(NamedTuple):
    """A text as codes, int32: what is learned from, what is for early stopping, what is tested on (empty: nothing)."""

    vocabulary: Vocabulary
    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray

    @property
    def learns_unknown(self) -> bool:
        """Whether the symbol for those that are not in the vocabulary occurs in what is learned."""
        return self.unknown_share(self.train) > 0

    @property
    def num_learned(self) -> int:
        """How many different symbols occur in what is learned."""
        return len(self.vocabulary) - (self.vocabulary.unknown is not None and not self.learns_unknown)

    def unknown_share(self, part: np.ndarray) -> float:
        """The share of a part of the text, codes [N], that is not in the vocabulary; 0 for an empty part."""
        if self.vocabulary.unknown is None or not len(part):
            return 0.0
        return int(np.sum(part == self.vocabulary.unknown)) / len(part)


def decode_text(data: bytes) -> str:
    """The text in these bytes, UTF-8 with or without a byte order mark; every line break of any system becomes `\\n`.

    Raises:
        ValueError: says what is there instead of text, as the end of a sentence, and at which byte.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ValueError("is UTF-16 or UTF-32, not UTF-8: convert it, for example with iconv")
    skipped = len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0
    zero = data.find(0)
    if zero >= 0:
        raise ValueError(f"is not a text: byte {zero + 1} is zero")
    try:
        text = data[skipped:].decode("utf-8")
    except UnicodeDecodeError as error:
        place = skipped + error.start
        raise ValueError(f"is not UTF-8: byte {place + 1} is 0x{data[place]:02x} ({error.reason})") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def make_corpus(text: str, settings: TextSettings) -> Corpus:
    """Numbers the symbols of a text and holds out its end.

    The vocabulary is that of the learned part alone, as if nobody had seen the others yet. What occurs in these only is
    one symbol, `<unk>`, which has a code of its own if there are such symbols: without `--min_count`, nothing can have
    learned to predict it, and it counts as the mistake that it is.

    Raises:
        SettingError: says what to do about a text that is empty, too short for one window, or a single symbol.
    """
    symbols = split_text(text, settings.tokens, settings.lowercase)
    if not symbols:
        raise SettingError("text_file", settings.text_file, f"has no {settings.tokens}: give a text that is not empty")
    _check_window(len(symbols), settings)
    sizes = _sizes(len(symbols), settings)
    for name, part in (("valid_share", "validation"), ("held_out", "held-out")):
        if getattr(settings, name):
            _check_part(name, part, sizes[part], "larger", settings)
            _check_part(name, "learned", sizes["learned"], "smaller", settings)
    learned = symbols[: sizes["learned"]]
    vocabulary = make_vocabulary(learned, settings.tokens, settings.min_count)
    if len(vocabulary) == 1:
        raise _one_symbol(vocabulary, settings)
    vocabulary = vocabulary.covering(symbols[len(learned) :])
    ends = [len(learned), len(learned) + sizes["validation"]]
    return Corpus(vocabulary, *np.split(vocabulary.encode(symbols), ends))


def _sizes(total: int, settings: TextSettings) -> dict[str, int]:
    """How many of so many symbols are in each part."""
    test, valid = int(settings.held_out * total), int(settings.valid_share * total)
    return {"learned": total - test - valid, "validation": valid, "held-out": test}


def most_streams(text: str, settings: TextSettings) -> int:
    """Into how many streams of one chunk each, at least, the learned part of a text can be cut."""
    total = len(split_text(text, settings.tokens, settings.lowercase))
    return (_sizes(total, settings)["learned"] - 1) // settings.seq_len


def _counted(number: int, settings: TextSettings) -> str:
    return f"{number} {settings.tokens if number != 1 else settings.tokens.removesuffix('s')}"


def _check_window(available: int, settings: TextSettings) -> None:
    needed = settings.seq_len + 1
    if available >= needed:
        return
    count = _counted(available, settings)
    if not settings.text_file:
        raise SettingError("seq_len", settings.seq_len, f"must be less than the {count} of the fable")
    remedies = ["a longer text", *(["a smaller --seq_len"] if available > 1 else [])]
    remedies += ["--tokens=characters"] if settings.tokens == "words" else []
    advice = " or ".join(filter(None, [", ".join(remedies[:-1]), remedies[-1]]))
    reason = f"has {count}, but --seq_len={settings.seq_len} needs at least {needed}: give {advice}"
    raise SettingError("text_file", settings.text_file, reason)


def _one_symbol(vocabulary: Vocabulary, settings: TextSettings) -> SettingError:
    if vocabulary.unknown is not None:
        allowed = f"leaves no {settings.tokens}: none occurs so often; give a smaller number"
        return SettingError("min_count", settings.min_count, allowed)
    again = f"is {shown(vocabulary.symbols[0])!r} again and again"
    reason = f"{again}: give a text with at least two different {settings.tokens}"
    return SettingError("text_file", settings.text_file, reason)


def _check_part(name: str, part: str, size: int, remedy: str, settings: TextSettings) -> None:
    needed = settings.seq_len + 1
    if size < needed:
        short = f"leaves {_counted(size, settings)} in the {part} part, but --seq_len={settings.seq_len} needs at least"
        advice = f"a {remedy} share or a longer text{'' if settings.text_file else ' (--text_file)'}"
        raise SettingError(name, getattr(settings, name), f"{short} {needed}: give {advice}")


def check_streams(num_train: int, batch_size: int, settings: TextSettings) -> None:
    """Raises SettingError if a text of `num_train` symbols is too short for `batch_size` streams of one chunk each."""
    most = (num_train - 1) // settings.seq_len
    if settings.stateful and batch_size > most:
        reason = f"must not exceed {most} with --stateful: {num_train} {settings.tokens} are so many chunks of"
        raise SettingError("batch_size", batch_size, f"{reason} --seq_len={settings.seq_len}")
