"""What is reproduced: each paper preset, and what was published of it."""

import dataclasses
from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from experiments import count_bits, next_word, sign_sum
from lstm_jax.runs.config import RunConfig
from lstm_jax.runs.published import published
from lstm_jax.settings import Value
from lstm_jax.tasks.next_word import NextWord
from lstm_jax.tasks.string_settings import StringSettings

EXPERIMENTS = {module.BASE.task.name: module for module in (count_bits, sign_sum, next_word)}


@dataclasses.dataclass(frozen=True)
class Claim:
    """One published figure.

    Args:
        what: in words, with the moment at which it holds.
        quantity: `error`, `accuracy` (shares, 0..1) or `loss` after an update, `seconds` of a whole run, or how many
            `times` as fast as the tutorial's own program it is.
        figures: what was published, from the worst to the best; one figure, or the ends of a range.
        step: the update after which it holds.
    """

    what: str
    quantity: str
    figures: tuple[float, ...]
    step: int

    @property
    def more_is_better(self) -> bool:
        """Whether a larger number is the better one."""
        return self.quantity in ("accuracy", "times")


@dataclasses.dataclass(frozen=True)
class Case:
    """One paper preset.

    Args:
        name: as in --only.
        experiment: which of the experiments.
        settings: what it is run with besides the preset.
        faster: how many times as fast as the tutorial's own program a run of one seed is meant to be.
        times_as_fast: how many times as fast it was, measured in turn with that program; where it was not, wall time
            is compared with what was measured elsewhere, see `published`.
    """

    name: str
    experiment: str
    settings: Mapping[str, Value] = dataclasses.field(default_factory=dict)
    faster: float = 3.0
    times_as_fast: tuple[float, ...] = ()

    @property
    def config(self) -> RunConfig:
        """All settings of the run."""
        module = EXPERIMENTS[self.experiment]
        return module.BASE.replace(dict(module.PRESETS["paper"])).replace(dict(self.settings))

    @property
    def split(self) -> str:
        """Which lines of metrics.jsonl the figures are compared with: those of unseen strings, or of training."""
        return "train" if isinstance(self.config.task, NextWord) else "test"

    @property
    def published(self) -> dict[str, Any]:
        """What was published of it."""
        return published(self.config)

    def updates(self, epoch: int) -> int:
        """After how many updates an epoch ends."""
        strings = cast(StringSettings, self.config.data).train_size
        return epoch * strings // self.config.training.batch_size

    @property
    def claims(self) -> list[Claim]:
        """Each published figure."""
        known = self.published
        claims = self._curve(known.get("curve", {}), "error on unseen strings", "error")
        claims += self._curve(known.get("squared_error", {}), "squared error of an unseen string", "loss")
        for step, figures in known.get("windows", {}).items():
            claims += self._window(step, figures)
        if "iterations" in known:
            claims += self._window(known["iterations"], known)
        if self.times_as_fast:
            what = "times as fast as the tutorial's own program, in turn with it"
            return [*claims, Claim(what, "times", (self.faster,), self.config.training.num_steps)]
        if "seconds" not in known:
            return claims
        what = f"wall time of one run{f', published: {known["time"]}' if 'time' in known else ''}"
        return [*claims, Claim(what, "seconds", (known["seconds"],), self.config.training.num_steps)]

    def _curve(self, curve: Mapping[int, float], what: str, quantity: str) -> list[Claim]:
        """What was published by epoch."""
        return [
            Claim(f"{what}, epoch {epoch:,}", quantity, (figure,), self.updates(epoch))
            for epoch, figure in curve.items()
        ]

    def _window(self, step: int, figures: Mapping[str, Any]) -> list[Claim]:
        """What was published of the updates before this one."""
        every = self.config.run.log_every
        claims = []
        for quantity in ("accuracy", "loss"):
            if quantity in figures:
                what = f"{quantity} while training, updates {step - every + 1:,} to {step:,}"
                claims.append(Claim(what, quantity, tuple(np.atleast_1d(figures[quantity]).tolist()), step))
        return claims


CASES = {
    case.name: case
    for case in (
        Case("count_bits", "count_bits"),
        Case("sign_sum", "sign_sum"),
        Case("sign_sum_flax", "sign_sum", {"cell": "flax_lstm"}),
        Case("next_word", "next_word"),
        Case("next_word_2", "next_word", {"num_layers": 2}, faster=2.0),
    )
}
