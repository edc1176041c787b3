"""Symbols of a text and their codes: splitting a text into words or characters, numbering them, spelling them again."""

import collections
import dataclasses
import difflib
import functools
import itertools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

UNITS = ("words", "characters")

UNKNOWN = "<unk>"

SEARCHED = 20_000
"""Among how many of the most frequent words the nearest ones are looked for: a fraction of a second."""

LONGEST_SHOWN = 40
"""Characters of a word that are printed where it is shown among others."""

DESCRIBED = 5
"""How many unknown symbols of a prompt are named."""


def shown(symbol: str) -> str:
    """A symbol as it is shown in a line: of a very long word, how it begins."""
    return symbol if len(symbol) <= LONGEST_SHOWN else f"{symbol[: LONGEST_SHOWN - 3]}..."


def split_text(text: str, unit: str, lowercase: bool) -> Sequence[str]:
    """The symbols of a text, [N].

    Args:
        text: any text.
        unit: `words`, what stands between white space of any script (`str.split`); or `characters`, code points.
        lowercase: whether upper case becomes lower case first.

    Returns:
        A list of words; or the text itself, whose items are its characters.
    """
    text = text.lower() if lowercase else text
    return text.split() if unit == "words" else text


@dataclasses.dataclass(frozen=True)
class Vocabulary:
    """The symbols that a text is made of. A symbol's code is its place among them.

    Args:
        symbols: by falling frequency, [A].
        unit: what they are, one of UNITS.
        unknown: the code that stands for all symbols that are not here; None: there is none.
    """

    symbols: tuple[str, ...]
    unit: str
    unknown: int | None = None

    def __len__(self) -> int:
        return len(self.symbols)

    @functools.cached_property
    def _codes(self) -> Mapping[str, int]:
        return {symbol: code for code, symbol in enumerate(self.symbols)}

    @functools.cached_property
    def _code_of_point(self) -> np.ndarray:
        """The code of each code point up to the largest, -1 where it is not a symbol; for characters only."""
        # The unknown symbol is the only one of several characters: no character of a text is spelled like it.
        points = {ord(symbol): code for symbol, code in self._codes.items() if len(symbol) == 1}
        table = np.full(max(points, default=-1) + 2, -1, np.int32)
        table[list(points)] = list(points.values())
        return table

    def encode(self, symbols: Sequence[str]) -> np.ndarray:
        """The codes of symbols, [N] int32.

        Raises:
            ValueError: names the first symbol that has no code, its position and the nearest ones, unless there is
                a code for unknown symbols.
        """
        if isinstance(symbols, str) and self.unit == "characters":
            points = np.frombuffer(symbols.encode("utf-32-le", "surrogatepass"), "<u4")
            codes = self._code_of_point[np.minimum(points, len(self._code_of_point) - 1)]
        else:
            found = map(self._codes.get, symbols, itertools.repeat(-1))
            codes = np.fromiter(found, np.int32, count=len(symbols))
        missing = codes < 0
        if not missing.any():
            return codes
        if self.unknown is None:
            first = int(missing.argmax())
            raise ValueError(self._describe_missing(symbols[first], first + 1))
        return np.where(missing, np.int32(self.unknown), codes)

    def covering(self, symbols: Iterable[str]) -> "Vocabulary":
        """The same with a code, the last one, for symbols that are not here; itself where it needs none for these."""
        if self.unknown is not None or self._codes.keys() >= set(symbols):
            return self
        name = _free_name({*self.symbols, *symbols})
        return Vocabulary((*self.symbols, name), self.unit, unknown=len(self.symbols))

    def _describe_missing(self, symbol: str, position: int) -> str:
        fate, whose = "not in the text", "its"
        if self.unknown is not None:  # it may be in the text, but too rare
            fate, whose = f"read as {self.symbols[self.unknown]}", "the text's"
        what = f"{self.unit.removesuffix('s')} {shown(symbol)!r} at position {position} is {fate}"
        near = self.nearest(symbol)
        if near:
            return f"{what}; nearest: {', '.join(map(shown, near))}"
        frequent = [known for code, known in enumerate(self.symbols[:6]) if code != self.unknown]
        return f"{what}; {whose} most frequent {self.unit}: {' '.join(map(repr, map(shown, frequent[:5])))}"

    def describe_unknown(self, symbols: Sequence[str]) -> list[str]:
        """What is read as the unknown symbol, with position and nearest ones: a line each for the first DESCRIBED."""
        firsts: dict[str, int] = {}
        for position, symbol in enumerate(symbols):
            if symbol not in self._codes:
                firsts.setdefault(symbol, position + 1)
        lines = [self._describe_missing(symbol, place) for symbol, place in itertools.islice(firsts.items(), DESCRIBED)]
        return [*lines, f"and {len(firsts) - DESCRIBED} more"] if len(firsts) > DESCRIBED else lines

    def nearest(self, symbol: str) -> list[str]:
        """Up to three symbols that are spelled nearly the same, the best first."""
        spellings = collections.defaultdict[str, list[str]](list)
        for code, known in enumerate(self.symbols[:SEARCHED]):
            if code != self.unknown:  # is no word of the text
                spellings[known.lower()].append(known)
        near = difflib.get_close_matches(symbol.lower(), spellings)
        return [known for spelling in near for known in spellings[spelling]][:3]

    def decode(self, codes: Iterable[int] | np.ndarray) -> list[str]:
        """The symbols with these codes: the inverse of `encode`, but for unknown symbols."""
        return [self.symbols[code] for code in codes]

    def show(self, codes: Iterable[int] | np.ndarray) -> list[str]:
        """As `decode`, but of very long words only how they begin."""
        return [shown(symbol) for symbol in self.decode(codes)]

    def join(self, symbols: Iterable[str]) -> str:
        """Symbols as a person reads them: words with blanks between them, characters without."""
        return (" " if self.unit == "words" else "").join(symbols)


def make_vocabulary(symbols: Sequence[str], unit: str, min_count: int = 1) -> Vocabulary:
    """The vocabulary of a text: its symbols by falling frequency, equally frequent ones in order of first appearance.

    Args:
        symbols: the text, [N], as `split_text` gives it.
        unit: what they are, one of UNITS.
        min_count: symbols that occur less often become one, `<unk>`, which has its place by their total frequency.
    """
    ranked = collections.Counter(symbols).most_common()  # a stable sort of what is in order of first appearance
    frequent = list(itertools.takewhile(lambda entry: entry[1] >= min_count, ranked))
    known = tuple(symbol for symbol, _ in frequent)
    rare = ranked[len(frequent) :]
    if not rare:
        return Vocabulary(known, unit)
    total = sum(count for _, count in rare)
    place = sum(count >= total for _, count in frequent)
    name = _free_name({symbol for symbol, _ in ranked})
    return Vocabulary((*known[:place], name, *known[place:]), unit, unknown=place)


def _free_name(taken: set[str]) -> str:
    """A spelling of the unknown symbol that is none of the text's own."""
    names = itertools.chain([UNKNOWN], (f"<unk{number}>" for number in itertools.count(2)))
    return next(name for name in names if name not in taken)
