"""What a task on strings must say of itself."""

from typing import Any, Protocol

from lstm_jax.axes import Array, PyTree


class StringTask(Protocol):
    """A question about a string over a small alphabet that has a right answer after every symbol.

    The right answer comes from a small automaton. It works alike on NumPy and JAX arrays of any shape, so the same
    lines label a data set and walk through the tree of all strings.
    """

    name: str
    alphabet: str
    features: tuple[tuple[float, ...], ...]
    """One row of D numbers a symbol of the alphabet: what the network is shown, [A, D]."""

    asked: str
    """What an answer is called in a table, such as `count`."""

    def published(self, length: int) -> dict[str, Any]:
        """What was published for strings of this length; empty where nothing was.

        `error`, after which `time`, by `what`; and `by_epoch`, what was reported after so many epochs.
        """
        ...

    def answer_range(self, length: int) -> tuple[int, int]:
        """The smallest and the largest answer that a string of this length can have."""
        ...

    def start(self, shape: tuple[int, ...]) -> PyTree:
        """The automaton before the first symbol, for an array of strings of this shape."""
        ...

    def advance(self, state: PyTree, symbols: Array) -> PyTree:
        """The automaton after one more symbol each (positions in the alphabet, any integer type)."""
        ...

    def answer(self, state: PyTree) -> Array:
        """The right answers (integers) in this state."""
        ...
