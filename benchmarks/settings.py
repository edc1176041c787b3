"""Flags of the benchmarks: declared as settings, read and checked before anything is measured."""

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from absl import flags

from experiments import options, parsers
from lstm_jax.settings import SettingError

PICTURES = (".png", ".svg")


def define_flags(defaults: Any) -> None:
    """Defines a flag for each field of a settings dataclass."""
    for field in dataclasses.fields(defaults):
        options.define_setting(field, parsers.describe_default(field.default), may_be_empty=True)


def read_flags(defaults: Any) -> Any:
    """The settings with the flags that were given by hand, as yet unchecked."""
    given = {field.name: flags.FLAGS[field.name] for field in dataclasses.fields(defaults)}
    return dataclasses.replace(defaults, **{name: flag.value for name, flag in given.items() if flag.present})


def parse_names(name: str, text: str, allowed: Sequence[str]) -> list[str]:
    """Reads words separated by commas, each at most once.

    Raises:
        SettingError: names the flag `name` and what is allowed.
    """
    words = [word.strip() for word in text.split(",")]
    if not set(words) <= set(allowed) or len(set(words)) < len(words):
        raise SettingError(name, text, f"must be some of {', '.join(allowed)}, separated by commas")
    return words


def parse_integers(name: str, text: str) -> list[int]:
    """Reads integers separated by commas; nothing gives none.

    Raises:
        SettingError: names the flag `name`.
    """
    try:
        numbers = [int(word) for word in text.split(",")] if text.strip() else []
    except ValueError:
        numbers = [0]
    if any(not 1 <= number <= 10_000_000 for number in numbers):
        raise SettingError(name, text, "must be integers from 1 to 10000000, separated by commas")
    return numbers


def check_file(name: str, path: str, suffixes: Sequence[str] = ()) -> None:
    """Makes sure that what is measured can be written at the end.

    Raises:
        SettingError: the folder cannot be written to, or the name has another suffix than the allowed ones.
    """
    if not path:
        return
    if suffixes and Path(path).suffix not in suffixes:
        raise SettingError(name, path, f"must end in {' or '.join(suffixes)}")
    folder = Path(path).absolute().parent
    if not folder.is_dir() or not os.access(folder, os.W_OK) or Path(path).is_dir():
        raise SettingError(name, path, "must be a file in a folder that exists and can be written to")
