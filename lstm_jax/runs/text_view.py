"""What a person is shown of a run on a text."""

import itertools
import textwrap
from collections.abc import Mapping
from typing import Any, override

import jax
import numpy as np

from lstm_jax.axes import PyTree
from lstm_jax.runs.board import Board
from lstm_jax.runs.config import RunConfig
from lstm_jax.runs.problem import Table, View
from lstm_jax.runs.prompts import Wish, continue_prompt
from lstm_jax.runs.published import attribution
from lstm_jax.runs.report import counted, seed_lines
from lstm_jax.runs.text_problem import TextProblem
from lstm_jax.tasks.baselines import perplexity
from lstm_jax.training.evaluate import read_whole
from lstm_jax.training.score import Score
from lstm_jax.training.step import Program

WORDS, CHARACTERS = 32, 200
"""How long the story is that a network tells at each evaluation."""

LARGE_PERPLEXITY = 1e9
"""Beyond this nobody asks for all digits."""

WRAPPER = textwrap.TextWrapper(100, replace_whitespace=False, drop_whitespace=False)
"""Breaks the long lines of a story."""

MOST_CONTEXT = {"words": 12, "characters": 40}
"""Symbols of a sample's context that are shown."""


def tested(settings: Mapping[str, Any]) -> str:
    """What a network was tested on."""
    tokens = settings["tokens"]
    return f"held-out {tokens}" if settings["held_out"] else f"{tokens} of the text that was learned"


class TextView(View):
    """Accuracy and perplexity beside what is possible; one foretold symbol at a time; a story that goes on.

    Args:
        config: all settings.
        problem: its text.
    """

    def __init__(self, config: RunConfig, problem: TextProblem):
        self.config, self.problem = config, problem
        self._sample, self._sampled_at = "", -1
        # With a sampled softmax, other wrong answers than those that were drawn count neither in loss nor in error.
        sampled = problem.settings.num_sampled
        self._among = f" among at most {sampled + 1:,} {problem.settings.tokens} each" if sampled else ""
        self.train_tags = {name: f"{name}_among_sampled" for name in ("loss", "error")} if sampled else {}

    @override
    def example(self, program: Program, params: PyTree, step: int, board: Board) -> list[float] | None:
        self._sampled_at = step
        codes, length = self.problem.tested, self.problem.settings.seq_len
        place = int(np.random.default_rng(step).integers(len(codes) - length))
        context = codes[place : place + length]
        foretold = np.asarray(read_whole(program, params, context[None], np.array([length])).decided)[0]
        vocabulary = self.problem.text.vocabulary
        right, said = vocabulary.show([codes[place + length], foretold])
        if vocabulary.unit == "words":
            shown = ["..."] if length > MOST_CONTEXT["words"] else []
            shown += vocabulary.show(context[-MOST_CONTEXT["words"] :])
            self._sample = f"{shown} - [{right}] vs [{said}]"
        else:
            read = vocabulary.join(vocabulary.decode(context[-MOST_CONTEXT["characters"] :]))
            self._sample = f"{read!r} - {right!r} vs {said!r}"  # as Python spells them: line breaks can be seen
        board.text("sample", as_written(self._sample), step)
        return None

    @override
    def scores(self, scores: list[Score], means: Mapping[str, float], step: int, board: Board) -> str:
        board.scalars({"perplexity": perplexity(np.mean([score.loss for score in scores]))}, step)
        tested = "held out" if self.problem.settings.held_out else "whole text"
        tested = f"a sample, {tested}" if scores[0].sampled else tested
        return (
            f"step {step:7,}  average loss {means['loss']:.3f}, accuracy {1 - means['error']:7.2%}{self._among}  "
            f"({tested}: {1 - np.mean([score.error for score in scores]):.2%})  {self._sample}"
        )

    @override
    def story(self, program: Program, params: PyTree, step: int, board: Board) -> None:
        if self._sampled_at != step:  # the line of this evaluation is not to show what was foretold before
            self.example(program, params, step, board)
        text = self.problem.text
        prompt = text.train[: self.problem.settings.seq_len]
        words = text.vocabulary.unit == "words"
        count = WORDS if words else CHARACTERS
        told = continue_prompt(self.problem, program, params, prompt, Wish(count), jax.random.key(0))
        shown = text.vocabulary.join(text.vocabulary.show(prompt[-count:]))
        story = f"{shown} | {told.text}" if words else f"{shown}|{told.text}"
        board.text("story", "\n\n".join(filter(None, [as_written(story), told.remark])), step)

    @override
    def pictures(self, scores: list[Score], said: list[tuple[int, list[float]]], step: int, board: Board) -> None:
        return

    @override
    def tables(self, result: dict[str, Any]) -> list[Table]:
        table = [["", "accuracy", "perplexity"]]
        for gram in result["ngrams"]:
            seen = gram["order"] - 1
            words = counted(seen, result["asked"]) if seen else "nothing"
            table.append([f"counting, {words} seen", f"{gram['accuracy']:.2%}", spelled(gram["perplexity"], 2)])
        ceiling = result["ceiling"]
        if ceiling is not None:
            seen = counted(result["config"]["seq_len"], result["asked"])
            table.append([f"the best possible, {seen} seen", f"{ceiling['right'] / ceiling['windows']:.2%}", ""])
        for seed in result["seeds"]:
            accuracy, measure = f"{1 - seed['test_error']:.2%}", spelled(seed["perplexity"], 3)
            table.append([f"this network, seed {seed['seed']}", accuracy, measure])
        return [table]

    @override
    def remarks(self, result: dict[str, Any]) -> list[str]:
        lines = seed_lines(result["seeds"], tested(result["config"]))
        trained = [seed for seed in result["seeds"] if seed["train_error"] is not None]
        if trained:
            accuracy = 1 - float(np.mean([seed["train_error"] for seed in trained]))
            loss = float(np.mean([seed["train_loss"] for seed in trained]))
            lines.append(
                f"While training, over the last {self._last_updates(result):,} updates: accuracy {accuracy:.2%}, "
                f"average loss {loss:.3f}{self._among}."
            )
        published = result["published"]
        if published:
            low, high = published["accuracy"]
            loss_there = f", average loss {published['loss']}" if "loss" in published else ""
            lines.append(
                f"Published ({attribution(published)}): accuracy {low:.1%} to {high:.1%}{loss_there}, while training, "
                f"over the last 1,000 of {published['iterations']:,} iterations."
            )
        return [*lines, *self._unknown_lines(result)]

    def _unknown_lines(self, result: dict[str, Any]) -> list[str]:
        """How long the text is and, where there are symbols that the network does not know, how many and why."""
        # Runs that ended under an earlier version do not say how much of their text is rare.
        rare, missing = result.get("unknown_share", 0), result.get("held_out_unknown_share", 0)
        different = result.get("learned_symbols", result["symbols"])
        unknown = self.problem.text.vocabulary.unknown
        name = "" if unknown is None else self.problem.text.vocabulary.symbols[unknown]
        size = f"{result['learned']:,} {result['asked']}s are learned, {different:,} different"
        lines = [f"The text: {size}{f'; {rare:.1%} of it is {name}, to be foretold like any other' if rare else ''}."]
        if missing and rare:
            lines.append(
                f"Of the held-out {result['asked']}s {missing:.1%} are {name}: rare or absent in what is learned."
            )
        elif missing:
            never = "do not occur in what is learned and are read as"
            lines.append(
                f"Of the held-out {result['asked']}s {missing:.1%} {never} {name}, which nothing can have learned to "
                "foretell: they count in accuracy and perplexity all the same."
            )
        return lines

    def _last_updates(self, result: dict[str, Any]) -> int:
        every = self.config.run.log_every
        return (result["steps"] - 1) % every + 1


def spelled(perplexity: float, digits: int) -> str:
    """A perplexity with so many digits after the point; of one that a diverged network has, its size alone."""
    return f"{perplexity:,.{digits}f}" if perplexity < LARGE_PERPLEXITY else f"{perplexity:.2g}"


def as_written(text: str) -> str:
    """A text as Markdown shows it unchanged, whatever characters it has: a block of code, in short lines."""
    lines = itertools.chain.from_iterable(WRAPPER.wrap(line) or [""] for line in text.split("\n"))
    return "\n".join(f"    {line}" for line in lines)
