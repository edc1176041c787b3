"""Runs the commands as a user does, each in a process of its own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

STRICT = ["-W", "error", "-W", "ignore:Error reading persistent compilation cache entry"]
"""Warnings are errors, but for a program in the tests' cache that another process is just writing."""

BEGUN: list[subprocess.Popen] = []
"""The commands that the running test has started."""

SMALL = [
    *("--seq_len=8", "--train_size=100", "--batch_size=32", "--hidden_size=8", "--num_steps=400"),
    *("--log_every=50", "--eval_every=200", "--checkpoint_every=100", "--cpu_devices=2"),
]


def command(*flags: str, experiment: str = "count_bits") -> list[str]:
    return [sys.executable, *STRICT, "-m", f"experiments.{experiment}", *flags]


def environment() -> dict[str, str]:
    """What the commands see: the CPU, and programs that an earlier command of the tests has compiled already."""
    cache = {
        "JAX_COMPILATION_CACHE_DIR": str(ROOT / ".pytest_cache" / "jax"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1",
    }
    return {**os.environ, **cache, "JAX_PLATFORMS": "cpu"}


def run(
    *flags: str, status: int = 0, experiment: str = "count_bits", typed: str | None = None
) -> subprocess.CompletedProcess:
    """Waits for the end of a command, to which `typed` is typed."""
    words = command(*flags, experiment=experiment)
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, env=environment(), timeout=240, input=typed)
    assert done.returncode == status, f"status {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done


def begin(*flags: str, experiment: str = "count_bits") -> subprocess.Popen:
    """Starts a command; it ends with the test at the latest."""
    words, pipes = command(*flags, experiment=experiment), {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    BEGUN.append(subprocess.Popen(words, text=True, cwd=ROOT, env=environment(), **pipes))
    return BEGUN[-1]


def wait_for_checkpoint(folder: Path, step: int, process: subprocess.Popen) -> None:
    """Waits until a checkpoint of this step or a later one is there."""
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        there = [int(path.name) for path in (folder / "checkpoints").glob("*") if path.name.isdigit()]
        if there and max(there) >= step:
            return
        time.sleep(0.005)
    raise AssertionError(f"no checkpoint of step {step}: {process.communicate()}")


def stop(process: subprocess.Popen, number: signal.Signals) -> tuple[int, str]:
    """Sends a signal; returns the status and what was said, last on standard error."""
    process.send_signal(number)
    output, errors = process.communicate(timeout=120)
    return process.returncode, output + errors
