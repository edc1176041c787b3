"""Flags that say which process of a run this is, where several train one run together."""

import sys

from absl import flags

from experiments import parsers
from lstm_jax.runs import cluster
from lstm_jax.settings import SettingError

FLAGS: dict[str, tuple[type, str]] = {
    "coordinator_address": (
        str,
        "HOST:PORT at which process 0 waits for the others, where several processes train one run; "
        "default: what JAX learns from Slurm, Kubernetes, Open MPI or a TPU pod, and otherwise one process",
    ),
    "num_processes": (int, "how many processes train the run, with --coordinator_address"),
    "process_id": (
        int,
        "which of them this is, from 0, with --coordinator_address; process 0 keeps the folder and speaks",
    ),
}


def define() -> None:
    """Defines them."""
    for name, (kind, text) in FLAGS.items():
        flags.DEFINE(parsers.explaining(kind, "an integer"), name, None, text, module_name=sys.argv[0])


def join() -> None:
    """Makes this process one of several, as the flags or its surroundings say; before anything touches the devices.

    Raises:
        SettingError: the flags cannot be used, or the other processes not be reached.
    """
    cluster.join(*(flags.FLAGS[name].value for name in FLAGS))


def refuse(name: str, value: str) -> None:
    """Raises SettingError if this process is told to be one of several: what flag `name` asks for, one does alone."""
    given = [f"--{flag}" for flag in FLAGS if flags.FLAGS[flag].value is not None]
    if given:
        raise SettingError(name, value, f"is done by one process; leave out {', '.join(given)}")
