"""Joins the processes of one run, before JAX looks at its devices."""

import concurrent.futures
import importlib.util
import os
import re
import sys
import warnings
from typing import Any

import jax

from lstm_jax.runs.faults import whole_line
from lstm_jax.settings import SettingError

PATIENCE = 5.0
"""Seconds after which somebody who waits for the other processes is told so."""

BY_HAND = "give --coordinator_address, --num_processes and --process_id"
"""What works wherever the processes can reach each other."""


def join(address: str | None, count: int | None, number: int | None) -> None:
    """Makes this process one of several, if it was told to be or if JAX finds a cluster around it.

    Args:
        address: HOST:PORT at which process 0 waits for the others.
        count: how many processes there are.
        number: which one this is, from 0.

    Raises:
        SettingError: some of these are given and some are not, or one is wrong; the others cannot be reached.
    """
    if (address, count, number) == (None, None, None):
        if _is_one_of_several():
            _find_cluster()
        return
    _check(address, count, number)
    try:
        _initialize(f"{count} processes at {address}", address, count, number)
    except Exception as error:  # JAX asks the surroundings nevertheless, and they fail in their own ways
        raise SettingError("coordinator_address", address, f"cannot be used ({whole_line(error)})") from None


def _check(address: str | None, count: int | None, number: int | None) -> None:
    given = {"coordinator_address": address, "num_processes": count, "process_id": number}
    missing = " and ".join(f"--{name}" for name, value in given.items() if value is None)
    if missing:
        name = next(name for name, value in given.items() if value is not None)
        raise SettingError(name, given[name], f"needs {missing} as well")
    assert address is not None and count is not None and number is not None
    if not re.fullmatch(r"(\[[^\]]+\]|[^:]+):\d{1,5}", address) or not 0 < int(address.rpartition(":")[2]) < 2**16:
        raise SettingError("coordinator_address", address, "must be HOST:PORT, such as host0:12345")
    if count < 1:
        raise SettingError("num_processes", count, "must be an integer of at least 1")
    if not 0 <= number < count:
        raise SettingError("process_id", number, f"must be an integer from 0 to {count - 1}")


def _is_one_of_several() -> bool:
    """Whether it is worth asking JAX for a cluster: not where the surroundings say that this process is alone."""
    if os.environ.get("OMPI_COMM_WORLD_SIZE", "1") != "1":
        return True  # whoever gave the machines: mpirun is at most one task a node to Slurm
    if "SLURM_JOB_ID" in os.environ:
        # Not SLURM_NTASKS: in a shell inside an allocation that is the number of tasks that one could start.
        return int(os.environ.get("SLURM_STEP_NUM_TASKS", "1")) > 1
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        return "JOB_COMPLETION_INDEX" in os.environ
    return os.environ.get("OMPI_COMM_WORLD_SIZE") != "1"


def _is_named() -> bool:
    """Whether the surroundings themselves say that there are others: then to go on alone would be wrong."""
    size = os.environ.get("OMPI_COMM_WORLD_SIZE", "1")
    return size != "1" or "SLURM_JOB_ID" in os.environ or "KUBERNETES_SERVICE_HOST" in os.environ


def _find_cluster() -> None:
    try:
        _initialize("the processes of this cluster")
    except Exception as error:  # a ConfigException, a KeyError, ...: whatever the package that asks the cluster raises
        if "coordinator_address" in str(error) and not _is_named():
            return  # JAX knows of no cluster here
        advice = f"{_missing_package(error)}{BY_HAND}"
        message = f"the processes of this cluster cannot be found: {advice} ({whole_line(error)})"
        raise SettingError("num_processes", "unset", message) from None


def _missing_package(error: Exception) -> str:
    """What to install, as the beginning of a piece of advice; empty where nothing is known to be missing."""
    if isinstance(error, ImportError) and error.name and error.name.partition(".")[0] != "kubernetes":
        return f"install the package {error.name}, or "
    # Without it JAX does not even look for the other pods, and says no more than that it has no address.
    if "KUBERNETES_SERVICE_HOST" in os.environ and importlib.util.find_spec("kubernetes") is None:
        return 'install the package kubernetes (pip install "jax[k8s]"), or '
    return ""


def _initialize(others: str, address: str | None = None, count: int | None = None, number: int | None = None) -> None:
    # It would take SIGTERM for itself; a run has its own way to end.
    jax.config.update("jax_enable_preemption_service", False)
    # Not in this thread: it would not hear Ctrl-C while it waits.
    with concurrent.futures.ThreadPoolExecutor(1) as pool, warnings.catch_warnings():
        # What it warns of in several lines is an error of one line here, or does not matter.
        warnings.filterwarnings("ignore", "\\s*Kubernetes environment detected")
        done = pool.submit(jax.distributed.initialize, address, count, number, **_detection(address))
        if concurrent.futures.wait([done], PATIENCE).not_done:
            print(f"waiting for {others}", file=sys.stderr, flush=True)
        done.result()


def _detection(address: str | None) -> dict[str, Any]:
    """How JAX looks for a cluster: to whom all is said, Kubernetes has nothing to add, but may refuse to be asked.

    Slurm and Open MPI have: the local number, which decides which GPU a process has.
    """
    local_numbers = "SLURM_JOB_ID" in os.environ or "OMPI_COMM_WORLD_SIZE" in os.environ
    told = address is not None and "KUBERNETES_SERVICE_HOST" in os.environ and not local_numbers
    return {"cluster_detection_method": "deactivate"} if told else {}
