"""What may be chosen about a text: its symbols, how they are shown, which parts are learned from."""

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

from lstm_jax.settings import SettingError, check_ranges, setting
from lstm_jax.tasks.checks import check_task
from lstm_jax.tasks.task import Task
from lstm_jax.tasks.vocabulary import UNITS

ORDERS = ("random", "in_turn", "sliding")

INPUTS = ("embedding", "code", "one_hot")


@dataclasses.dataclass(frozen=True)
class TextSettings:
    """Which text there is, what its symbols are, and how it is learned from."""

    text_file: str = setting(
        "", "text to learn from, in UTF-8; without it the fable that comes with the package", identity=False
    )
    tokens: str = setting("words", "what is predicted: words (between white space) or characters", choices=UNITS)
    lowercase: bool = setting(False, "turn upper case into lower case first")
    min_count: int = setting(1, "symbols that occur less often become one, <unk>", minimum=1)
    seq_len: int = setting(
        3,
        "symbols of context from which the next one is predicted; with --stateful: symbols of each stream an update",
        minimum=1,
        maximum=10_000,
    )
    held_out: float = setting(
        0.0, "share of the text, at its end, that is not learned from but tested on", minimum=0, maximum=0.5
    )
    valid_share: float = setting(
        0.0, "share of the text, before what --held_out takes, for early stopping (--patience)", minimum=0, maximum=0.5
    )
    test_size: int = setting(
        20_000, "windows to test on, spaced evenly, where there are more", minimum=1, maximum=10_000_000
    )
    order: str = setting(
        "random",
        "windows drawn at random; all in turn; or sliding: each begins where the one before and its answer end, and "
        "after the last one of the text somewhere in the first --seq_len + 2 places",
        choices=ORDERS,
    )
    stateful: bool = setting(
        False, "read --batch_size parts of the text side by side, the state carried on from chunk to chunk"
    )

    input: str = setting(
        "embedding", "what a symbol is shown as: a learned vector, its bare number, or a one-hot code", choices=INPUTS
    )
    embedding_size: int = setting(0, "numbers a learned vector has; 0: --hidden_size", minimum=0, maximum=65_536)
    tied_weights: bool = setting(False, "use the learned vectors as the weights of the readout, too")
    num_sampled: int = setting(
        0, "learn by comparison with so many wrong answers, for large vocabularies; 0: with all", minimum=0
    )
    text_sha256: str = setting("", "checksum of the text", flag=False)

    validation = "valid_share"
    question = ("text_file", "tokens", "lowercase", "min_count", "seq_len", "held_out", "valid_share", "stateful")

    def fitting(self, task: Task, chosen: Mapping[str, Any], given: Collection[str]) -> dict[str, Any]:
        """Streams are learned from after every symbol, unless something else was given."""
        check_task(task, chosen)
        return {"supervise": "every_step"} if self.stateful and "supervise" not in given else {}

    def check(self, task: object) -> None:
        """Raises SettingError where a setting is out of range or contradicts another."""
        check_ranges(self)
        if self.stateful and self.order == "sliding":
            raise SettingError("order", self.order, "contradicts --stateful, which reads each part from end to end")
        if self.tied_weights and self.input != "embedding":
            raise SettingError("tied_weights", "true", f"needs --input=embedding, not {self.input}")

    def check_network(self, chosen: Mapping[str, Any]) -> None:
        """Raises SettingError where a setting of the network or its training does not suit a text."""
        if chosen["readout"] != "class":
            raise SettingError("readout", chosen["readout"], "must be class: a symbol is not a number")
        if self.stateful and chosen["supervise"] != "every_step":
            raise SettingError(
                "supervise", chosen["supervise"], "must be every_step with --stateful, which shows a symbol once"
            )
        if self.stateful and chosen["bidirectional"]:
            raise SettingError("bidirectional", "true", "contradicts --stateful: a text is read in one direction")
        if self.tied_weights and self.embedding_size not in (0, chosen["hidden_size"]):
            raise SettingError(
                "embedding_size",
                self.embedding_size,
                f"must be --hidden_size={chosen['hidden_size']} if weights are tied",
            )
        if self.tied_weights and chosen["bidirectional"]:
            raise SettingError("tied_weights", "true", "contradicts --bidirectional, whose readout is twice as wide")

    def without_effect(self, task: object) -> dict[str, tuple[bool, str]]:
        """Whether a setting is ignored, and the reason as the end of a sentence."""
        return {
            "order": (self.stateful, "with --stateful, which reads each part from end to end"),
            "test_size": (self.stateful, "with --stateful, which tests on a text from end to end"),
            "embedding_size": (self.input != "embedding", f"with --input={self.input}"),
        }

    def symbols_tested(self, task: object) -> int:
        """Symbols that a network reads in an evaluation, where the text has enough of them."""
        return self.test_size * self.seq_len
