"""Which executor does the tasks of a sweep, and how many at a time."""

import contextlib
from collections.abc import Iterator

from lstm_jax.runs.output import speak
from lstm_jax.settings import SettingError
from lstm_jax.sweeps.executor import Executor
from lstm_jax.sweeps.local import LocalExecutor, check_platform, count_workers
from lstm_jax.sweeps.ray_cluster import RayExecutor
from lstm_jax.sweeps.settings import LOCAL_CLUSTER, SweepSettings
from lstm_jax.sweeps.store import Store


def expected_places(chosen: SweepSettings, platform: str, cpu_devices: int) -> int | None:
    """How many tasks will go on at a time, as far as that is known before there is an executor; None: it is not."""
    if chosen.executor == "ray":
        return None
    return chosen.workers or count_workers(platform, cpu_devices)


def check_devices(chosen: SweepSettings, platform: str) -> None:
    """Raises SettingError where this machine is to compute and lacks the platform; those of a cluster may have it."""
    if chosen.executor == "local" or chosen.ray_address == LOCAL_CLUSTER:
        check_platform(platform)


@contextlib.contextmanager
def open_executor(
    chosen: SweepSettings, store: Store, platform: str, cpu_devices: int
) -> Iterator[tuple[Executor, int]]:
    """Who does the tasks, and how many at a time; is closed with the block.

    Raises:
        SettingError: there is no such executor, or it has no room for a task.
    """
    if chosen.executor == "ray":
        cpus, gpus = chosen.cpus_per_group or float(cpu_devices), chosen.gpus_per_group
        with contextlib.closing(RayExecutor(store, chosen.ray_address, cpus, gpus)) as cluster:
            yield cluster, cluster.places(cpus, gpus) or _wait_for_room(chosen.ray_address, cpus, gpus)
    else:
        workers = chosen.workers or count_workers(platform, cpu_devices)
        with contextlib.closing(LocalExecutor(store, workers)) as executor:
            yield executor, workers


def _wait_for_room(address: str, cpus: float, gpus: float) -> int:
    """The one place that a growing cluster will have; this machine alone does not grow."""
    lacking = f"no machine of the cluster has {cpus:g} cores and {gpus:g} GPUs"
    if address == LOCAL_CLUSTER:
        raise SettingError("executor", "ray", f"{lacking} (--cpus_per_group, --gpus_per_group)")
    speak(f"{lacking}: waiting for one that has")
    return 1
