"""A text to learn from: what may be chosen about it, its codes, and the part that is held out."""

import codecs
import dataclasses
from typing import NamedTuple

import numpy as np

from lstm_jax.settings import SettingError, check_ranges, setting
from lstm_jax.tasks.vocabulary import UNITS, Vocabulary, make_vocabulary, split_text

ORDERS = ("random", "in_turn", "sliding")


@dataclasses.dataclass(frozen=True)
class TextSettings:
    """Which text there is, what its symbols are, and how it is learned from."""

    text_file: str = setting("", "text to learn from, in UTF-8; empty: the fable that comes with the package")
    tokens: str = setting("words", "what is predicted: words (between white space) or characters", choices=UNITS)
    lowercase: bool = setting(False, "turn upper case into lower case first")
    min_count: int = setting(1, "symbols that occur less often become one, <unk>", minimum=1)
    seq_len: int = setting(3, "symbols of context from which the next one is predicted", minimum=1, maximum=10_000)
    held_out: float = setting(
        0.0, "share of the text, at its end, that is not learned from but tested on", minimum=0, maximum=0.5
    )
    order: str = setting(
        "random",
        "windows drawn at random; all in turn; or sliding: each begins where the one before and its answer end, and "
        "after the last one of the text somewhere in the first --seq_len + 2 places",
        choices=ORDERS,
    )
    stateful: bool = setting(
        False, "read --batch_size parts of the text side by side, the state carried on from chunk to chunk"
    )

    validation = "held_out"

    def check(self, task: object) -> None:
        """Raises SettingError where a setting is out of range or contradicts another."""
        check_ranges(self)
        if self.stateful and self.order == "sliding":
            raise SettingError("order", self.order, "contradicts --stateful, which reads each part from end to end")

    def check_network(self, readout: str, batch_size: int, supervise: str) -> None:
        """Raises SettingError where a setting of the network or its training does not suit a text."""
        if readout != "class":
            raise SettingError("readout", readout, "must be class: a symbol is not a number")
        if self.stateful and supervise != "every_step":
            raise SettingError("supervise", supervise, "must be every_step with --stateful, which shows a symbol once")

    def without_effect(self, task: object) -> dict[str, tuple[bool, str]]:
        """Whether a setting is ignored, and the reason as the end of a sentence."""
        return {"order": (self.stateful, "with --stateful, which reads each part from end to end")}


class Corpus(NamedTuple):
    """A text as codes: what is learned from, [N] int32, and what is held out, [N'] int32 (empty if nothing is)."""

    vocabulary: Vocabulary
    train: np.ndarray
    test: np.ndarray


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

    The vocabulary is that of the whole text. So a symbol that occurs in the held-out part only has a code of its own,
    which nothing can have learned to predict: it counts as the mistake that it is.

    Raises:
        SettingError: says what to do about a text that is empty, too short for one window, or a single symbol.
    """
    symbols = split_text(text, settings.tokens, settings.lowercase)
    if not symbols:
        raise SettingError("text_file", settings.text_file, f"has no {settings.tokens}: give a text that is not empty")
    _check_window(len(symbols), settings)
    vocabulary = make_vocabulary(symbols, settings.tokens, settings.min_count)
    if len(vocabulary) == 1:
        raise _one_symbol(vocabulary, settings)
    codes = vocabulary.encode(symbols)
    num_train = len(codes) - int(settings.held_out * len(codes))
    if settings.held_out:
        _check_parts(num_train, len(codes) - num_train, settings)
    return Corpus(vocabulary, codes[:num_train], codes[num_train:])


def _check_window(available: int, settings: TextSettings) -> None:
    needed = settings.seq_len + 1
    if available >= needed:
        return
    count = f"{available} {settings.tokens if available > 1 else settings.tokens.removesuffix('s')}"
    if not settings.text_file:
        raise SettingError("seq_len", settings.seq_len, f"must be less than the {count} of the fable")
    advice = ", a smaller --seq_len or --tokens=characters" if settings.tokens == "words" else " or a smaller --seq_len"
    reason = f"has {count}, but --seq_len={settings.seq_len} needs at least {needed}: give a longer text{advice}"
    raise SettingError("text_file", settings.text_file, reason)


def _one_symbol(vocabulary: Vocabulary, settings: TextSettings) -> SettingError:
    if vocabulary.unknown is not None:
        allowed = f"leaves no {settings.tokens}: none occurs so often; give a smaller number"
        return SettingError("min_count", settings.min_count, allowed)
    reason = f"is {vocabulary.symbols[0]!r} again and again: give a text with at least two different {settings.tokens}"
    return SettingError("text_file", settings.text_file, reason)


def _check_parts(num_train: int, num_test: int, settings: TextSettings) -> None:
    needed = settings.seq_len + 1
    for part, size, remedy in (("held-out", num_test, "larger"), ("learned", num_train, "smaller")):
        if size < needed:
            reason = (
                f"leaves {size} {settings.tokens} in the {part} part, but --seq_len={settings.seq_len} needs at least"
            )
            raise SettingError(
                "held_out", settings.held_out, f"{reason} {needed}: give a {remedy} share or a longer text"
            )


def check_streams(num_train: int, batch_size: int, settings: TextSettings) -> None:
    """Raises SettingError if a text of `num_train` symbols is too short for `batch_size` streams of one chunk each."""
    most = (num_train - 1) // settings.seq_len
    if settings.stateful and batch_size > most:
        reason = f"must not exceed {most} with --stateful: {num_train} {settings.tokens} are so many chunks of"
        raise SettingError("batch_size", batch_size, f"{reason} --seq_len={settings.seq_len}")
