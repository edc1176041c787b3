"""Values of settings in words: short where there is little room, and different ones always written differently."""

import itertools
from collections.abc import Iterable, Mapping, Sequence

from lstm_jax.settings import Settings, Value
from lstm_jax.sweeps.table import show

type Labels = Mapping[Value, str]
"""What stands for each value of one setting."""

ROOMS = (18, 24, 32)
"""Letters of a label at most; more of them only where it takes so many to tell two values apart."""

DIGITS = (6, 9, 12, 17)
"""Digits of a number, likewise."""

AS_GIVEN = 10
"""A number that is written with so many letters is shown as it was given."""


def describe(settings: Settings, labels: Mapping[str, Labels] | None = None) -> str:
    """Settings in words, such as `seq_len=5, hidden_size=8`.

    Args:
        settings: by name.
        labels: of their values, where there is little room; None: values are written out.
    """
    return ", ".join(f"{name}={labels[name][value] if labels else whole(value)}" for name, value in settings.items())


def whole(value: Value) -> str:
    """A value with all its letters; a number with many digits is rounded to six."""
    text = show(value)
    return f"{value:g}" if isinstance(value, float) and len(text) > AS_GIVEN else text


def labels_of(values: Iterable[Value]) -> Labels:
    """A label for each of the values, all different: numbers rounded, long words and paths in part."""
    distinct = list(dict.fromkeys(values))
    for names in itertools.chain(_rounded(distinct), _shortened(list(map(show, distinct)))):
        if len(set(names)) == len(distinct):
            return dict(zip(distinct, names, strict=True))
    return {value: show(value) for value in distinct}


def _rounded(values: Sequence[Value]) -> Iterable[list[str]]:
    """The values with more and more digits, if they are numbers."""
    if all(isinstance(value, float) for value in values):
        for digits in DIGITS:
            yield [f"{value:.{digits}g}" for value in values]


def _shortened(texts: Sequence[str]) -> Iterable[list[str]]:
    """The texts with more letters from time to time: paths by their last parts or those that differ, words by ends."""
    long = {room: [text for text in texts if len(text) > room] for room in ROOMS}
    of_paths = [(room, cut) for room in ROOMS for cut in (_tails, _differing)]  # their ends may differ in a letter
    for room, cut in [*of_paths, *((room, _ends) for room in ROOMS)]:
        names = cut(long[room], room)
        if all(len(name) <= room for name in names.values()):
            yield [names.get(text, text) for text in texts]


def _tails(texts: Sequence[str], room: int) -> dict[str, str]:
    """The last parts of each path, of all as many as there is room for: none of them may be the end of another."""
    paths = {text: text.split("/") for text in texts}
    for count in range(max(map(len, paths.values()), default=1) - 1, 0, -1):
        tails = {text: "/".join(["…", *path[-count:]]) if count < len(path) else text for text, path in paths.items()}
        if all(len(tail) <= room for tail in tails.values()):
            return tails
    return {text: text for text in texts}


def _ends(texts: Sequence[str], room: int) -> dict[str, str]:
    """The beginning and the end of what is different, in equal parts."""
    parts, half = _differing(texts, room), room // 2
    return {text: part if len(part) <= room else f"{part[:half]}…{part[1 - half :]}" for text, part in parts.items()}


def _differing(texts: Sequence[str], _: int) -> dict[str, str]:
    """Paths without the parts with which all of them begin, and those with which all of them end."""
    paths = {text: text.split("/") for text in texts}
    if len(paths) == 1:
        return {text: text for text in texts}
    first = _common(paths.values())
    last = _common([path[: first - 1 if first else None : -1] for path in paths.values()])
    begin, end = ["…"] if first else [], ["…"] if last else []
    return {text: "/".join([*begin, *path[first : len(path) - last], *end]) for text, path in paths.items()}


def _common(paths: Iterable[Sequence[str]]) -> int:
    """With how many equal parts all paths begin."""
    same = itertools.takewhile(lambda parts: len(set(parts)) == 1, zip(*paths, strict=False))
    return sum(1 for _ in same)
