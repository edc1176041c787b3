"""Runs on a text: what is learned from, and how well the rest of it, or all of it, is foretold."""

from collections.abc import Mapping
from typing import Any, cast, override

import numpy as np

from lstm_jax.axes import PyTree
from lstm_jax.network.inputs import Code, Embedding, Inputs, OneHot
from lstm_jax.runs.config import RunConfig
from lstm_jax.runs.problem import Problem
from lstm_jax.runs.published import published
from lstm_jax.runs.texts import checksum, read_text
from lstm_jax.settings import SettingError
from lstm_jax.tasks.baselines import MAX_ORDER, ceiling, ngram_scores, perplexity
from lstm_jax.tasks.corpus import check_streams, make_corpus
from lstm_jax.tasks.next_word import NextWord
from lstm_jax.tasks.objectives import ClassObjective, SampledObjective
from lstm_jax.tasks.text_settings import TextSettings
from lstm_jax.training.evaluate_text import score_stream, score_windows
from lstm_jax.training.score import Score
from lstm_jax.training.sources import Source, Streams, Windows
from lstm_jax.training.step import Program

MOST_ONE_HOT = 4_096
"""Symbols that can be shown as one-hot codes; the weights that read them grow with their number."""

LARGEST_CUT = 2**21
"""Weights of a readout up to which batches are cut into slices: each slice has a gradient of its own, and all devices
add them up. Measured for 100,000 symbols, 128 units and 256 windows of 8: an update takes 1.0 s and the process 2.7 GB
in two slices, 0.5 s and 1.6 GB in one."""

CEILING = "best possible"
"""Of a text, where the context that is seen does not always decide what follows."""


class TextProblem(Problem):
    """A text that all members learn from.

    Args:
        config: all settings, those of a task on texts.

    Raises:
        SettingError: the text cannot be read or is too short, or a setting does not suit it.
    """

    def __init__(self, config: RunConfig):
        self.settings = cast(TextSettings, config.data)
        self.task, self.config = cast(NextWord, config.task), config
        text = read_text(self.settings)
        if self.settings.text_sha256 not in ("", checksum(text)):
            reason = "has changed since this run began: restore it, or train anew in another --workdir"
            raise SettingError("text_file", self.settings.text_file, reason)
        self.text = make_corpus(text, self.settings)
        check_streams(len(self.text.train), config.training.batch_size, self.settings)
        symbols = len(self.text.vocabulary)
        self.inputs = self._make_inputs(symbols)
        self.objective = self._make_objective(symbols)
        self.corpus: PyTree = self.text.train
        self.source = self._make_source()
        self.mixed_lengths = False
        # The state that is carried from chunk to chunk is one array over all streams.
        whole = self.settings.stateful or symbols * config.model.hidden_size > LARGEST_CUT
        self.most_slices = 1 if whole else config.training.batch_size

    def _make_inputs(self, symbols: int) -> Inputs:
        if self.settings.input == "one_hot":
            if symbols > MOST_ONE_HOT:
                reason = f"is for up to {MOST_ONE_HOT:,} symbols, and this text has {symbols:,}; use --input=embedding"
                raise SettingError("input", "one_hot", reason)
            return OneHot(symbols)
        size = self.settings.embedding_size or self.config.model.hidden_size
        return Code() if self.settings.input == "code" else Embedding(symbols, size, self.settings.tied_weights)

    def _make_objective(self, symbols: int) -> ClassObjective | SampledObjective:
        if not self.settings.num_sampled:
            return ClassObjective(0, symbols - 1)
        if self.settings.num_sampled >= symbols:
            reason = f"must be less than the {symbols:,} symbols of the text; 0 compares with all of them"
            raise SettingError("num_sampled", self.settings.num_sampled, reason)
        return SampledObjective(0, symbols - 1, self.settings.num_sampled)

    def _make_source(self) -> Source:
        every_step = self.config.training.supervise == "every_step"
        if self.settings.stateful:
            return Streams(self.settings.seq_len, self.config.training.batch_size)
        return Windows(self.settings.order, self.settings.seq_len, every_step)

    @property
    def asked(self) -> str:
        """What is foretold: `word` or `character`."""
        return self.settings.tokens.removesuffix("s")

    @property
    def tested(self) -> np.ndarray:
        """The part of the text that is tested on: what is held out, or, where nothing is, what is learned."""
        return self.text.test if self.settings.held_out else self.text.train

    @override
    def training_data(self, seed: int) -> PyTree:
        return ()

    @override
    def score(self, program: Program, params: PyTree, seed: int) -> Score:
        return self._score(program, params, self.tested)

    @override
    def validation_loss(self, program: Program, params: PyTree, seed: int) -> float:
        return self._score(program, params, self.text.valid).loss

    def _score(self, program: Program, params: PyTree, codes: np.ndarray) -> Score:
        if self.settings.stateful:
            return score_stream(program, params, codes)
        return score_windows(program, params, codes, self.settings.seq_len, self.settings.test_size)

    @override
    def seed_result(self, score: Score, seed: int) -> dict[str, Any]:
        return {"perplexity": perplexity(score.loss)}

    @override
    def result(self) -> dict[str, Any]:
        context = self.settings.seq_len
        most = None
        if self.settings.stateful:  # all that came before is seen: no bound, and n-grams of any length
            context = min(MAX_ORDER, len(self.tested)) - 1
        else:
            never = None if self.text.learns_unknown else self.text.vocabulary.unknown
            most = dict(zip(("right", "windows"), ceiling(self.tested, context, never), strict=True))
        grams = ngram_scores(self.text.train, self.text.test, len(self.text.vocabulary), context)
        return {
            "asked": self.asked,
            "symbols": len(self.text.vocabulary),
            "learned": len(self.text.train),
            "learned_symbols": self.text.num_learned,
            "unknown_share": self.text.unknown_share(self.text.train),
            "held_out_unknown_share": self.text.unknown_share(self.text.test),
            "tested": "held-out" if self.settings.held_out else "learned",
            "ceiling": most,
            "ngrams": [gram._asdict() for gram in grams],
            "published": published(self.config),
        }


def errors_of_counting(result: Mapping[str, Any]) -> dict[str, float]:
    """Errors, by name: of counted n-grams by their order, and the ceiling where the context decides what can be known.

    Beyond the ceiling itself, which counts what it is tested on, nobody can be right more often.

    Args:
        result: the run's result.json.
    """
    found = {f"{gram['order']}-gram": 1 - gram["accuracy"] for gram in result["ngrams"]}
    ceiling = result["ceiling"]  # None with --stateful: all that came before is seen, and nothing bounds that
    if ceiling and ceiling["windows"]:
        found[CEILING] = 1 - ceiling["right"] / ceiling["windows"]
    return found
