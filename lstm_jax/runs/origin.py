"""Which code computes here: the versions of the packages that results depend on, the commit of its checkout."""

import contextlib
import importlib.metadata
import subprocess
from pathlib import Path

PACKAGES = ("lstm-jax", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy", "tensorboardX")


def versions() -> dict[str, str]:
    """The versions of the packages that results depend on."""
    found = {}
    for package in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found


def git_commit() -> str | None:
    """The commit of the checkout that this code is in, if it is in one; `-dirty` where code was changed or added since.

    None where this file is not one of the repository around it, such as an installed package's in somebody's project.
    """
    file = Path(__file__)
    questions = (
        ["ls-files", "--error-unmatch", file.name],
        ["rev-parse", "HEAD"],
        ["status", "--porcelain", "--untracked-files=no"],
        ["ls-files", "--others", "--exclude-standard", "--", ":/*.py"],
    )
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        _, commit, changes, new = [
            subprocess.run(
                ["git", "-C", str(file.parent), *words], capture_output=True, text=True, timeout=10, check=True
            ).stdout.strip()
            for words in questions
        ]
        return commit + ("-dirty" if changes or new else "")
    return None
