"""Stands for Pallas on a CPU: the programs of a kernel as threads, which can wait for one another.

`interpret` runs them one after another, so that a program that waits for the next one would wait for ever.
"""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np


class Reference:
    """An array in the memory that all programs share; `reference.at[index]` is a place in it."""

    def __init__(self, array, index=()):
        self.array, self.shape, self.dtype = array, array.shape, array.dtype
        self.index = np.broadcast_arrays(*index)

    @property
    def at(self):
        return self

    def __getitem__(self, index):
        return Reference(self.array, index if isinstance(index, tuple) else (index,))


class Threads:
    """Has what `gpu.kernels` and those below it take of `pallas` and of `pallas.triton`.

    Results hold no numbers at first, so that one which is not written, or read too early, shows. The first program is
    slower than the others, who are far ahead if they do not wait for it.
    """

    CompilerParams = dict

    def __init__(self):
        self.lock, self.failed, self.place = threading.Lock(), threading.Event(), threading.local()

    def pallas_call(self, kernel, results, *, grid, input_output_aliases, compiler_params, interpret):
        assert not interpret

        def run(*arrays):
            inputs = jax.tree.map(lambda leaf: Reference(np.array(leaf)), arrays)
            empty = [
                Reference(np.full(leaf.shape, -1 if leaf.dtype == jnp.int32 else np.nan, leaf.dtype))
                for leaf in jax.tree.leaves(results)
            ]
            for source, target in input_output_aliases.items():
                empty[target] = jax.tree.leaves(inputs)[source]
            outputs = jax.tree.unflatten(jax.tree.structure(results), empty)
            self._go(kernel, grid[0], (*inputs, *outputs))
            return jax.tree.map(lambda leaf: jnp.asarray(leaf.array), outputs)

        return run

    def _go(self, kernel, programs, references):
        precise, device = jax.config.jax_enable_x64, jax.local_devices(backend="cpu")[0]

        def program(number):
            self.place.is_slow = number == 0
            try:
                with jax.enable_x64(precise), jax.default_device(device), jax.disable_jit():
                    kernel(*references)
            except BaseException:
                self.failed.set()
                raise

        with ThreadPoolExecutor(programs) as pool:
            list(pool.map(program, range(programs)))

    def load(self, place, *, mask, other, volatile=False):
        if self.failed.is_set():
            raise RuntimeError("another program has failed")
        time.sleep(0.01 if self.place.is_slow else 0)  # the others' turn
        mask = np.asarray(mask)
        found = np.full(mask.shape, other, place.dtype)
        found[mask] = place.array[tuple(part[mask] for part in place.index)]
        return jnp.asarray(found)

    def store(self, place, value, *, mask):
        mask = np.asarray(mask)
        place.array[tuple(part[mask] for part in place.index)] = np.asarray(value)[mask]

    def atomic_add(self, reference, index, value):
        if self.failed.is_set():
            raise RuntimeError("another program has failed")
        time.sleep(0)  # the others' turn
        with self.lock:
            before = int(reference.array[index])
            reference.array[index] += value
        return jnp.int32(before)

    def debug_barrier(self):
        """A program is one thread here, and so need not wait for its own."""
