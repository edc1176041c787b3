"""What all tests share: two host devices, so that what is sharded is really split.

They run on the CPU; `JAX_PLATFORMS=cuda,cpu python -m pytest tests/recurrent` runs those of the layers on a GPU.
"""

import os
from pathlib import Path

os.environ["JAX_PLATFORMS"] = os.environ.get("JAX_PLATFORMS", "cpu")  # before JAX looks

import jax
import pytest
from hypothesis import HealthCheck, settings

# The same cases every time, and no judgement by the clock: a slow machine is not a defect.
settings.register_profile("steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")

jax.config.update("jax_num_cpu_devices", 2)

if os.environ["JAX_PLATFORMS"] != "cpu":
    # An accelerator rounds the operands of a product to ten bits or fewer unless it is told not to: what is tested is
    # whether two ways compute the same, not how far such products are from each other.
    jax.config.update("jax_default_matmul_precision", "highest")

# What one worker has compiled the others need not, nor the next run.
jax.config.update("jax_compilation_cache_dir", str(Path(__file__).parent.parent / ".pytest_cache/compiled"))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


def pytest_configure(config):
    # A program that another worker is just writing is compiled here too.
    config.addinivalue_line("filterwarnings", "ignore:Error reading persistent compilation cache entry")


@pytest.fixture
def float64():
    """Runs a test in double precision."""
    with jax.enable_x64(True):
        yield
