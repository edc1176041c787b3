"""What the machine can do at best: a large matrix product, on one device with all threads or split over all devices."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

from benchmarks.contestants import on_jax
from benchmarks.contestants.serve import Call, options, serve
from lstm_jax.runs import devices


def prepare(request: Mapping[str, Any], _: Mapping[str, np.ndarray]) -> Call:
    """A product of two square matrices as a function without arguments; each device has some of the rows."""
    size, dtype = request["size"], jnp.dtype(request["dtype"])
    mesh = jax.make_mesh((len(jax.devices()),), ("rows",), axis_types=(jax.sharding.AxisType.Auto,))
    rows, whole = (NamedSharding(mesh, PartitionSpec(*axes)) for axes in (("rows",), ()))
    keys = jax.random.split(jax.random.key(0))
    filled = size + -size % mesh.size  # every device has as many rows
    left = jax.device_put(jax.random.normal(keys[0], (filled, size), dtype), rows)
    right = jax.device_put(jax.random.normal(keys[1], (size, size), dtype), whole)
    product = jax.jit(jnp.matmul, out_shardings=rows)
    return lambda: jax.block_until_ready(product(left, right))


if __name__ == "__main__":
    if options()["all_devices"]:
        on_jax.use_conditions()
        devices.choose(options()["platform"])
    else:
        on_jax.use_platform()
    serve(on_jax.about(), prepare)
