"""Data sets of strings over a small alphabet: spelling, numbering, drawing without repeats.

A string of length t has the number Σ symbol_k · A^k, its first symbol being the least significant digit, so that the
number of its prefix of length u is the remainder by A^u.
"""

from typing import NamedTuple

import numpy as np

from lstm_jax.tasks.task import StringTask

EXACT_LIMIT = 2**24
"""How many strings may be enumerated: 24 bits."""


def can_enumerate(base: int, length: int) -> bool:
    """Whether all strings of this length are few enough to be looked at one by one."""
    return base**length <= EXACT_LIMIT


class Strings(NamedTuple):
    """A set of strings: codes [N, T] (positions in the alphabet, zeros beyond a string's end) and lengths [N]."""

    codes: np.ndarray
    lengths: np.ndarray

    def rows(self, rows: slice) -> "Strings":
        """Some of the strings."""
        return Strings(self.codes[rows], self.lengths[rows])


def encode(text: str, alphabet: str) -> np.ndarray:
    """The positions in the alphabet of a string's characters, [T].

    Raises:
        ValueError: names the first character that is not in the alphabet, and its position.
    """
    for position, character in enumerate(text):
        if character not in alphabet:
            name = "" if character.isascii() else f" (U+{ord(character):04X})"  # it may look like one of the alphabet
            what = f"character {character!r}{name} at position {position + 1}"
            raise ValueError(f"{what} is not one of {', '.join(alphabet)}")
    return np.array([alphabet.index(character) for character in text], np.uint8)


def decode(codes: np.ndarray, alphabet: str) -> str:
    """The characters at these positions of the alphabet: the inverse of `encode`."""
    return "".join(alphabet[code] for code in codes)


def digits(numbers: np.ndarray, length: int, base: int) -> np.ndarray:
    """The strings of this length with these numbers: [N] integers to [N, length] codes."""
    codes = np.empty((len(numbers), length), np.uint8)
    rest = np.asarray(numbers, np.int64)
    for position in range(length):
        rest, codes[:, position] = np.divmod(rest, base)
    return codes


def number_of(codes: np.ndarray, base: int) -> np.ndarray:
    """The numbers of strings: [N, T] codes to [N] integers; the inverse of `digits`."""
    return codes.astype(np.int64) @ base ** np.arange(codes.shape[1], dtype=np.int64)


def running_answers(task: StringTask, strings: Strings) -> np.ndarray:
    """The right answer after each symbol of strings [N, T], [N, T]."""
    codes = strings.codes
    # No task's answer is larger than the number of symbols.
    answers = np.empty(codes.shape, np.int16 if codes.shape[1] <= np.iinfo(np.int16).max else np.int32)
    state = task.start(codes.shape[:1])
    for position in range(codes.shape[1]):
        state = task.advance(state, codes[:, position])
        answers[:, position] = task.answer(state)
    return answers


def final_answers(task: StringTask, strings: Strings) -> np.ndarray:
    """The right answer after the last symbol of each string, [N]."""
    return running_answers(task, strings)[np.arange(len(strings.lengths)), strings.lengths - 1]


def draw(rng: np.random.Generator, base: int, lengths: range, size: int, exclude: Strings | None = None) -> Strings:
    """Draws distinct strings, as many of each length as of any other as far as there are enough of them.

    Args:
        rng: the source of randomness.
        base: A, symbols in the alphabet.
        lengths: the lengths to draw from.
        size: N, how many strings.
        exclude: strings that must not be drawn.

    Returns:
        The strings in random order, codes [N, max(lengths)].
    """
    taken: dict[int, set[bytes]] = {length: set() for length in lengths}
    if exclude is not None:
        for codes, length in zip(exclude.codes, exclude.lengths, strict=True):
            taken[int(length)].add(codes[:length].tobytes())
    codes = np.zeros((size, lengths[-1]), np.uint8)
    sizes = np.zeros(size, np.int32)
    row = 0
    for place, length in enumerate(lengths):
        left = min(base**length - len(taken[length]), size)
        wanted = min(left, (size - row) // (len(lengths) - place))
        drawn = _draw_one_length(rng, base, length, wanted, taken[length])
        codes[row : row + wanted, :length] = drawn
        sizes[row : row + wanted] = length
        row += wanted
    order = rng.permutation(row)
    return Strings(codes[order], sizes[order])


def _draw_one_length(rng: np.random.Generator, base: int, length: int, size: int, taken: set[bytes]) -> np.ndarray:
    """Draws distinct strings of one length that are not in `taken`: [size, length]."""
    if can_enumerate(base, length):
        free: np.ndarray | int = base**length
        if taken:
            used = np.frombuffer(b"".join(sorted(taken)), np.uint8).reshape(-1, length)
            free = np.delete(np.arange(base**length), number_of(used, base))
        return digits(rng.choice(free, size, replace=False), length, base)
    seen, rows = set(taken), list[np.ndarray]()
    while len(rows) < size:
        for row in rng.integers(0, base, (size - len(rows), length), dtype=np.uint8):
            if row.tobytes() not in seen:
                seen.add(row.tobytes())
                rows.append(row)
    return np.array(rows, np.uint8).reshape(size, length)
