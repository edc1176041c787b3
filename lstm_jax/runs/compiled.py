"""Programs are compiled side by side, and once for all runs of a user: kept on disk, found again by later processes.

JAX reads and writes the files, in place and never a second time: one that is cut off while it is written stays broken.
So each process has a folder of its own, with hard links to what others have finished, and hands on what is new in it
when a piece of its work is done.
"""

import atexit
import contextlib
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jax

from lstm_jax.runs import folder as folders

MOST_BYTES = 2**30
"""What is kept together, the newest first."""

SHORTEST = 0.1
"""Seconds; what compiles faster is compiled anew."""

SUFFIX = "-cache"
"""How JAX ends the names of its files."""

_held = contextlib.ExitStack()  # the lock on this process's folder, until the process ends


@contextlib.contextmanager
def beside(program: jax.stages.Lowered) -> Iterator[None]:
    """Compiles a program while others are traced and compiled; JAX then finds it when it is needed.

    Half a second less on two cores for what gives the first weights and what updates them. What was traced and lowered
    is all that this takes: two threads that both run Python only hinder each other.
    """
    with ThreadPoolExecutor(1) as pool:
        compiling = pool.submit(program.compile)
        yield
        compiling.result()


def default_folder() -> Path:
    """Where a user's programs are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "lstm_jax" / "compiled"


def reuse(folder: Path | None = None) -> None:
    """Lets JAX find what earlier processes compiled, and keeps what this one compiles; before anything is computed.

    Does nothing where JAX was told already (JAX_COMPILATION_CACHE_DIR names another folder,
    JAX_ENABLE_COMPILATION_CACHE=false says that none is wanted), or where the folder cannot be written to.

    Args:
        folder: where they are kept; None: `default_folder`.
    """
    if jax.config.jax_compilation_cache_dir or not jax.config.jax_enable_compilation_cache:
        return
    try:
        own = _own_folder(folder or default_folder())
    except (OSError, RuntimeError, folders.FolderError):  # RuntimeError: there is no home
        return  # then everything is compiled anew
    jax.config.update("jax_compilation_cache_dir", str(own))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", SHORTEST)
    # XLA's own caches would be in a folder that does not outlive the process.
    jax.config.update("jax_persistent_cache_enable_xla_caches", "none")
    # Where the disk is full, what matters fails with an error of its own.
    warnings.filterwarnings("ignore", "Error writing persistent compilation cache entry")
    atexit.register(_leave, own)


def publish() -> None:
    """Hands on what this process has compiled."""
    own = Path(jax.config.jax_compilation_cache_dir or "")
    if own.name.startswith(".process-"):
        with contextlib.suppress(OSError):  # a full disk, say: later processes compile it themselves
            _hand_on(own)


def _own_folder(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    own = Path(tempfile.mkdtemp(prefix=".process-", dir=folder))
    _held.enter_context(folders.locked(own))
    for other in folder.glob(".process-*"):
        # Every process holds a lock on its own as long as it lives.
        if other != own and (other / ".lock").exists() and not folders.in_use(other):
            shutil.rmtree(other, ignore_errors=True)
    for entry in folder.glob(f"*{SUFFIX}"):
        with contextlib.suppress(FileNotFoundError):  # another process is making room
            os.link(entry, own / entry.name)
    return own


def _hand_on(own: Path) -> None:
    for entry in own.glob(f"*{SUFFIX}"):
        finished = own.parent / entry.name
        if not finished.exists():
            with contextlib.suppress(FileExistsError):
                os.link(entry, finished)
    entries = sorted((entry.stat().st_mtime_ns, entry.stat().st_size, entry) for entry in own.parent.glob(f"*{SUFFIX}"))
    total = sum(size for _, size, _ in entries)
    for _, size, entry in entries:
        if total <= MOST_BYTES:
            return
        entry.unlink(missing_ok=True)
        total -= size


def _leave(own: Path) -> None:
    publish()
    _held.close()
    shutil.rmtree(own, ignore_errors=True)
