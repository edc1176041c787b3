"""Chooses what JAX computes on, before JAX looks at it."""

import os

import jax

from lstm_jax.runs.config import RunConfig
from lstm_jax.settings import SettingError

VECTORS = "--xla_cpu_prefer_vector_width=512"
"""Lets XLA use the whole registers of an AVX-512 processor, which it does not by default; measured: 2-9 % faster."""

MOST_CPU_DEVICES = 32
"""More parts than this do not make a small network faster."""


def configure(config: RunConfig) -> RunConfig:
    """Chooses the devices of a run; must come before anything is computed.

    Returns:
        The run with `cpu_devices` as it is used: what was 0 is now the number of cores.

    Raises:
        SettingError: this machine lacks the platform.
    """
    return config.replace({"cpu_devices": choose(config.run.platform, config.run.cpu_devices)})


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
    cpu_devices = cpu_devices or min(len(os.sched_getaffinity(0)), MOST_CPU_DEVICES)
    jax.config.update("jax_num_cpu_devices", cpu_devices)
    if VECTORS.split("=")[0] not in os.environ.get("XLA_FLAGS", ""):
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {VECTORS}".strip()
    if platform != "auto":
        jax.config.update("jax_platforms", {"gpu": "cuda"}.get(platform, platform))
    try:
        jax.devices()
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise SettingError("platform", platform, f"is not to be had on this machine ({reason})") from None
    return cpu_devices
