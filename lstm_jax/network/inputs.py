"""What the network is shown of a symbol: fixed features, its bare number, a one-hot code, or a learned vector."""

import dataclasses
from typing import Protocol, override

import jax
import jax.numpy as jnp

from lstm_jax.axes import Array

SMALL_ALPHABET = 256
"""Up to so many symbols a vector is looked up by a product with a one-hot code: on the CPU it is faster than a gather
and, above all, than the scatter that is the gather's gradient."""

FEW_SYMBOLS = 16
"""Up to so many symbols fixed features are chosen symbol by symbol, which needs no one-hot code in memory; measured: an
update of the sign game (four symbols, 1,024 strings) takes 0.76 instead of 0.79 ms."""


class Inputs(Protocol):
    """How symbols become features."""

    @property
    def width(self) -> int:
        """D, the numbers that describe a symbol."""
        ...

    @property
    def table_shape(self) -> tuple[int, int] | None:
        """The learned table, one row a symbol, [A, D]; None where nothing is learned."""
        return None

    @property
    def tied(self) -> bool:
        """Whether the readout uses that table as its weights, too."""
        return False

    def show(self, symbols: Array, table: Array | None) -> Array:
        """Symbols [...] to features [D, ...]."""
        ...


def look_up(symbols: Array, table: Array) -> Array:
    """Rows of a table: symbols [...] and table [A, D] to [D, ...]."""
    if len(table) <= SMALL_ALPHABET:
        return jnp.tensordot(table.T, jax.nn.one_hot(symbols, len(table), axis=0, dtype=table.dtype), axes=1)
    return jnp.moveaxis(table[symbols], -1, 0)


@dataclasses.dataclass(frozen=True)
class FixedFeatures(Inputs):
    """Each symbol has features of its own, which are not learned: rows [A, D]."""

    rows: tuple[tuple[float, ...], ...]

    @property
    @override
    def width(self) -> int:
        return len(self.rows[0])

    @override
    def show(self, symbols: Array, table: Array | None) -> Array:
        rows = jnp.array(self.rows, jnp.float32)
        if len(rows) > FEW_SYMBOLS:
            return look_up(symbols, rows)
        chosen, *others = (row.reshape(-1, *[1] * symbols.ndim) for row in rows)
        for symbol, features in enumerate(others, 1):
            chosen = jnp.where(symbols == symbol, features, chosen)
        return jnp.broadcast_to(chosen, (self.width, *symbols.shape))


@dataclasses.dataclass(frozen=True)
class Code(Inputs):
    """The number of the symbol itself, as a single feature: 0, 1, 2, ..."""

    @property
    @override
    def width(self) -> int:
        return 1

    @override
    def show(self, symbols: Array, table: Array | None) -> Array:
        return symbols[None].astype(jnp.float32)


@dataclasses.dataclass(frozen=True)
class OneHot(Inputs):
    """A feature for each of A symbols: one for the symbol that is shown, zero for all others."""

    num_symbols: int

    @property
    @override
    def width(self) -> int:
        return self.num_symbols

    @override
    def show(self, symbols: Array, table: Array | None) -> Array:
        return jax.nn.one_hot(symbols, self.num_symbols, axis=0, dtype=jnp.float32)


@dataclasses.dataclass(frozen=True)
class Embedding(Inputs):
    """A learned vector of `size` numbers for each of A symbols.

    With `tied`, the readout uses the same vectors as its weights (Press and Wolf, 2017, arXiv:1608.05859).
    """

    num_symbols: int
    size: int
    tied: bool = False

    @property
    @override
    def width(self) -> int:
        return self.size

    @property
    @override
    def table_shape(self) -> tuple[int, int]:
        return self.num_symbols, self.size

    @override
    def show(self, symbols: Array, table: Array | None) -> Array:
        assert table is not None
        return look_up(symbols, table)
