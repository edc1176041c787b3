"""Reading the text that is learned from: the fable of the package, or a file."""

import hashlib
import importlib.resources
from pathlib import Path
from typing import cast

from lstm_jax.runs.config import RunConfig
from lstm_jax.runs.folder import CONFIG, read_record
from lstm_jax.settings import SettingError
from lstm_jax.tasks.corpus import decode_text
from lstm_jax.tasks.text_settings import TextSettings


def read_text(settings: TextSettings) -> str:
    """The text of `--text_file`; without one, the fable.

    Raises:
        SettingError: the file cannot be read or is not UTF-8; one line says why.
    """
    if not settings.text_file:
        fable = importlib.resources.files("lstm_jax.tasks") / "data" / "belling_the_cat.txt"
        return decode_text(fable.read_bytes())
    try:
        return decode_text(Path(settings.text_file).expanduser().read_bytes())
    except OSError as error:
        reason = f"cannot be read: {error.strerror or error}"
        raise SettingError("text_file", settings.text_file, reason) from None
    except ValueError as error:  # no text; or a path that no file can have, such as one with a zero in it
        raise SettingError("text_file", settings.text_file, str(error)) from None


def checksum(text: str) -> str:
    """What tells one text from another: the first 16 digits of its SHA-256."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def identify(config: RunConfig) -> RunConfig:
    """The run with the checksum of its text, which is part of its identity, and the whole path, right from any folder.

    Raises:
        SettingError: the text cannot be read, or is not the one that the run in --workdir began with.
        FolderError: the folder's record cannot be read, or is not that of a run.
    """
    settings = cast(TextSettings, config.data)
    ours = checksum(read_text(settings))
    path = settings.text_file and str(Path(settings.text_file).expanduser().resolve())
    folder = Path(config.run.workdir)
    if config.run.workdir and (folder / CONFIG).exists():
        there = read_record(folder)["settings"]
        if there.get("text_file") == path and there.get("text_sha256") != ours:
            reason = f"has changed since the run in {config.run.workdir} began; give another --workdir"
            raise SettingError("text_file", settings.text_file, reason)
    return config.replace({"text_file": path, "text_sha256": ours})
