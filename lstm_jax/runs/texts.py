"""Reading the text that is learned from: the fable of the package, or a file."""

import importlib.resources
from pathlib import Path

from lstm_jax.settings import SettingError
from lstm_jax.tasks.corpus import TextSettings, decode_text


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
