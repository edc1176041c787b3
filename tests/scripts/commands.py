"""Runs sweeps as a user does, each in a process of its own."""

import csv
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.experiments.commands import ROOT, STRICT, environment

TINY = [
    *("--experiment=count_bits", "--set=train_size=20", "--set=batch_size=10", "--set=hidden_size=4"),
    *("--set=num_steps=40", "--set=log_every=10", "--set=eval_every=20", "--set=checkpoint_every=20"),
]


def command(*flags: str) -> list[str]:
    return [sys.executable, *STRICT, "-m", "scripts.sweep", *flags]


def sweep(*flags: str, status: int = 0) -> subprocess.CompletedProcess:
    done = subprocess.run(command(*flags), capture_output=True, text=True, cwd=ROOT, env=environment(), timeout=240)
    assert done.returncode == status, f"status {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr, done.stderr
    return done


def begin(*flags: str) -> subprocess.Popen:
    """In a process group of its own, with its workers."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(command(*flags), cwd=ROOT, env=environment(), start_new_session=True, **pipes)


def kill(process: subprocess.Popen, everyone: bool = True) -> None:
    """SIGKILL to a sweep, with all its workers or without."""
    os.killpg(process.pid, signal.SIGKILL) if everyone else process.kill()
    process.communicate()


def rows(folder: Path, name: str = "results") -> list[dict[str, str]]:
    with open(folder / f"{name}.csv", newline="") as file:
        return list(csv.DictReader(file))


def tables(folder: Path) -> dict[str, str]:
    """The tables without wall times, which are the last column."""
    return {
        name: "\n".join(line.rpartition(",")[0] for line in (folder / f"{name}.csv").read_text().splitlines())
        for name in ("results", "summary")
    }
