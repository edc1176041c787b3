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
    """Sets the platform and, on the CPU, one host device a core; must come before anything is computed.

    Returns:
        The run with `cpu_devices` as it is used: what was 0 is now the number of cores.

    Raises:
        SettingError: this machine lacks the platform.
    """
    platform, devices = config.run.platform, config.run.cpu_devices
    devices = devices or min(len(os.sched_getaffinity(0)), MOST_CPU_DEVICES)
    jax.config.update("jax_num_cpu_devices", devices)
    if VECTORS.split("=")[0] not in os.environ.get("XLA_FLAGS", ""):
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {VECTORS}".strip()
    if platform != "auto":
        jax.config.update("jax_platforms", {"gpu": "cuda"}.get(platform, platform))
    try:
        jax.devices()
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise SettingError("platform", platform, f"is not to be had on this machine ({reason})") from None
    return config.replace({"cpu_devices": devices})
