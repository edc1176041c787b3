"""Which device does what: members of a population, and slices of each batch.

A batch is cut into `slices` whose gradients are averaged. How many there are depends on the batch and the machine,
never on the number of members; whether they are computed side by side on several devices or one after another on one
changes nothing in the numbers. So a member of a population equals the run with its seed alone.
"""

import dataclasses
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec, Sharding

from lstm_jax.axes import Array, PyTree
from lstm_jax.recurrent.sequences import check_integer

MEMBERS, BATCH, COPIES = "members", "batch", "copies"

SMALLEST_SLICE, SMALLEST_OF_THREADS = 300_000, 4_000_000
"""Multiply-adds of a time step below which a slice is not worth a device of its own, without and with threads in the
layer. Measured on two CPU devices for 24 units; by XLA, a batch of 128 takes 0.94 ms sharded and 1.0 ms on one, a batch
of 256 1.3 and 2 ms; by the kernel, which has both cores for one device, a batch of 1,000 takes 2.5 ms sharded and 2.3
on one, 256 strings of 64 symbols and 128 units 22 ms either way, 128 of 128 symbols and 256 units 99 and 108 ms."""

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
class Layout:
    """How work is spread: `member_devices` times `batch_devices` devices, each batch in `slices` pieces."""

    members: int
    member_devices: int = 1
    batch_devices: int = 1
    slices: int = 1
    mapping: str = "map"

    @property
    def padded_members(self) -> int:
        """Members with the ones that only fill up: every device has as many as any other."""
        return -(-self.members // self.member_devices) * self.member_devices

    @property
    def mesh(self) -> Mesh:
        """The devices, [copies, members, batch]."""
        return _mesh(self.member_devices, self.batch_devices)

    def sharding(self, *axes: str | None) -> NamedSharding:
        """Where an array lies whose axes are split in this way."""
        return NamedSharding(self.mesh, PartitionSpec(*axes))


@functools.cache
def _mesh(members: int, batch: int) -> Mesh:
    processes = range(jax.process_count())
    each = max(1, members * batch // len(processes))
    devices = [device for process in processes for device in jax.local_devices(process_index=process)[:each]]
    return Mesh(np.array(devices).reshape(-1, members, batch), (COPIES, MEMBERS, BATCH))


def fits(count: int) -> bool:
    """Whether so many devices can be as many of each process, or else each process can compute the same on one.

    A process that has no part in a program could not read what comes out. In a run of one process any number fits.
    """
    return count % jax.process_count() == 0 or jax.process_count() % count == 0


def count_devices(most: int | None = None) -> int:
    """How many devices there are, if each process uses as many as any other; no more than `most`, if that is given.

    Raises:
        ValueError: `most` is no number of devices.
    """
    if most is not None:
        check_integer("num_devices (None: all there are)", most, 1)
    processes = range(jax.process_count())
    there = len(processes) * min(len(jax.local_devices(process_index=process)) for process in processes)
    return there if most is None else min(most, there)


def choose_slices(batch_size: int, work: int, kept: int, devices: int, *, threads: bool = False) -> int:
    """Into how many equal slices a batch is cut: one a device if that pays, more if less memory is then faster.

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
    for limit, fewest_rows in SLICE_LIMITS[threads:]:
        for slices in range(for_devices, batch_size // fewest_rows + 1, for_devices):
            if batch_size % slices == 0 and batch_size // slices * kept <= limit:
                return slices
    return for_devices


def plan_layout(members: int, slices: int, devices: int, backend: str) -> Layout:
    """Spreads members over the devices first, and what devices are left over slices of the batch.

    In a run of several processes more members than asked for may be the way to give all of them as much to do.

    On the CPU the members of one device run one after another (a loop), on accelerators side by side
    (`jax.vmap`): measured on an AMD EPYC, 32 members of 24 units take 2.0 ms each mapped and 6.8 ms each vectorised; on
    an NVIDIA H200 an update of all 32 takes 4.0 ms mapped and 0.8 ms vectorised.
    """
    member_devices, batch_devices = next(
        (wide, deep)
        for wide in range(min(members, devices), devices + 1)
        for deep in range(devices // wide, 0, -1)
        if slices % deep == 0 and fits(wide * deep)
    )
    return Layout(members, member_devices, batch_devices, slices, "map" if backend == "cpu" else "vmap")


def opaque(count: int) -> Array:
    """A number of repetitions that the compiler does not see.

    A loop that runs once would be dissolved into its surroundings and rounded in another way than one that runs twice;
    then a member of a population would differ from its run alone.
    """
    return jax.lax.optimization_barrier(jnp.int32(count))


def on_cpu() -> bool:
    """Whether arrays are computed on a CPU."""
    return jax.default_backend() == "cpu"


def batch_mesh(pieces: int = 0, most: int | None = None) -> Mesh:
    """The devices along the batch axis: of `most` or all that there are, as many as divide `pieces` (0: any number)."""
    counts = range(1, count_devices(most) + 1)
    return _mesh(1, max(count for count in counts if pieces % count == 0 and fits(count)))


def place(tree: PyTree, sharding: Sharding) -> PyTree:
    """Puts arrays onto devices; those that lie on this host must be the same in every process."""
    if sharding.is_fully_addressable:
        return jax.device_put(tree, sharding)

    def put(leaf: Array) -> Array:
        if isinstance(leaf, jax.Array) and not leaf.is_fully_addressable:
            return jax.device_put(leaf, sharding)
        # Not jax.device_put: it compares the values of all processes, and NaN with NaN as different.
        return jax.make_array_from_callback(leaf.shape, sharding, lambda index: leaf[index])

    return jax.tree.map(put, tree)


def whole(tree: PyTree) -> PyTree:
    """The arrays of a tree as this host can read them: gathered, if other processes have parts of them."""
    if jax.process_count() == 1:
        return tree
    leaves, structure = jax.tree.flatten(tree)
    elsewhere = [number for number, leaf in enumerate(leaves) if _has_parts_elsewhere(leaf)]
    if elsewhere:
        parts = [leaves[number] for number in elsewhere]
        for number, leaf in zip(elsewhere, _gather(parts[0].sharding.mesh)(parts), strict=True):
            leaves[number] = leaf
    return jax.tree.unflatten(structure, [_readable(leaf) for leaf in leaves])


def _has_parts_elsewhere(leaf: Array) -> bool:
    return isinstance(leaf, jax.Array) and not leaf.is_fully_addressable and not leaf.is_fully_replicated


def _readable(leaf: Array) -> Array:
    return np.asarray(leaf) if isinstance(leaf, jax.Array) and not leaf.is_fully_addressable else leaf


@functools.cache
def _gather(mesh: Mesh) -> Callable[[list[Array]], list[jax.Array]]:
    return jax.jit(lambda leaves: leaves, out_shardings=NamedSharding(mesh, PartitionSpec()))
