"""Reading the text that is learned from: the fable of the package, or a file."""

import hashlib
import importlib.resources
from collections.abc import Collection
from pathlib import Path
from typing import cast

from lstm_jax.runs.config import RunConfig
from lstm_jax.runs.files import at_home
from lstm_jax.runs.folder import CONFIG, read_record
from lstm_jax.settings import SettingError
from lstm_jax.tasks.corpus import decode_text, most_streams
from lstm_jax.tasks.text_settings import TextSettings


def read_text(settings: TextSettings) -> str:
    """The text of `--text_file`; without one, the fable.

    Raises:
        SettingError: the file cannot be read again and again, or is not UTF-8; one line says why.
    """
    if not settings.text_file:
        fable = importlib.resources.files("lstm_jax.tasks") / "data" / "belling_the_cat.txt"
        return decode_text(fable.read_bytes())
    path = _path(settings)
    if path.exists() and not path.is_file() and not path.is_dir():  # such as <(cat a b) in a shell
        reason = "must be a regular file: later commands read it again; write the text to one first"
        raise SettingError("text_file", settings.text_file, reason)
    try:
        return decode_text(path.read_bytes())
    except OSError as error:
        reason = f"cannot be read: {error.strerror or error}"
        if settings.text_sha256 and not path.exists():  # it was there when the run began
            reason += "; give its present place with --text_file"
        raise SettingError("text_file", settings.text_file, reason) from None
    except ValueError as error:  # no text; or a path that no file can have, such as one with a zero in it
        raise SettingError("text_file", settings.text_file, str(error)) from None


def _path(settings: TextSettings) -> Path:
    return Path(at_home(settings.text_file))


def checksum(text: str) -> str:
    """What tells one text from another: the first 16 digits of its SHA-256."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def identify(config: RunConfig, given: Collection[str]) -> RunConfig:
    """The run with the checksum of its text, which is part of its identity, and the whole path, right from any folder.

    Streams of which nobody said how many there are to be are as many as the text is long enough for, at most.

    Args:
        config: all settings.
        given: names of the settings that were given by hand; they stay.

    Raises:
        SettingError: the text cannot be read, or is not the one that the run in --workdir began with.
        FolderError: the folder's record cannot be read, or is not that of a run.
    """
    settings = cast(TextSettings, config.data)
    text = read_text(settings)
    ours, batch_size = checksum(text), config.training.batch_size
    if settings.stateful and "batch_size" not in given:
        batch_size = min(batch_size, max(1, most_streams(text, settings)))
    path = settings.text_file and str(_path(settings).resolve())
    folder = Path(config.run.workdir)
    if config.run.workdir and (folder / CONFIG).exists():
        there = read_record(folder)["settings"]
        if there.get("text_sha256", ours) != ours:
            what = "has changed since" if there.get("text_file") == path else "is not the text with which"
            reason = f"{what} the run in {config.run.workdir} began; give that text or another --workdir"
            raise SettingError("text_file", settings.text_file, reason)
    return config.replace({"text_file": path, "text_sha256": ours, "batch_size": batch_size})
