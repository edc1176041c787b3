"""How a kernel's work is divided: each program has some sequences, and all units or, in a team, some of them."""

from typing import Any

import jax
import jax.numpy as jnp

from lstm_jax.axes import Array
from lstm_jax.recurrent.cells import State
from lstm_jax.recurrent.gpu.cells import NUM_BLOCKS

COLUMNS = 16
"""Sequences of a program, as few as a product takes, so that a small batch occupies more of the chip. Measured on an
NVIDIA H200, forward and backward: 1,000 sequences, 24 units, alone: 97 µs a call with 16, 138 with 32; in teams, 128
and 256 units: 434 and 1,129 µs with 16, 497 and 1,305 with 32."""

UNITS = 16
"""Units of a member of a team: with their four gates 64 rows, what the matrix units of a Hopper chip take at once. 128
and 256 units take 444 and 1,129 µs with 16, 480 and 1,243 with 32, eight warps each."""

ON_CHIP = 64 * 1024
"""Bytes of the filled-up weights of the hidden state up to which a program is alone: 64 units. Measured, forward and
backward, alone and in teams, 256 sequences of 64 time steps: 64 units 353 and 335 µs, in bfloat16 290 and 315, 128
units in bfloat16 585 and 405."""

LARGEST_TEAM = 32
"""Members, 512 units: see `products.Team`. A larger one would be faster, too: 32 sequences of 50 time steps, 1,024
units in bfloat16, forward and backward, take 727 µs in teams of 64 and 951 µs by XLA's loop."""

BESIDES = 32 * 1024
"""Bytes of shared memory that a program needs besides the weights, with some to spare."""

SHARED, MULTIPROCESSORS = 227 * 1024, 132
"""Shared memory of a multiprocessor, and how many there are, where a device does not say: those of an H100 or H200."""

HOPPER = "9.0"
"""The generation of chips for which there are teams: its matrix units read the weights where they lie, in the shared
memory; those before it want them in registers, which are too few."""


def members(hidden: Array, start: State, device: Any) -> int:
    """How many programs share the units: one, a team, or none where XLA's loop is to compute.

    There are teams where all programs have room on the chip at a time; then they take between half of the time of XLA's
    loop and as much (512 units, forward). Where they have not, 1,024 sequences of 256 units take 1,036 µs forward and
    1,959 forward and backward in teams, 585 and 1,814 by the loop; 4,096 of 128 units 397 and 1,066, 368 and 1,438.

    Args:
        hidden: the weights of the hidden state, [G·H, H].
        start: a state, [H, B].
        device: what computes.
    """
    units, batch = start.hidden.shape
    if start.hidden.dtype != jnp.float32 or not batch:
        return 0
    shared = getattr(device, "shared_memory_per_block_optin", SHARED)
    size, copies = hidden.dtype.itemsize, 2 if in_three(hidden.dtype) else 1
    together = hidden.shape[0] // units * filled(units) ** 2 * size
    if together <= ON_CHIP and together * copies <= shared - BESIDES:
        return 1
    needed = (NUM_BLOCKS * UNITS + COLUMNS) * filled(units) * size * copies
    team, teams = -(-units // UNITS), -(-batch // COLUMNS)
    room = getattr(device, "core_count", MULTIPROCESSORS) * (shared // needed)
    fits = team <= LARGEST_TEAM and team * teams <= room
    return team if fits and getattr(device, "compute_capability", None) == HOPPER else 0


def in_three(dtype: Any) -> bool:
    """Whether a kernel computes a product as the sum of three in TF32, which is as exact as float32.

    That is where float32 is asked for. The matrix units know no float32, and without them the product of 64 units takes
    682 instead of 563 µs (256 sequences of 64 time steps, forward and backward), and seconds to compile.
    """
    return dtype == jnp.float32 and jax.config.jax_default_matmul_precision in ("highest", "float32")


def filled(units: int) -> int:
    """The size to which a kernel fills up the units: a power of two, 16 at least."""
    return max(16, 1 << (units - 1).bit_length())
