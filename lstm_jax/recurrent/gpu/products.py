"""The products with the hidden state's weights, by one program that has all units (`Alone`) or by several (`Team`).

What a kernel asks of either: `tile`, the units and sequences that the program has; `forwards` and `backwards`, which
read the weights and return functions that are called once a step. The first makes of the hidden state before a time
step its part in the tile's blocks (`start` is the first such state, None: zeros), the second of the derivatives by the
tile's blocks that by its hidden state.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental import pallas
from jax.experimental.pallas import triton

from lstm_jax.axes import Array
from lstm_jax.recurrent import cells
from lstm_jax.recurrent.gpu.cells import NUM_BLOCKS, Blocks, without_past
from lstm_jax.recurrent.gpu.programs import COLUMNS, UNITS, filled, in_three
from lstm_jax.recurrent.gpu.tile import Tile, indices, load_weights

LINE = 32
"""Integers of a line of the cache: each counter has one to itself."""


def product(weights: Array, columns: Array) -> Array:
    """`cells.product`; in float32, if it is asked for, as `programs.in_three` says."""
    if not in_three(weights.dtype):
        return cells.product(weights, columns)
    with jax.default_matmul_precision("TF32_TF32_F32_X3"):
        return cells.product(weights, columns)


def all_blocks(hidden: Any, count: int, first: Any) -> Array:
    """The weights with which `count` units from `first` on read all others, block by block: their product is one.

    Measured on an NVIDIA H200, forward, 100 sequences of 20 time steps, 24 units: 13.6 µs, a product a block 20.4.
    """
    rows, inputs = indices((NUM_BLOCKS * count, filled(hidden.shape[1])))
    block = lax.div(rows, jnp.full_like(rows, count))
    return load_weights(hidden, block, first + rows - block * count, inputs)


class Before(NamedTuple):
    """The moment before a time step: number of the step, time of the step before, and the sequences that begin anew."""

    step: Array
    time: Array
    reset: Array | None


class Alone:
    """A program that has all units of its sequences: nothing is exchanged, the weights stay on its multiprocessor."""

    def __init__(self, whole: tuple[int, int], hidden: Any):
        self._size = filled(whole[0])
        self.tile = Tile(whole, (self._size, COLUMNS), (0, pallas.program_id(0) * COLUMNS))
        self._hidden, self._blocks = hidden, hidden.shape[0] // whole[0]

    def forwards(self, states: Any, start: Any) -> Callable[[Before, Array], Blocks]:
        """See the module."""
        weights = all_blocks(self._hidden, self._size, 0)
        return lambda before, state: jnp.split(product(weights, state), NUM_BLOCKS)[: self._blocks]

    def backwards(self) -> Callable[[Array, Blocks], Array]:
        """See the module."""
        inputs, units = indices((self._size, self._size))
        weights = [load_weights(self._hidden, block, units, inputs) for block in range(self._blocks)]
        return lambda step, blocks: functools.reduce(jnp.add, map(product, weights, blocks))


class Meeting(NamedTuple):
    """The memory by way of which teams exchange numbers.

    Fields:
        values: what is exchanged on the way back, [B, 2·members, H]; two steps' worth, so that nobody writes what
            others still read. None on the way forward.
        counters: [1 + teams, LINE]; the first counts the programs that have begun, the others how often a member has
            come to its team's meeting. Zeros at the beginning.
    """

    values: Any
    counters: Any


class Team:
    """A member of a team: it has UNITS units and all their weights, which stay on its multiprocessor.

    At each step the members give each other what the next product needs, by way of the memory, and wait for one
    another. A member that waits occupies room on a multiprocessor, so those that it waits for must be there or still
    find room. That is why a program does not know beforehand which member it is, but takes a number when it begins: a
    team is complete before the next one begins to fill, so that all that a kernel ever has waiting for programs to come
    is one team. The 132 multiprocessors have room for four such teams of 31 of 32 members, and for one program more:
    all can go on, unless five kernels of the largest kind run side by side, each with an incomplete team.

    On the way forward that is the hidden state, which is written once, as a result: the members read it until there is
    nothing left that says that it has not been written (`tile.NOT_YET`). So each number, which is written at once, says
    for itself that it is there: neither a counter nor an order of what is written is needed, and both take time (256
    sequences of 64 time steps, 128 units: 168 µs with a counter, 143 without).

    On the way back each member multiplies the derivatives by its own blocks with its own weights, which makes a part of
    the derivatives by all units, and adds up all members' parts of its own.
    """

    def __init__(self, whole: tuple[int, int], hidden: Any, members: int, meeting: Meeting):
        number = triton.atomic_add(meeting.counters, (0, 0), 1)
        team, self._member = lax.div(number, jnp.int32(members)), lax.rem(number, jnp.int32(members))
        self._first = self._member * UNITS
        self.tile = Tile(whole, (UNITS, COLUMNS), (self._first, team * COLUMNS))
        self._all_units = Tile(whole, (filled(whole[0]), COLUMNS), (0, team * COLUMNS))
        self._hidden, self._blocks = hidden, hidden.shape[0] // whole[0]
        self._members, self._meeting, self._counter = members, meeting, (1 + team, 0)

    def forwards(self, states: Any, start: Any) -> Callable[[Before, Array], Blocks]:
        """See the module."""
        weights = all_blocks(self._hidden, UNITS, self._first)

        def multiply(before: Before, state: Array) -> Blocks:
            there = before.step > 0
            whole = self._all_units.wait_for(states, before.time, where=there)
            if start is not None:
                whole = jnp.where(there, whole, self._all_units.load(start, where=before.step == 0))
            return jnp.split(product(weights, without_past(before.reset, whole)), NUM_BLOCKS)[: self._blocks]

        return multiply

    def backwards(self) -> Callable[[Array, Blocks], Array]:
        """See the module."""
        inputs, units = indices((filled(self.tile.units), UNITS))
        weights = [load_weights(self._hidden, block, self._first + units, inputs) for block in range(self._blocks)]

        def multiply(step: Array, blocks: Blocks) -> Array:
            slot = (step & 1) * self._members
            part = functools.reduce(jnp.add, map(product, weights, blocks))
            self._all_units.store(self._meeting.values, part, slot + self._member)
            self._meet(step)
            # All are read before the first two are added.
            parts = [self.tile.load(self._meeting.values, slot + other) for other in range(self._members)]
            return functools.reduce(jnp.add, parts)

        return multiply

    def _meet(self, step: Array) -> None:
        """Waits until all members have written what they give at this step; what they wrote can be read after it."""
        counters, everybody = self._meeting.counters, self._members * (step + 1)
        triton.debug_barrier()  # all threads of this program have written
        come = triton.atomic_add(counters, self._counter, 1) + 1
        lax.while_loop(lambda come: come < everybody, lambda _: triton.atomic_add(counters, self._counter, 0), come)
