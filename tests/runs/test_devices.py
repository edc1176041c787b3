"""What is chosen before anything is computed, in processes of their own."""

import os
import platform
import subprocess
import sys

import pytest

from lstm_jax.runs import devices

PAGES = """
import resource
from lstm_jax.runs import devices
devices.choose("cpu")
import jax, jax.numpy as jnp
add, many = jax.jit(lambda x: x + 1), jnp.zeros(1 << 22)

def count_new_pages():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    add(many).block_until_ready()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

print(min(count_new_pages() for _ in range(40)))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not GNU's")
@pytest.mark.parametrize("told_otherwise", [False, True])
def test_freed_memory_is_kept_unless_the_user_says_otherwise(told_otherwise):
    environment = {name: value for name, value in os.environ.items() if name not in devices.MALLOC}
    if told_otherwise:
        environment["MALLOC_TRIM_THRESHOLD_"] = str(1 << 17)
    done = subprocess.run([sys.executable, "-c", PAGES], env=environment, capture_output=True, text=True, check=True)
    large_pages = (1 << 24) // (1 << 21)  # of one result; usually pages are smaller, and more
    assert (int(done.stdout) >= large_pages) == told_otherwise
