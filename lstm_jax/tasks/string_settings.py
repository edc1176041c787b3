"""What may be chosen about strings: how long they are, which are learned from, which are tested on."""

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

from lstm_jax.settings import SettingError, check_ranges, setting
from lstm_jax.tasks.checks import check_string_task
from lstm_jax.tasks.strings import can_enumerate
from lstm_jax.tasks.task import StringTask

MOST_SYMBOLS = 2**32
"""Of all strings that are tested on together; they are held in memory."""


@dataclasses.dataclass(frozen=True)
class StringSettings:
    """Which strings there are and how they are split."""

    seq_len: int = setting(20, "symbols a string", minimum=1, maximum=10_000)
    min_seq_len: int = setting(
        0, "shortest string, at most --seq_len, lengths are then mixed; 0: all have --seq_len", minimum=0
    )
    train_size: int = setting(
        10_000,
        "distinct strings to learn from, those for --valid_size included; unless given, half of all there are at most; "
        "0: new ones at each update",
        minimum=0,
    )
    order: str = setting(
        "random", "batches drawn at random, or in turn and never reshuffled", choices=("random", "in_turn")
    )
    valid_size: int = setting(0, "strings of --train_size held out for early stopping (--patience)", minimum=0)
    test_size: int = setting(
        10_000, "unseen strings to sample where there are too many to test on all of them", minimum=1
    )

    test_seq_len: int = setting(
        0, "symbols of longer strings to test on, all prefixes included; 0: --seq_len", minimum=0, maximum=1_000_000
    )
    growth: float = setting(
        0.0,
        "curriculum: share of the updates in which strings grow to --seq_len; needs --train_size=0 or --min_seq_len "
        "below --seq_len",
        minimum=0,
        maximum=1,
    )
    skew: float = setting(
        0.0, "with --train_size=0: how unevenly each string prefers some symbols; 0: not at all", minimum=0, maximum=100
    )

    validation = "valid_size"
    question = ("seq_len", "min_seq_len", "train_size", "valid_size", "test_seq_len")

    @property
    def lengths(self) -> range:
        """The lengths that strings can have."""
        return range(self.min_seq_len or self.seq_len, self.seq_len + 1)

    @property
    def grows(self) -> bool:
        """Whether there is a curriculum: it needs strings that are shorter than others."""
        return self.growth > 0 and self._can_grow

    @property
    def _can_grow(self) -> bool:
        return self.seq_len > 1 and (not self.train_size or len(self.lengths) > 1)

    def count(self, task: StringTask) -> int:
        """How many different strings there are."""
        return sum(len(task.alphabet) ** length for length in self.lengths)

    def fitting(self, task: StringTask, chosen: Mapping[str, Any], given: Collection[str]) -> dict[str, Any]:
        """The sizes of the training set and of a batch, where they were not given and there are too few strings."""
        check_ranges(self)
        check_string_task(task, chosen)
        if not self.train_size:
            return {}
        half = max(1, self.count(task) // 2)
        train_size = self.train_size if "train_size" in given else min(self.train_size, half)
        batch_size = chosen["batch_size"]
        if "batch_size" not in given:
            batch_size = min(batch_size, max(1, train_size - self.valid_size))
        return {"train_size": train_size, "batch_size": batch_size}

    def check(self, task: StringTask) -> None:
        """Raises SettingError where a setting is out of range or contradicts another."""
        check_ranges(self)
        if self.min_seq_len > self.seq_len:
            raise SettingError("min_seq_len", self.min_seq_len, f"must not exceed --seq_len={self.seq_len}")
        total = self.count(task)
        if self.train_size >= total:
            raise SettingError("train_size", self.train_size, f"must be less than the {total} strings that there are")
        if self.valid_size and not self.train_size:
            raise SettingError("valid_size", self.valid_size, "needs a fixed set of strings: give --train_size above 0")
        if self.valid_size and self.valid_size >= self.train_size:
            raise SettingError("valid_size", self.valid_size, f"must be less than --train_size={self.train_size}")
        if self.growth and self.train_size and self.order == "in_turn":
            reason = "contradicts --order=in_turn: its batches are drawn at random, give --order=random"
            raise SettingError("growth", self.growth, reason)

    def check_network(self, chosen: Mapping[str, Any]) -> None:
        """Raises SettingError where a setting of the network or its training does not suit the strings."""
        trained = self.train_size - self.valid_size
        if self.test_seq_len:
            self._check_longer(chosen)
        if self.train_size and chosen["batch_size"] > trained:
            raise SettingError("batch_size", chosen["batch_size"], f"must not exceed the {trained} training strings")
        updates = chosen["num_steps"]
        if self.grows and not round(self.growth * updates):
            reason = (
                f"is less than one of --num_steps={updates} updates: give at least {1 / updates:.2g}, or 0 for none"
            )
            raise SettingError("growth", self.growth, reason)

    def _check_longer(self, chosen: Mapping[str, Any]) -> None:
        if self.test_seq_len <= self.seq_len:
            raise SettingError("test_seq_len", self.test_seq_len, f"must be more than --seq_len={self.seq_len}, or 0")
        if self.test_size * self.test_seq_len > MOST_SYMBOLS:
            reason = f"with --test_seq_len={self.test_seq_len} must be at most {MOST_SYMBOLS // self.test_seq_len}"
            raise SettingError("test_size", self.test_size, f"{reason}: a symbol takes a byte")
        if chosen["readout"] != "number":
            reason = f"needs --readout=number: there are classes for strings of up to {self.seq_len} symbols only"
            raise SettingError("test_seq_len", self.test_seq_len, reason)
        if chosen["bidirectional"]:
            raise SettingError("test_seq_len", self.test_seq_len, "contradicts --bidirectional: prefixes have no end")

    def without_effect(self, task: StringTask) -> dict[str, tuple[bool, str]]:
        """Whether a setting is ignored, and the reason as the end of a sentence."""
        return {
            "test_size": (
                not self.test_seq_len and can_enumerate(len(task.alphabet), self.seq_len),
                "where all unseen strings are tested",
            ),
            "order": (not self.train_size, "with --train_size=0"),
            "growth": (not self._can_grow, f"with {self._alike()}"),
            "skew": (self.train_size > 0, "with a fixed set of strings; it needs --train_size=0"),
        }

    def _alike(self) -> str:
        """Which strings cannot grow, and what it would take."""
        if self.seq_len == 1:
            return "strings of one symbol; it needs --seq_len above 1"
        return "a fixed set of strings of one length; it needs --train_size=0 or --min_seq_len below --seq_len"

    def symbols_tested(self, task: StringTask) -> int:
        """Symbols that a network reads in an evaluation; of all strings, each prefix is read once."""
        base = len(task.alphabet)
        if not self.test_seq_len and can_enumerate(base, self.seq_len):
            return 2 * base**self.seq_len * len(self.lengths)
        return self.test_size * (self.test_seq_len or self.seq_len)
