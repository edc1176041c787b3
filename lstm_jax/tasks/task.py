"""What a task must say of itself; `tasks.checks` looks whether it does."""

from collections.abc import Collection, Mapping
from typing import Any, Protocol

from lstm_jax.axes import Array, PyTree


class Task(Protocol):
    """A question that a network is asked."""

    @property
    def name(self) -> str:
        """The experiment's name."""
        ...

    @property
    def recipe(self) -> Mapping[str, Any]:
        """The settings of the tutorial that the published figures belong to, where they are not the defaults."""
        ...

    @property
    def variants(self) -> Mapping[str, tuple[Any, ...]]:
        """Other values of settings for which figures were published as well, by name."""
        ...

    def published(self, chosen: Mapping[str, Any]) -> dict[str, Any]:
        """What was published of the recipe, or of that of its variants which is `chosen` among all settings.

        `error`, after which `time`, by `what`; `by_epoch`, what was reached after so many epochs, in words, and
        `curve`, the same as numbers; `squared_error`, the mean over unseen strings. Of a text also `accuracy`, from ...
        to, while training, over the last 1,000 of `iterations`, and `loss` over the same; `windows`, both over 1,000
        earlier ones. `seconds`: what the tutorial's own program takes under TensorFlow 2.21 on two cores of an AMD
        EPYC (Zen 5), measured for this project.
        """
        ...


class DataSettings(Protocol):
    """A frozen section of settings: what there is to learn from."""

    @property
    def seq_len(self) -> int:
        """T, symbols of a string, or of context in a text."""
        ...

    @property
    def question(self) -> tuple[str, ...]:
        """The settings that decide what there is to know: where they differ, errors cannot be compared."""
        ...

    @property
    def validation(self) -> str:
        """The setting that holds something out for early stopping."""
        ...

    def fitting(self, task: Any, chosen: Mapping[str, Any], given: Collection[str]) -> dict[str, Any]:
        """Settings that were not `given` by hand, where others demand another value of them; `chosen`: all settings."""
        ...

    def check(self, task: Any) -> None:
        """Raises SettingError where a setting is out of range or contradicts another or the task."""
        ...

    def check_network(self, chosen: Mapping[str, Any]) -> None:
        """Raises SettingError where a setting of the network or its training does not suit; `chosen`: all settings."""
        ...

    def without_effect(self, task: Any) -> dict[str, tuple[bool, str]]:
        """Settings, whether they are ignored, and the reason as the end of a sentence."""
        ...

    def symbols_tested(self, task: Any) -> int:
        """Symbols that a network reads in an evaluation, as far as settings tell: to foretell how long it takes."""
        ...


class StringTask(Task, Protocol):
    """A question about a string over a small alphabet that has a right answer after every symbol.

    The right answer comes from a small automaton. It works alike on NumPy and JAX arrays of any shape, so the same
    lines label a data set and walk through the tree of all strings.
    """

    @property
    def asked(self) -> str:
        """What an answer is called in a table, such as `count`."""
        ...

    @property
    def alphabet(self) -> str:
        """The symbols."""
        ...

    @property
    def features(self) -> tuple[tuple[float, ...], ...]:
        """One row of D numbers a symbol of the alphabet: what the network is shown, [A, D]."""
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
