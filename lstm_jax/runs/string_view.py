"""What a person is shown of a run on strings."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, override

import numpy as np

from lstm_jax.axes import PyTree
from lstm_jax.insight import plots
from lstm_jax.runs.board import Board
from lstm_jax.runs.config import RunConfig
from lstm_jax.runs.problem import Table, View
from lstm_jax.runs.report import seed_lines
from lstm_jax.runs.string_problem import StringProblem
from lstm_jax.tasks.objectives import ClassObjective
from lstm_jax.tasks.strings import decode
from lstm_jax.training.evaluate import string_outputs
from lstm_jax.training.score import Score
from lstm_jax.training.step import Program

MOST_ROWS = 42
"""Longer tables are put together into rows of several answers or lengths."""


class StringView(View):
    """The error by answer and by length, and the answers to one example string as they form.

    Args:
        config: all settings.
        problem: its strings.
    """

    def __init__(self, config: RunConfig, problem: StringProblem):
        self.config, self.problem = config, problem
        rng = np.random.default_rng(0)
        self.string = rng.integers(0, len(problem.task.alphabet), problem.settings.seq_len, dtype=np.uint8)

    @override
    def example(self, program: Program, params: PyTree, step: int, board: Board) -> list[float] | None:
        lengths = np.array([len(self.string)])
        outputs = np.asarray(string_outputs(program, params, self.string[None], lengths))[0]
        if isinstance(program.objective, ClassObjective):
            outputs = np.asarray(program.objective.probabilities(outputs))
        if len(outputs) > MOST_ROWS:
            return None
        names = [f"{name:02d}" for name in range(len(outputs))] if len(outputs) > 1 else ["answer"]
        for name, value in zip(names, outputs.tolist(), strict=True):
            board.scalar(f"example_string/{name}", value, step)
        return outputs.tolist()

    @override
    def scores(self, scores: list[Score], means: Mapping[str, float], step: int, board: Board) -> str:
        task, counts = self.problem.task, sum_counts(score.by_answer for score in scores)
        if len(counts) <= MOST_ROWS:
            for answer, share in shares(counts).items():
                board.scalar(f"error_by_{task.asked}/{answer:02d}", share, step)
        epoch = step * self.config.training.batch_size / self.problem.epoch_size()
        by_epoch = task.published(self.problem.settings.seq_len).get("by_epoch", {})
        return evaluation_line(step, epoch, scores, by_epoch)

    @override
    def story(self, program: Program, params: PyTree, step: int, board: Board) -> None:
        return

    @override
    def pictures(self, scores: list[Score], said: list[tuple[int, list[float]]], step: int, board: Board) -> None:
        asked = self.problem.task.asked
        errors = shares(sum_counts(score.by_answer for score in scores))
        board.image(f"error_by_{asked}", plots.bars(errors, asked, "error"), step)
        if said:
            text = decode(self.string[:40], self.problem.task.alphabet)
            title = f"what seed {self.config.run.seed} answers to {text}"
            board.image("example_string", plots.answers_over_time(said, title, asked), step)

    @override
    def tables(self, result: dict[str, Any]) -> list[Table]:
        tables = [_answer_table(result)]
        if len(result["seeds"][0]["by_length"]) > 1:
            tables.append(_length_table(result))
        return tables

    @override
    def remarks(self, result: dict[str, Any]) -> list[str]:
        lines = [*seed_lines(result["seeds"], "unseen strings"), *_floor_lines(result)]
        counts = _counts(result, "by_answer")
        majority = max(counts, key=lambda answer: counts[answer][1])
        error = 1 - counts[majority][1] / sum(size for _, size in counts.values())
        return [*lines, f"Baseline: always answering {majority} is wrong on {error:.2%}."]


def evaluation_line(step: int, epoch: float, scores: list[Score], by_epoch: dict[int, str]) -> str:
    """One line on how far the members are, with what was published for this epoch."""
    errors = [score.error for score in scores]
    published = f"  (published: {by_epoch[int(epoch)]})" if epoch in by_epoch else ""
    spread = f", from {min(errors):.4%} to {max(errors):.4%}" if len(errors) > 1 else ""
    return f"step {step:7,} (epoch {epoch:7.1f})  test error {np.mean(errors):.4%}{spread}{published}"


def sum_counts(groups: Iterable[Mapping[Any, Sequence[int]]]) -> dict[int, tuple[int, int]]:
    """Mistakes and strings by answer or length, summed over all seeds."""
    total: dict[int, tuple[int, int]] = {}
    for group in groups:
        for key, (mistakes, size) in group.items():
            before = total.get(int(key), (0, 0))
            total[int(key)] = (before[0] + mistakes, before[1] + size)
    return dict(sorted(total.items()))


def shares(counts: Mapping[int, tuple[int, int]]) -> dict[int, float]:
    """The share of mistakes by answer or length."""
    return {key: mistakes / size for key, (mistakes, size) in counts.items()}


def _counts(result: dict[str, Any], group: str) -> dict[int, tuple[int, int]]:
    return sum_counts(seed[group] for seed in result["seeds"])


def _answer_table(result: dict[str, Any]) -> Table:
    counts, trained = _counts(result, "by_answer"), _times_in_training(result)
    table = [[result["asked"], "unseen strings", "mistakes", "error", "times in training"]]
    for name, keys in _grouped(sorted(counts.keys() | trained.keys())):
        mistakes, size = _sums(counts, keys)
        error = f"{mistakes / size:.4%}" if size else "-"
        table.append([name, f"{size:,}", f"{mistakes:,}", error, f"{sum(trained.get(key, 0) for key in keys):,}"])
    return table


def _length_table(result: dict[str, Any]) -> Table:
    counts = _counts(result, "by_length")
    table = [["length", "unseen strings", "mistakes", "accuracy"]]
    for name, keys in _grouped(sorted(counts)):
        mistakes, size = _sums(counts, keys)
        table.append([name, f"{size:,}", f"{mistakes:,}", f"{1 - mistakes / size:.4%}"])
    return table


def _times_in_training(result: dict[str, Any]) -> dict[int, int]:
    trained: dict[int, int] = {}
    for seed in result["seeds"]:
        for answer, times in seed["trained"].items():
            trained[int(answer)] = trained.get(int(answer), 0) + times
    return trained


def _sums(counts: dict[int, tuple[int, int]], keys: list[int]) -> tuple[int, int]:
    pairs = [counts.get(key, (0, 0)) for key in keys]
    return sum(mistakes for mistakes, _ in pairs), sum(size for _, size in pairs)


def _grouped(keys: list[int]) -> list[tuple[str, list[int]]]:
    """The rows of a table: one a key, or one for several neighbours if there are too many."""
    together = -(-len(keys) // MOST_ROWS)
    groups = [keys[start : start + together] for start in range(0, len(keys), together)]
    return [(f"{group[0]}" if len(group) == 1 else f"{group[0]}-{group[-1]}", group) for group in groups]


def _floor_lines(result: dict[str, Any]) -> list[str]:
    """Answers that never occur in training; a classifier will miss them."""
    seeds, floors = result["seeds"], []
    low, high = result["answer_range"]
    times: dict[int, int] = {}
    for seed in seeds:
        missing = [answer for answer in range(low, high + 1) if str(answer) not in seed["trained"]]
        unseen = [seed["by_answer"].get(str(answer), (0, 0))[1] for answer in missing]
        floors.append(sum(unseen) / seed["test_size"])
        for answer in missing:
            times[answer] = times.get(answer, 0) + 1
    if not times:
        return []
    listed = [
        f"{answer}" if times[answer] == len(seeds) else f"{answer} ({times[answer]} of {len(seeds)} seeds)"
        for answer in sorted(times)[:MOST_ROWS]
    ]
    lines = [f"Never in training: {result['asked']} {', '.join(listed)}{', ...' if len(times) > MOST_ROWS else ''}."]
    if result["config"]["readout"] == "class":
        spread = f"{min(floors):.4%}" + (f" to {max(floors):.4%}" if len(seeds) > 1 else "")
        lines.append(f"A class that is never shown is not learned: this sets a floor of {spread} for the error.")
    return lines
