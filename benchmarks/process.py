"""What is measured in a process of its own: a contestant, which computes when it is told to, or a whole command."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


class NotMeasuredError(Exception):
    """Something cannot be measured; the message is the reason."""


def time_command(arguments: Sequence[str]) -> float:
    """Seconds that `python -m` with these arguments takes, from the start of its process, with all compiled anew.

    Raises:
        OSError: it failed; the last line of what it said.
    """
    environment = {**os.environ, "JAX_ENABLE_COMPILATION_CACHE": "false"}
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise OSError(f"python -m {' '.join(arguments)}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
    return time.perf_counter() - started


class Contestant:
    """A process of `benchmarks.contestants`.

    Args:
        python: the interpreter.
        module: which contestant, a name in `benchmarks.contestants`.
        options: what the process is told at its start.
        errors: a file for what it writes on standard error.

    Raises:
        NotMeasuredError: the interpreter cannot be started.
    """

    def __init__(self, python: str, module: str, options: dict[str, Any], errors: Path):
        self._errors = errors
        # The contestants come from the same checkout as this file, whatever is installed.
        paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
        # The processes share the accelerator, so none may take its memory for itself.
        environment = {**os.environ, "PYTHONPATH": paths, "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
        command = [python, "-m", f"benchmarks.contestants.{module}", json.dumps(options)]
        try:
            with open(errors, "w") as sink:
                self._process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sink, text=True, env=environment
                )
        except OSError as error:
            raise NotMeasuredError(f"{python}: {error.strerror}") from None

    def answer(self) -> dict[str, Any]:
        """The next answer; the first is what the contestant says about itself.

        Raises:
            NotMeasuredError: it could not do what it was asked, or has ended.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise NotMeasuredError(self._last_words())
        answer = json.loads(line)
        if "error" in answer:
            raise NotMeasuredError(" ".join(answer["error"].split()))
        return answer

    def ask(self, **request: Any) -> dict[str, Any]:
        """Sends a request and waits for the answer; see `contestants.serve` for both.

        Raises:
            NotMeasuredError: it could not do what it was asked, or has ended.
        """
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # then there is no answer either
            print(json.dumps(request), file=self._process.stdin, flush=True)
        return self.answer()

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.communicate()

    def _last_words(self) -> str:
        status = self._process.wait()
        lines = self._errors.read_text().strip().splitlines()
        if status < 0:
            return f"its process was ended by signal {-status}"
        return lines[-1].strip() if status and lines else f"its process ended with status {status}"
