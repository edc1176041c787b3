"""One point of the scaling curves, in a process of its own, because the peak of its memory is the process's.

python -m benchmarks.point '{"kind": "layer", "sizes": {"batch": 128, ...}, ...}' prints what it measured as JSON.
"""

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import lstm_jax
from benchmarks.contestants import on_jax, ours
from benchmarks.work import Shape, draw
from lstm_jax.runs import devices
from lstm_jax.runs.config import RunConfig
from lstm_jax.runs.setup import make_setup
from lstm_jax.tasks.count_bits import CountBits
from lstm_jax.training.mesh import MEMBERS
from lstm_jax.training.population import initializer, train_chunk

SECONDS, UPDATES = 0.3, 20
"""What the calls that are timed take together at least, and the updates of a population that count as one call."""


def layer(sizes: dict[str, int], settings: dict[str, Any]) -> Callable[[], Any]:
    """Loss and gradient of one layer, as in `benchmarks.peers`."""
    arrays = draw(settings["cell"], Shape(**sizes))
    return ours.prepare({"cell": settings["cell"], "pass": "both", "dtype": "float32"}, arrays)


def long(sizes: dict[str, int], settings: dict[str, Any]) -> Callable[[], Any]:
    """Loss and gradient of one layer; the loss looks at every output, so that all of them and their gradients exist."""
    arrays = draw(settings["cell"], Shape(**sizes))
    layer = ours.make_layer(settings["cell"], arrays, jnp.float32, settings["remat"])
    inputs = jnp.asarray(arrays["inputs"])

    @jax.jit
    def both(layer: Any, inputs: jax.Array) -> Any:
        return lstm_jax.value_and_grad(lambda layer, inputs: on_jax.mean_square(layer(inputs)[0]))(layer, inputs)

    return lambda: jax.block_until_ready(both(layer, inputs))


def population(sizes: dict[str, int], settings: dict[str, Any]) -> Callable[[], Any]:
    """Updates of networks that learn to count bits, all members in one program."""
    chosen = {"num_seeds": sizes["members"], "batch_size": sizes["batch"], "hidden_size": sizes["hidden"]}
    unending = {"lr_schedule": "constant"}  # other courses of the learning rate end with num_steps
    config = RunConfig(CountBits()).replace({**chosen, **unending, "cell": settings["cell"]})
    config.check()
    setup = make_setup(config)
    members = initializer(setup.program)(np.array(setup.seeds, np.uint32), setup.hyper)
    members = jax.device_put(members, setup.program.layout.sharding(MEMBERS))
    stop = 0

    def call() -> Any:
        nonlocal members, stop
        stop += UPDATES
        members = train_chunk(
            setup.program, members, setup.data, setup.hyper, setup.common, np.int32(stop), np.bool(False)
        )
        return jax.block_until_ready(members)

    return call


def idle(sizes: dict[str, int], settings: dict[str, Any]) -> Callable[[], Any]:
    """Next to nothing: what the memory of all others is compared with."""
    double = jax.jit(lambda number: 2 * number)
    return lambda: jax.block_until_ready(double(1.0))


KINDS = {"layer": layer, "long": long, "population": population, "idle": idle}


def peak_memory() -> int:
    """The most bytes that were in use at once: of the accelerator if there is one, else of this process."""
    statistics_of_device = jax.devices()[0].memory_stats()
    if statistics_of_device and "peak_bytes_in_use" in statistics_of_device:
        return statistics_of_device["peak_bytes_in_use"]
    status = Path("/proc/self/status")
    if status.exists():
        # Unlike ru_maxrss this does not begin with the peak of the process that started this one.
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        if "VmHWM" in lines:
            return int(lines["VmHWM"].split()[0]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def timed(call: Callable[[], Any], calls: int) -> float:
    """Seconds a call, the mean of several in a row."""
    started = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - started) / calls


def measure(kind: str, sizes: dict[str, int], settings: dict[str, Any]) -> dict[str, Any]:
    """Seconds a call (an update, for a population) of each repetition, and the peak of the memory in bytes."""
    call = KINDS[kind](sizes, settings)
    call()
    calls = max(1, round(SECONDS / settings["repetitions"] / timed(call, 1)))
    seconds = [timed(call, calls) for _ in range(settings["repetitions"])]
    share = UPDATES if kind == "population" else 1
    return {
        "seconds": [number / share for number in seconds],
        "median": statistics.median(seconds) / share,
        "peak_bytes": peak_memory(),
        **on_jax.about("flax", "lstm-jax"),
    }


if __name__ == "__main__":
    request = json.loads(sys.argv[1])
    devices.choose(request["settings"]["platform"])
    print(json.dumps(measure(**request)))
