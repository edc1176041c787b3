"""The products with the hidden state's weights, by one program that has all units (`Alone`) or by several (`Team`).

What a kernel asks of either: `tile`, the units and strings that the program has; `forwards()` and `backwards()`, which
read the weights and return functions that are called once a step, with its number. The first makes of the tile's hidden
state its part in the tile's blocks, the second of the derivatives by the tile's blocks that by its hidden state.
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
from lstm_jax.recurrent.gpu.cells import NUM_BLOCKS, Blocks
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


class Alone:
    """A program that has all units of its strings: nothing is exchanged, the weights stay on its multiprocessor."""

    def __init__(self, whole: tuple[int, int], hidden: Any):
        size = filled(whole[0])
        self.tile = Tile(whole, (size, COLUMNS), (0, pallas.program_id(0) * COLUMNS))
        self._hidden, self._blocks, self._square = hidden, range(hidden.shape[0] // whole[0]), indices((size, size))

    def forwards(self) -> Callable[[Array, Array], Blocks]:
        """See the module."""
        units, inputs = self._square
        weights = [load_weights(self._hidden, block, units, inputs) for block in self._blocks]
        return lambda step, state: [product(part, state) for part in weights]

    def backwards(self) -> Callable[[Array, Blocks], Array]:
        """See the module."""
        inputs, units = self._square
        weights = [load_weights(self._hidden, block, units, inputs) for block in self._blocks]
        return lambda step, blocks: functools.reduce(jnp.add, map(product, weights, blocks))


class Meeting(NamedTuple):
    """The memory by way of which teams exchange numbers.

    Fields:
        values: what is exchanged, [2·S, H, B]; two steps' worth, so that nobody writes what others still read.
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

    def forwards(self) -> Callable[[Array, Array], Blocks]:
        """See the module."""
        rows, inputs = indices((NUM_BLOCKS * UNITS, filled(self.tile.units)))
        block = lax.div(rows, jnp.full_like(rows, UNITS))
        weights = load_weights(self._hidden, block, self._first + rows - block * UNITS, inputs)

        def multiply(step: Array, state: Array) -> Blocks:
            slot = step & 1
            self.tile.store(self._meeting.values, state, slot)
            self._meet(step)
            whole = self._all_units.load(self._meeting.values, slot)
            return jnp.split(product(weights, whole), NUM_BLOCKS)[: self._blocks]

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
