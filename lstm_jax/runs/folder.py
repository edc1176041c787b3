"""A run's folder: who may use it, what it records of its settings and its result."""

import contextlib
import fcntl
import json
import platform
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax

from lstm_jax.recurrent.native import passes as native
from lstm_jax.runs import origin
from lstm_jax.runs.config import RunConfig, describe_difference
from lstm_jax.runs.files import write_whole

CONFIG, RESULT, METRICS, CHECKPOINTS, TENSORBOARD = (
    "config.json",
    "result.json",
    "metrics.jsonl",
    "checkpoints",
    "tb",
)

SWEEP = "sweep.json"
"""What the folder of a sweep has, which is not that of a run."""


class FolderError(Exception):
    """A folder that cannot be used for this run; the message says what to do."""


def default_folder(config: RunConfig, root: Path) -> Path:
    """Where a run goes that names no folder: root/IDENTITY-NUMBER.

    The highest number is that of an earlier run with the same settings: it is taken again if that run was cut off, so
    that the same command resumes; if it is finished or still going on, the next number is taken. Lower ones may have
    been deleted.
    """
    there = (path.name.removeprefix(f"{config.identity}-") for path in root.glob(f"{config.identity}-*"))
    number = max((int(word) for word in there if re.fullmatch("[1-9][0-9]*", word)), default=0)
    last = root / f"{config.identity}-{number}"
    if number and not (last / RESULT).exists() and not in_use(last):
        return last
    return root / f"{config.identity}-{number + 1}"


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keeps the folder for this process; the lock goes when the process ends, however it ends.

    Raises:
        FolderError: the folder cannot be written to or locked, or another process has it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = open(folder / ".lock", "a")  # noqa: SIM115 - it is held as long as the run goes on
    except OSError as error:
        raise FolderError(f"--workdir={folder}: cannot be written to ({error.strerror})") from None
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderError(f"--workdir={folder}: another process is using it") from None
        except OSError as error:
            reason = f"cannot be locked ({error.strerror}); choose a folder on a file system that has locks"
            raise FolderError(f"--workdir={folder}: {reason}") from None
        yield


def in_use(folder: Path) -> bool:
    """Whether another process has the folder."""
    try:
        with locked(folder):
            return False
    except FolderError:
        return True


def record_config(folder: Path, config: RunConfig, command: str | None = None) -> None:
    """Writes config.json, or checks that the one that is there belongs to the same run.

    Args:
        folder: the run's.
        config: all its settings.
        command: that makes this run; None: the one that started this process.

    Raises:
        FolderError: the folder holds a run with other settings, which the message names; or a sweep, or something else.
    """
    if (folder / SWEEP).exists():
        raise FolderError(f"--workdir={folder} holds a sweep; a run needs a folder of its own")
    path = folder / CONFIG
    if path.exists():
        check_record(folder, config)
        return
    write_json(
        path,
        {
            "experiment": config.task.name,
            "settings": config.settings(),
            "command": command or command_line(),
            "versions": {"python": platform.python_version(), **origin.versions()},
            "devices": [f"{device.platform}: {device.device_kind}" for device in jax.devices()],
            "kernel": native.available(),
            "git_commit": origin.git_commit(),
        },
    )


def check_record(folder: Path, config: RunConfig) -> None:
    """Checks that the run in a folder is this one.

    Raises:
        FolderError: it is another, or there is something else.
    """
    record = read_record(folder)
    if record["experiment"] != config.task.name:
        raise FolderError(f"--workdir={folder} holds a run of {record['experiment']}; give another --workdir")
    ours = config.settings(identity_only=True)
    difference = describe_difference(ours, {name: record["settings"].get(name) for name in ours})
    if difference:
        remedy = "give another --workdir, or these settings to go on with that run"
        raise FolderError(f"--workdir={folder} holds a run with other settings: {difference}; {remedy}")


def command_line(**flags: str) -> str:
    """The command that started this process, as a shell reads it, with some flags set anew."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    program = [tool("python"), "-m", spec.name] if spec else [tool("python"), *sys.argv[:1]]
    kept, words = [], iter(sys.argv[1:])
    for word in words:
        name, has_value, _ = word.lstrip("-").partition("=")
        # What begins with no "-" is the value of the flag before it, whatever it reads like.
        if name not in flags or not word.startswith("-"):
            kept.append(word)
        elif not has_value:
            next(words, None)
    return shlex.join([*program, *kept, *(f"--{name}={value}" for name, value in flags.items())])


def tool(name: str) -> str:
    """How to call a program of this Python environment: by its path if that is below the current folder."""
    path = Path(sys.executable).parent / name
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else name


def read_record(folder: Path) -> dict[str, Any]:
    """What config.json says of the run in a folder; its `experiment` and a dictionary of `settings` are there.

    Raises:
        FolderError: there is no config.json, or it is that of something else.
    """
    record = read_json(folder / CONFIG)
    if not isinstance(record.get("experiment"), str) or not isinstance(record.get("settings"), dict):
        raise FolderError(f"--workdir={folder} holds no run: its {CONFIG} is that of something else")
    return record


def read_json(path: Path) -> dict[str, Any]:
    """The contents of a JSON file that holds an object.

    Raises:
        FolderError: the file is missing or is not such a file.
    """
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        raise FolderError(f"--workdir={path.parent} holds no run: there is no {path.name}") from None
    except (OSError, ValueError) as error:
        raise FolderError(f"{path} cannot be read: {error}") from None
    if not isinstance(content, dict):
        raise FolderError(f"{path} cannot be read: it holds no JSON object")
    return content


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Writes a JSON file whole or not at all."""
    write_whole(path, json.dumps(content, indent=2) + "\n")
