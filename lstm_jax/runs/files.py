"""Where files are, in one's home, and how they are written: whole or not at all."""

import os
from pathlib import Path


def at_home(path: str) -> str:
    """A path as it was given, where `~` at the beginning is the home: after `=` no shell makes it that."""
    return os.path.expanduser(path)  # noqa: PTH111 - Path.expanduser fails where there is no such user


def write_whole(path: Path, content: str | bytes) -> None:
    """Writes a file whole or not at all; text in UTF-8, with `\\udc80` for what is no text, as in some file names."""
    temporary = path.with_name(path.name + ".new")
    with open(temporary, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode(errors="backslashreplace"))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
