"""What all tests share: two host devices, so that what is sharded is really split."""

import os

os.environ["JAX_PLATFORMS"] = "cpu"  # before JAX looks

import jax
import pytest
from hypothesis import HealthCheck, settings

# The same cases every time, and no judgement by the clock: a slow machine is not a defect.
settings.register_profile("steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")

jax.config.update("jax_num_cpu_devices", 2)


@pytest.fixture
def float64():
    """Runs a test in double precision."""
    with jax.enable_x64(True):
        yield
