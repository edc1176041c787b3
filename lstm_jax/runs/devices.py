"""Chooses what JAX computes on, before JAX looks at it: which platform, how many devices, which processes."""

import ctypes
import os
import sys

import jax

from lstm_jax.recurrent.native import build
from lstm_jax.runs import compiled, processes
from lstm_jax.runs.config import RunConfig, describe_difference
from lstm_jax.settings import SettingError
from lstm_jax.training.mesh import on_cpu

VECTORS = "--xla_cpu_prefer_vector_width=512"
"""Lets XLA use the whole registers of an AVX-512 processor, which it does not by default; measured: 2-9% faster."""

PIECE, KEPT = 1 << 26, 1 << 28
MALLOC = {"MALLOC_TRIM_THRESHOLD_": (-1, KEPT), "MALLOC_MMAP_THRESHOLD_": (-3, PIECE), "MALLOC_ARENA_MAX": (-8, 1)}
"""Has the GNU C library keep freed memory, pieces of up to 64 MiB and 256 MiB in all, by what it calls so in the
environment and in `mallopt`.

By default what XLA frees at the end of a program is given back to the system, and comes page by page in the next: kept
instead, an LSTM of 128 units takes 30 instead of 35 ms forward and backward (256 strings of 64 symbols), and one of 512
units 84 instead of 89 ms (32 strings of 100). Pieces of a gigabyte are no faster there and can hold much memory: 1,024
symbols of 128 strings, 64 units, take 71 instead of 91 ms with them, and 415 to 800 MiB instead of 222. Where 64 MiB
were kept in all, some went back now and then: the 256 strings took 24.8 ms in the mean, and take 23.4."""

MOST_CPU_DEVICES = 32
"""More parts than this do not make a small network faster."""


def configure(config: RunConfig) -> RunConfig:
    """Chooses the devices of a run, and finds what was compiled for them; must come before anything is computed.

    Returns:
        The run with `cpu_devices` as it is used: what was 0 is now the number of cores; on the CPU those of all
        processes together, since their number alone decides how a run is rounded.

    Raises:
        SettingError: this machine lacks the platform, or another process was started with other settings.
    """
    config = config.replace({"cpu_devices": choose(config.run.platform, config.run.cpu_devices)})
    compiled.reuse()
    if on_cpu() and processes.is_first() and (outlook := build.outlook()):
        print(outlook, file=sys.stderr, flush=True)
    check_same(config)
    return config.replace({"cpu_devices": jax.device_count()}) if on_cpu() else config


def choose(platform: str, cpu_devices: int = 0) -> int:
    """Sets the platform and, on the CPU, one host device a core; must come before anything is computed.

    Args:
        platform: `auto`, `cpu`, `gpu` or `tpu`.
        cpu_devices: parts into which JAX divides the processor; 0: one a core.

    Returns:
        The parts into which the processor is divided.

    Raises:
        SettingError: this machine lacks the platform.
    """
    cpu_devices = cpu_devices or min(build.count_cores(), MOST_CPU_DEVICES)
    jax.config.update("jax_num_cpu_devices", cpu_devices)
    if VECTORS.split("=")[0] not in os.environ.get("XLA_FLAGS", ""):
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {VECTORS}".strip()
    _keep_freed_memory()
    if platform != "auto":
        jax.config.update("jax_platforms", {"gpu": "cuda"}.get(platform, platform))
    try:
        jax.devices()
    except (RuntimeError, AssertionError) as error:  # the latter, without a word, where JAX sees no GPU at all
        reason = (str(error).splitlines() or ["JAX sees none"])[0]
        raise SettingError("platform", platform, f"is not to be had on this machine ({reason})") from None
    return cpu_devices


def _keep_freed_memory() -> None:
    """Where the C library is GNU's, and nobody has told it otherwise."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt and not any(name in os.environ for name in MALLOC):
        for parameter, value in MALLOC.values():
            mallopt(parameter, value)


def check_same(config: RunConfig) -> None:
    """Checks that all processes of a run were started with the same settings.

    Raises:
        SettingError: in every process, names the first that was not.
    """
    settings = processes.exchange({"experiment": config.task.name, **config.settings(identity_only=True)})
    for number, others in enumerate(settings):
        difference = describe_difference(others, settings[0])
        if difference:
            raise SettingError("process_id", number, f"was started with other settings than 0: {difference}")
