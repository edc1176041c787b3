"""How a batch is cut: into how many slices, and over how many devices these are spread."""

import dataclasses

import jax

from lstm_jax.recurrent.native.passes import HALF

SMALLEST_SLICE, SMALLEST_OF_THREADS = 300_000, 20_000_000
"""Multiply-adds of a time step below which a slice is not worth a device of its own, without and with threads in the
layer. Measured on two CPU devices for 24 units; by XLA, a batch of 128 takes 0.94 ms sharded and 1.0 ms on one, a batch
of 256 1.3 and 2 ms; by the kernel, which has both cores for one device, 4,096 strings of 20 symbols and 32 units 15.3
ms sharded and 11.8 on one, 32 of 32 symbols and 256 units 15.3 and 10.9, 256 of 64 symbols and 128 units 23.1 and 22.9,
512 of them 46.8 and 45.4, 128 of 128 symbols and 256 units 110 and 120 ms."""

ENOUGH_FOR_THREADS, STRINGS_FOR_THREADS = 4_000_000, 2 * HALF
"""Multiply-adds of a slice's time step, and strings, from which the layer's threads share it well, so that slices run
one after another as fast as side by side. Measured: 128 strings, 8 million, 2% faster; 2 million, 8% slower (64 units);
64 strings, 17 million (256 units), which the threads cannot divide, 4% slower (a GRU 6%)."""

CACHE, REUSED_PAGES = 3 * 2**20, 32 * 2**20
"""Bytes that stay in a core's cache, and bytes up to which the C library hands out the same pages at every update."""

SLICE_LIMITS = ((CACHE, 100), (REUSED_PAGES, 32))
"""What a slice may keep for the backward pass and the fewest strings whose products are still fast; the first pair that
can be met counts. Measured on two devices, by XLA: 1,000 strings of 20 symbols take 5.4 ms in 2 slices, 4.4 in 4 and
5.2 in 8 (24 units); 128 strings of 128 symbols 186 ms in 2 and 175 in 4 (256 units); 512 of 64 symbols 109 and 95 ms
(128). The kernel cuts a batch as its cache wants it: only the second counts (2.3, 2.6 and 2.5 ms in 1, 2 and 4 slices;
115 ms in 2 and 107 in 4)."""

WIDE = 64
"""Strings a slice that are worth reading weights that do not fit into the cache; measured for 512 units: 32 strings
take 192 ms on two devices and 152 ms on one, which has XLA's threads for itself."""


@dataclasses.dataclass(frozen=True)
class Cut:
    """A batch in equal `slices`, which at most so many `devices` compute, each as many of them as any other."""

    slices: int = 1
    devices: int = 1


def choose_cut(batch_size: int, work: int, kept: int, devices: int, *, threads: bool = False) -> Cut:
    """Into how many slices a batch is cut: one a device if that pays, more if less memory is then faster.

    Their number, which decides how sums are rounded, depends on how many devices there are, not on where they are.

    Args:
        batch_size: strings an update.
        work: multiply-adds of one string and time step.
        kept: bytes that the forward pass keeps of one string for the backward pass; 0 where there is no such cache.
        devices: how many there are.
        threads: whether the layer has threads of its own, and so every core also where it has one device.
    """
    smallest = SMALLEST_OF_THREADS if threads else SMALLEST_SLICE
    affordable = max(1, min(devices, batch_size * work // smallest))
    if kept and 4 * work > CACHE:  # weights that each slice reads from memory, symbol by symbol
        affordable = max(1, min(affordable, batch_size // WIDE))
    for_devices = max(slices for slices in range(1, affordable + 1) if batch_size % slices == 0)
    slices = _within_limits(batch_size, kept, for_devices, threads)
    strings = batch_size // slices
    in_turn = threads and strings >= STRINGS_FOR_THREADS and strings * work >= ENOUGH_FOR_THREADS
    return Cut(slices, for_devices if in_turn and jax.process_count() == 1 else devices)


def _within_limits(batch_size: int, kept: int, for_devices: int, threads: bool) -> int:
    """The fewest slices, a multiple of those for the devices, that keep as little as they should."""
    for limit, fewest_rows in SLICE_LIMITS[threads:]:
        for slices in range(for_devices, batch_size // fewest_rows + 1, for_devices):
            if batch_size % slices == 0 and batch_size // slices * kept <= limit:
                return slices
    return for_devices
