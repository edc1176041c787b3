"""What a person is shown of a run on strings."""

from collections.abc import Mapping
from typing import Any, override

import numpy as np

from lstm_jax.axes import PyTree
from lstm_jax.runs.board import Board
from lstm_jax.runs.config import RunConfig
from lstm_jax.runs.problem import Table, View
from lstm_jax.runs.published import published_by_epoch
from lstm_jax.runs.report import seed_lines
from lstm_jax.runs.string_problem import StringProblem
from lstm_jax.runs.string_tables import (
    MOST_ROWS,
    answer_table,
    count,
    floor_lines,
    length_lines,
    length_table,
    running_lines,
    shares,
    sum_counts,
    tested,
)
from lstm_jax.tasks.objectives import ClassObjective
from lstm_jax.tasks.strings import Strings, decode, final_answers, running_answers
from lstm_jax.tasks.task import StringTask
from lstm_jax.training.evaluate import Said, read_along, read_whole
from lstm_jax.training.score import Score
from lstm_jax.training.step import Program

LONGEST_SHOWN = 100
"""Symbols of the example string whose running answers are shown."""

CANDIDATES, MOST_SYMBOLS = 256, 2**20
"""Random strings among which the example is looked for, and symbols of all of them: of long strings there are fewer."""

MOST_IN_TITLE = 40
"""Symbols of the example string that stand above its picture."""


class StringView(View):
    """The error by answer and by length, and the answers to one example string as they form.

    Args:
        config: all settings.
        problem: its strings.
    """

    def __init__(self, config: RunConfig, problem: StringProblem):
        self.config, self.problem = config, problem
        self.train_tags: Mapping[str, str] = {}
        self.by_epoch = published_by_epoch(config)
        # A class readout has an output for each answer, the first for the smallest.
        self.lowest = problem.objective.low if isinstance(problem.objective, ClassObjective) else 0
        self.string = telling_string(problem.task, problem.settings.seq_len)
        self._read: tuple[int, Said] | None = None

    @override
    def example(self, program: Program, params: PyTree, step: int, board: Board) -> list[float] | None:
        if program.objective.num_outputs > MOST_ROWS:
            return None
        if program.model.bidirectional:
            codes = self.string[None]
            outputs = np.asarray(read_whole(program, params, codes, np.array([codes.size])).outputs)[0]
        else:  # by the program that tells the story
            outputs = np.asarray(self._along(program, params, step).outputs)[0, -1]
        if isinstance(program.objective, ClassObjective):
            outputs = np.asarray(program.objective.probabilities(outputs))
        names = [f"{self.lowest + place:02d}" for place in range(len(outputs))] if len(outputs) > 1 else ["answer"]
        points = zip(names, outputs.tolist(), strict=True)
        board.scalars({f"example_string/{name}": value for name, value in points}, step)
        return outputs.tolist()

    @override
    def scores(self, scores: list[Score], means: Mapping[str, float], step: int, board: Board) -> str:
        task, counts = self.problem.task, sum_counts(score.by_answer for score in scores)
        if len(counts) <= MOST_ROWS:
            errors = {f"error_by_{task.asked}/{answer:02d}": share for answer, share in shares(counts).items()}
            board.scalars(errors, step)
        size = self.problem.epoch_size()
        epoch = step * self.config.training.batch_size / size if size else None
        return evaluation_line(step, epoch, scores, self.by_epoch)

    @override
    def story(self, program: Program, params: PyTree, step: int, board: Board) -> None:
        if self.config.model.bidirectional:
            return  # what it says on the way depends on what is still to come
        shown = self.string[:LONGEST_SHOWN]
        strings = Strings(shown[None], np.array([len(shown)]))
        task = self.problem.task
        said = np.asarray(self._along(program, params, step).decided)[0, : len(shown)]
        rows = {"true": running_answers(task, strings)[0], "network": said}
        lines = running_lines(decode(shown, task.alphabet), rows)
        board.text(f"running_{task.asked}", "\n".join(lines), step)  # indented lines: Markdown shows them as they are

    def _along(self, program: Program, params: PyTree, step: int) -> Said:
        """What the network of this step says along the example string: read once for the curves and for the story."""
        if self._read is None or self._read[0] != step:
            self._read = step, read_along(program, params, self.string[None])
        return self._read[1]

    @override
    def pictures(self, scores: list[Score], said: list[tuple[int, list[float]]], step: int, board: Board) -> None:
        from lstm_jax.insight import plots  # takes a quarter of a second to load, and a run may end before

        asked = self.problem.task.asked
        errors = shares(sum_counts(score.by_answer for score in scores))
        board.image(f"error_by_{asked}", plots.bars(errors, asked, "error"), step)
        by_length = shares(sum_counts(score.by_length for score in scores))
        if len(by_length) > 1:
            accuracy = {length: 1 - share for length, share in by_length.items()}
            trained = self.problem.settings.seq_len
            board.image("accuracy_by_length", plots.accuracy_by_length(accuracy, trained), step)
        if said:
            board.image("example_string", self._answers_over_time(said), step)

    def _answers_over_time(self, said: list[tuple[int, list[float]]]) -> np.ndarray:
        from lstm_jax.insight import plots

        task, length = self.problem.task, len(self.string)
        text = decode(self.string[:MOST_IN_TITLE], task.alphabet)
        whole = text if length <= MOST_IN_TITLE else f"{text}... ({length:,} symbols)"
        (right,) = final_answers(task, Strings(self.string[None], np.array([length])))
        title = f"what seed {self.config.run.seed} answers to\n{whole}"
        return plots.answers_over_time(said, title, task.asked, int(right), self.lowest)

    @override
    def tables(self, result: dict[str, Any]) -> list[Table]:
        tables = [answer_table(result)]
        if len(result["seeds"][0]["by_length"]) > 1:
            tables.append(length_table(result))
        return tables

    @override
    def remarks(self, result: dict[str, Any]) -> list[str]:
        lines = [*seed_lines(result["seeds"], tested(result)), *floor_lines(result), *length_lines(result)]
        counts = count(result, "by_answer")
        majority = max(counts, key=lambda answer: counts[answer][1])
        error = 1 - counts[majority][1] / sum(size for _, size in counts.values())
        return [*lines, f"Baseline: always answering {majority} is wrong on {error:.2%}."]


def telling_string(task: StringTask, length: int) -> np.ndarray:
    """A string, [T], always the same, whose running answers take many values: a task is not seen in zeros alone.

    It is the first of some random ones that has half as many as can be, or that which has most.
    """
    count = max(1, min(CANDIDATES, MOST_SYMBOLS // length))
    codes = np.random.default_rng(0).integers(0, len(task.alphabet), (count, length), dtype=np.uint8)
    shown = codes[:, :LONGEST_SHOWN]
    answers = running_answers(task, Strings(shown, np.full(count, shown.shape[1])))
    different = np.array([len(np.unique(row)) for row in answers])
    low, high = task.answer_range(shown.shape[1])
    return codes[np.argmax(np.minimum(2 * different, min(shown.shape[1], high - low + 1)))]


def evaluation_line(step: int, epoch: float | None, scores: list[Score], by_epoch: dict[int, str]) -> str:
    """One line on how far the members are, with what was published for this epoch (None: there are none)."""
    errors = [score.error for score in scores]
    published = f"  (published: {by_epoch[int(epoch)]})" if epoch in by_epoch else ""
    spread = f", from {min(errors):.4%} to {max(errors):.4%}" if len(errors) > 1 else ""
    epochs = "" if epoch is None else f" (epoch {epoch:9,.1f})"
    return f"step {step:7,}{epochs}  test error {np.mean(errors):.4%}{spread}{published}"
