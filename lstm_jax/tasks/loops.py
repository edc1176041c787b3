"""Whether a generated sequence ends in a repetition: short prompts and greedy choices often lead into one."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

SHORT = 3
"""Loops of up to so many symbols must be there three times: ordinary texts have `that that` and `1 , 1 ,`."""


class Loop(NamedTuple):
    """From the symbol `start` on, each symbol equals the one `period` before it, down to the end."""

    start: int
    period: int


def find_loop(codes: Sequence[int] | np.ndarray) -> Loop | None:
    """The loop that a sequence [N] ends in, the one with the shortest period; None if it does not end in one.

    A loop's symbols are there at least twice, those of a loop of up to SHORT symbols three times; the last round may
    be incomplete beyond that. Takes time proportional to N.
    """
    codes = list(codes)
    for period, matches in enumerate(_self_matches(codes[::-1])):
        times = 3 if period <= SHORT else 2
        if period and matches >= (times - 1) * period:
            return Loop(len(codes) - period - matches, period)
    return None


def _self_matches(codes: list[int]) -> list[int]:
    """How many symbols from each place on equal those at the beginning, [N]: the Z function (Gusfield, 1997, 1.4)."""
    matches = [0] * len(codes)
    left = right = 0  # the stretch [left, right) equals the beginning, and reaches furthest
    for place in range(1, len(codes)):
        length = min(right - place, matches[place - left]) if place < right else 0
        while place + length < len(codes) and codes[length] == codes[place + length]:
            length += 1
        matches[place] = length
        if place + length > right:
            left, right = place, place + length
    return matches
