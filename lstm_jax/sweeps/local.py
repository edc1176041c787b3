"""Tasks done by processes of this machine, each of which lives as long as there is something to do."""

import collections
import contextlib
import importlib.util
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import override

from lstm_jax.recurrent.native.build import count_cores
from lstm_jax.settings import SettingError
from lstm_jax.sweeps.executor import DIED, STEP, Event, Executor, code_path
from lstm_jax.sweeps.store import Store
from lstm_jax.sweeps.task import Task

LOOK = """
import sys
from lstm_jax.runs import devices
from lstm_jax.settings import SettingError
try:
    devices.choose(sys.argv[1])
except SettingError as error:
    print(error.allowed)
"""
"""Says why the platform is not to be had; nothing if it is."""

FAREWELL = 10.0
"""Seconds that workers have to end by themselves."""


class LocalExecutor(Executor):
    """Does tasks in worker processes.

    Args:
        store: the folder of the sweep.
        workers: how many processes.
    """

    def __init__(self, store: Store, workers: int):
        self._store, self._most = store, workers
        self._waiting: collections.deque[Task] = collections.deque()
        self._workers: list[_Worker] = []
        self._heard: queue.SimpleQueue[tuple[_Worker, Event | None]] = queue.SimpleQueue()

    @override
    def submit(self, task: Task) -> None:
        self._waiting.append(task)

    @override
    def wait(self, seconds: float) -> Sequence[Event]:
        self._begin()
        events: list[Event] = []
        with contextlib.suppress(queue.Empty):
            events += self._hear(*self._heard.get(timeout=seconds))
            while True:
                events += self._hear(*self._heard.get_nowait())
        return events

    def _begin(self) -> None:
        while self._waiting:
            worker = next((worker for worker in self._workers if worker.task is None), None)
            if worker is None:
                if len(self._workers) == self._most:
                    return
                numbers = {worker.number for worker in self._workers}
                number = next(number for number in range(self._most) if number not in numbers)
                worker = _Worker(number, self._store, self._heard)
                self._workers.append(worker)
            worker.begin(self._waiting.popleft())

    def _hear(self, worker: "_Worker", event: Event | None) -> list[Event]:
        if event is None:
            self._workers.remove(worker)
            reason = worker.last_words()
            return [Event(DIED, worker.task, reason=reason)] if worker.task is not None else []
        if event.kind != STEP:
            worker.task = None
        return [event]

    @override
    def stop(self) -> int:
        self._waiting.clear()
        busy = [worker for worker in self._workers if worker.task is not None]
        for worker in busy:
            worker.process.send_signal(signal.SIGTERM)
        return len(busy)

    @override
    def close(self) -> None:
        for worker in self._workers:
            worker.end()


class _Worker:
    """One process; `task` is the name of what it is doing."""

    def __init__(self, number: int, store: Store, heard: "queue.SimpleQueue[tuple[_Worker, Event | None]]"):
        self.number, self._store = number, store
        self.task: str | None = None
        store.worker_folder().mkdir(parents=True, exist_ok=True)
        self._said = store.worker_folder() / f"{number}.log"
        with open(self._said, "wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, *_warnings(), "-m", "lstm_jax.sweeps.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                env={**os.environ, "PYTHONPATH": code_path()},
            )
        threading.Thread(target=self._listen, args=(heard,), daemon=True).start()

    def _listen(self, heard: "queue.SimpleQueue[tuple[_Worker, Event | None]]") -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                with contextlib.suppress(ValueError):  # what a dying process wrote half of
                    heard.put((self, Event(**json.loads(line))))
        heard.put((self, None))

    def begin(self, task: Task) -> None:
        """Gives it a task."""
        self.task = task.name
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):  # it is dead, and will be heard to be
            self.process.stdin.write(json.dumps({"store": str(self._store.folder), "task": task.as_data()}) + "\n")
            self.process.stdin.flush()

    def last_words(self) -> str:
        """Why it ended."""
        status = self.process.wait()
        self._close_input()
        if status == -signal.SIGKILL:
            return "its process was killed (SIGKILL), as systems do that run out of memory"
        how = f"exit status {status}" if status >= 0 else signal.Signals(-status).name
        lines = self._said.read_text(errors="replace").strip().splitlines()
        return f"its process ended with {how}{f': {lines[-1][:200]}' if lines else ''}"

    def _close_input(self) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()

    def end(self) -> None:
        """Ends the process."""
        self._close_input()
        try:
            self.process.wait(FAREWELL)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _warnings() -> list[str]:
    return [word for option in sys.warnoptions for word in ("-W", option)]


def count_workers(platform: str, cpu_devices: int) -> int:
    """How many processes keep this machine busy: one for so many cores; one alone where there is an accelerator."""
    return 1 if _has_accelerator(platform) else max(1, count_cores() // cpu_devices)


def check_platform(platform: str) -> None:
    """Raises the SettingError of a single run where this machine lacks the platform."""
    if _wanted(platform) in ("auto", "cpu"):
        return
    # Without a look by this process, which would then hold the memory of the devices.
    ask = [sys.executable, "-c", LOOK, platform]
    done = subprocess.run(
        ask, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": code_path()}
    )
    if done.returncode == 0 and done.stdout:
        raise SettingError("platform", platform, done.stdout.strip())


def _wanted(platform: str) -> str:
    return os.environ.get("JAX_PLATFORMS") or platform if platform == "auto" else platform


def _has_accelerator(platform: str) -> bool:
    """Without a look at the devices by this process, which would then hold their memory."""
    platform = _wanted(platform)
    if platform != "auto":
        return platform != "cpu"
    if not any(importlib.util.find_spec(name) for name in ("jax_plugins", "libtpu")):
        return False
    ask = [sys.executable, "-c", "import jax; print(jax.default_backend())"]
    return subprocess.run(ask, capture_output=True, text=True, check=False).stdout.strip() != "cpu"
