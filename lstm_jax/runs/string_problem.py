"""Runs on strings: which ones a member learns from, is stopped by, and is tested on."""

import statistics
from collections.abc import Mapping
from typing import Any, NamedTuple, cast, override

import numpy as np

from lstm_jax.axes import PyTree
from lstm_jax.network.inputs import FixedFeatures
from lstm_jax.runs.config import RunConfig
from lstm_jax.runs.problem import Problem
from lstm_jax.runs.published import published
from lstm_jax.tasks.checks import check_string_task
from lstm_jax.tasks.objectives import make_objective
from lstm_jax.tasks.string_settings import StringSettings
from lstm_jax.tasks.strings import Strings, can_enumerate, draw, final_answers, running_answers
from lstm_jax.tasks.task import StringTask
from lstm_jax.training.evaluate import score_strings, score_unseen
from lstm_jax.training.evaluate_prefixes import score_prefixes
from lstm_jax.training.fresh_strings import FreshStrings
from lstm_jax.training.growth import GrowingExamples, Growth, shortest_first
from lstm_jax.training.score import Score
from lstm_jax.training.sources import Batch, Examples, Source
from lstm_jax.training.step import Program

TRAINING_STRINGS, TEST_STRINGS = 0, 1
"""What a member's seed is combined with: each use of randomness has its own stream."""

MAJORITY, FLOOR = "most frequent answer", "answers never in training"
"""What networks are compared with."""


class MemberStrings(NamedTuple):
    """Which strings a member learns from, is stopped by, and is tested on (None: all others)."""

    train: Strings
    valid: Strings
    test: Strings | None

    @property
    def known(self) -> Strings:
        """What must not be tested on."""
        return Strings(*(np.concatenate(pair) for pair in zip(self.train, self.valid, strict=True)))


class StringProblem(Problem):
    """The strings of a run's members.

    Args:
        config: all settings, those of a task on strings.

    Raises:
        TaskError: the task is not what it must be.
    """

    def __init__(self, config: RunConfig):
        self.settings = cast(StringSettings, config.data)
        self.task, self.config = cast(StringTask, config.task), config
        check_string_task(self.task, config.settings())
        self.every_step = config.training.supervise == "every_step"
        self.inputs = FixedFeatures(self.task.features)
        self.objective = make_objective(
            config.model.readout, self.task.answer_range(self.settings.seq_len), config.model.number_loss
        )
        self.source = self._make_source(config.training.num_steps)
        self.corpus: PyTree = ()
        self.mixed_lengths = len(self.settings.lengths) > 1 or self.settings.grows
        self.most_slices = config.training.batch_size
        # Kept by the problem and not beside it, so that they go with it: a worker of a sweep has one after another.
        self._strings: dict[int, MemberStrings] = {}

    def _make_source(self, num_steps: int) -> Source:
        settings, updates = self.settings, round(self.settings.growth * num_steps)
        if not settings.train_size:
            growth = Growth(1, settings.seq_len, updates)
            return FreshStrings(self.task, settings.min_seq_len, growth, settings.skew, self.every_step)
        if self.settings.grows:
            return GrowingExamples(Growth(settings.lengths[0], settings.seq_len, updates))
        return Examples(settings.order)

    def strings(self, seed: int) -> MemberStrings:
        """The strings of the member with this seed; they depend on the seed alone, not on the other members."""
        if seed not in self._strings:
            self._strings[seed] = self._draw(seed)
        return self._strings[seed]

    def _draw(self, seed: int) -> MemberStrings:
        base, settings = len(self.task.alphabet), self.settings
        rng = np.random.default_rng((seed, TRAINING_STRINGS))
        drawn = draw(rng, base, settings.lengths, settings.train_size)
        valid, train = drawn.rows(slice(settings.valid_size)), drawn.rows(slice(settings.valid_size, None))
        rng = np.random.default_rng((seed, TEST_STRINGS))
        if settings.test_seq_len:
            codes = rng.integers(0, base, (settings.test_size, settings.test_seq_len), dtype=np.uint8)
            return MemberStrings(train, valid, Strings(codes, np.full(len(codes), settings.test_seq_len, np.int32)))
        if can_enumerate(base, settings.seq_len):
            return MemberStrings(train, valid, None)
        return MemberStrings(train, valid, draw(rng, base, settings.lengths, settings.test_size, exclude=drawn))

    @override
    def training_data(self, seed: int) -> PyTree:
        if not self.settings.train_size:
            return ()
        examples = self._examples(seed)
        return shortest_first(examples) if self.settings.grows else examples

    def _examples(self, seed: int) -> Batch:
        strings = self.strings(seed).train
        answers = running_answers if self.every_step else final_answers
        return Batch(strings.codes, strings.lengths, answers(self.task, strings))

    @override
    def score(self, program: Program, params: PyTree, seed: int) -> Score:
        strings = self.strings(seed)
        if strings.test is None:
            return score_unseen(program, self.task, params, strings.known, self.settings.lengths)
        judge = score_prefixes if self.settings.test_seq_len else score_strings
        return judge(program, self.task, params, strings.test)

    @override
    def validation_loss(self, program: Program, params: PyTree, seed: int) -> float:
        return score_strings(program, self.task, params, self.strings(seed).valid).loss

    def epoch_size(self) -> int:
        """Examples that an epoch has; 0 if there are endlessly many."""
        return self.settings.train_size - self.settings.valid_size

    @override
    def seed_result(self, score: Score, seed: int) -> dict[str, Any]:
        return {
            "by_answer": {str(answer): list(counts) for answer, counts in score.by_answer.items()},
            "by_length": {str(length): list(counts) for length, counts in score.by_length.items()},
            "trained": self._times_in_training(seed),
        }

    def _times_in_training(self, seed: int) -> dict[str, int]:
        """How often a member was shown each answer in its training strings: {answer: times}."""
        _, lengths, answers, *_ = self._examples(seed)
        if self.every_step:
            answers = answers[np.arange(answers.shape[1]) < lengths[:, None]]
        values, times = np.unique(answers, return_counts=True)
        return {str(value): int(count) for value, count in zip(values, times, strict=True)}

    @override
    def result(self) -> dict[str, Any]:
        return {
            "asked": self.task.asked,
            "answer_range": list(self.task.answer_range(self.settings.seq_len)),
            "published": published(self.config),
        }


def errors_on_strings(result: Mapping[str, Any]) -> dict[str, float]:
    """Errors, by name: of always giving the most frequent answer, and of being wrong where no answer was ever shown.

    Args:
        result: the run's result.json.
    """
    times: dict[str, int] = {}
    floors = []
    for seed in result["seeds"]:
        sizes = {answer: size for answer, (_, size) in seed["by_answer"].items()}
        floors.append(sum(size for answer, size in sizes.items() if answer not in seed["trained"]) / seed["test_size"])
        for answer, size in sizes.items():
            times[answer] = times.get(answer, 0) + size
    found = {MAJORITY: 1 - max(times.values()) / sum(times.values())}
    if result["config"]["readout"] == "class" and any(floors):
        found[FLOOR] = statistics.fmean(floors)
    return found
