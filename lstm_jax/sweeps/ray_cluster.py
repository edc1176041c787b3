"""Tasks done by the nodes of a Ray cluster, which have the folder of the sweep in common.

Ray places tasks and tells which died (docs.ray.io/en/latest/ray-core/fault-tolerance.html). How far a task is, and that
it shall stop, goes by way of its folder: that needs no process that all of them can reach.
"""

import contextlib
import json
import os
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, override

from lstm_jax.runs.faults import first_line
from lstm_jax.runs.files import write_whole
from lstm_jax.settings import SettingError
from lstm_jax.sweeps.execute import execute
from lstm_jax.sweeps.executor import DIED, STEP, Event, Executor, code_path
from lstm_jax.sweeps.store import Store
from lstm_jax.sweeps.task import Task, from_data

STEP_FILE, STOP_FILE = "step", "stop"


class RayExecutor(Executor):
    """Does tasks on a Ray cluster.

    Args:
        store: the folder of the sweep, at the same path on all nodes.
        address: of the cluster, `local` for one of this machine alone.
        cpus, gpus: what each task needs.

    Raises:
        SettingError: Ray is not installed or does not start, or there is no such cluster.
    """

    def __init__(self, store: Store, address: str, cpus: float, gpus: float):
        try:
            import ray
        except ImportError:
            raise SettingError("executor", "ray", "needs Ray: pip install ray, or this package as '.[ray]'") from None
        self._ray, self._store = ray, store
        with _signals_kept():
            _connect(ray, address)
        self._do: Any = ray.remote(do).options(num_cpus=cpus, num_gpus=gpus, max_retries=0)
        self._names: dict[Any, str] = {}  # tasks by what Ray calls them
        self._steps: dict[str, int] = {}

    def places(self, cpus: float, gpus: float) -> int:
        """How many tasks with such needs the cluster has room for at a time; each is done by one node."""
        nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        needs = [(name, need) for name, need in (("CPU", cpus), ("GPU", gpus)) if need]
        return sum(min(int(node.get(name, 0) / need) for name, need in needs) for node in nodes)

    @override
    def submit(self, task: Task) -> None:
        for name in (STEP_FILE, STOP_FILE):
            (self._store.group_folder(task.name) / name).unlink(missing_ok=True)
        reference = self._do.remote(str(self._store.folder), task.as_data(), str(Path.cwd()))
        self._names[reference] = task.name

    @override
    def wait(self, seconds: float) -> Sequence[Event]:
        events = []
        if not self._names:
            time.sleep(seconds)
        ready, _ = self._ray.wait(list(self._names), num_returns=1, timeout=seconds) if self._names else ([], [])
        for reference in ready:
            events.append(self._outcome(self._names.pop(reference), reference))
        return [*self._progress(), *events]

    def _outcome(self, name: str, reference: Any) -> Event:
        try:
            kind, reason = self._ray.get(reference)
            return Event(kind, name, reason=reason)
        except self._ray.exceptions.RayError as error:
            return Event(DIED, name, reason=f"{type(error).__name__}: {first_line(error)}"[:300])

    def _progress(self) -> list[Event]:
        events = []
        for name in self._names.values():
            with contextlib.suppress(OSError, ValueError):
                step = int((self._store.group_folder(name) / STEP_FILE).read_text())
                if step != self._steps.get(name):
                    self._steps[name] = step
                    events.append(Event(STEP, name, step))
        return events

    @override
    def stop(self) -> int:
        for reference, name in self._names.items():
            if (self._store.group_folder(name) / STEP_FILE).exists():
                (self._store.group_folder(name) / STOP_FILE).touch()
            else:  # not begun, or compiling: nothing would be lost
                self._ray.cancel(reference, force=True)
        return len(self._names)

    @override
    def close(self) -> None:
        self._ray.shutdown()


@contextlib.contextmanager
def _signals_kept() -> Iterator[None]:
    """Who hears of signals after the block is who did before: Ray would have SIGTERM end this process at once."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _connect(ray: Any, address: str) -> None:
    variables = {"PYTHONPATH": code_path()}
    try:
        _knock(address)
        ray.init(address, runtime_env={"env_vars": variables}, logging_level="ERROR", log_to_driver=False)
    except (OSError, ValueError, RuntimeError) as error:
        raise SettingError(
            "ray_address", address, f"no Ray cluster can be reached there: {first_line(error)}"
        ) from None
    except Exception as error:  # Ray has no class of its own for processes that do not start in time
        ray.shutdown()
        reason = f"Ray does not start; nothing is lost, try again: {first_line(error)}"
        raise SettingError("executor", "ray", reason) from None


def _knock(address: str) -> None:
    """Raises OSError at once where nobody listens: Ray itself would wait for minutes."""
    host, colon, port = address.rpartition(":")
    if colon and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=10).close()


def do(folder: str, data: dict[str, Any], where: str) -> tuple[str, str]:
    """Does a task in a worker of Ray; returns how it ended and why."""
    os.chdir(where)
    task, store = from_data(json.loads(json.dumps(data))), Store(Path(folder))
    group = store.group_folder(task.name)
    last = 0.0

    def watch(step: int, _: int) -> None:
        nonlocal last
        if time.monotonic() > last + 0.5:
            last = time.monotonic()
            write_whole(group / STEP_FILE, str(step))

    return execute(task, store, (group / STOP_FILE).exists, watch)
