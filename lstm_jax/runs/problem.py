"""What runs on strings and runs on texts do differently, behind one interface."""

from collections.abc import Mapping
from typing import Any, Protocol

from lstm_jax.axes import PyTree
from lstm_jax.network.inputs import Inputs
from lstm_jax.runs.board import Board
from lstm_jax.tasks.objectives import ClassObjective, NumberObjective
from lstm_jax.training.score import Score
from lstm_jax.training.sources import Source
from lstm_jax.training.step import Program

type Table = list[list[str]]
"""Rows of cells, the header first."""


class Problem(Protocol):
    """The data of a run, and how a network is judged by it."""

    inputs: Inputs
    objective: ClassObjective | NumberObjective
    source: Source
    corpus: PyTree
    """What all members learn from; () if each has its own."""

    mixed_lengths: bool
    most_slices: int
    """Into how many slices a batch may be cut at most."""

    def training_data(self, seed: int) -> PyTree:
        """What the member with this seed alone learns from; it depends on the seed, not on other members."""
        ...

    def score(self, program: Program, params: PyTree, seed: int) -> Score:
        """How good a network is on what it did not learn from."""
        ...

    def validation_loss(self, program: Program, params: PyTree, seed: int) -> float:
        """The loss on what is held out for early stopping."""
        ...

    def seed_result(self, score: Score, seed: int) -> dict[str, Any]:
        """What result.json says of a member besides its error."""
        ...

    def result(self) -> dict[str, Any]:
        """What result.json says of all members: ceilings, published figures."""
        ...


class View(Protocol):
    """What a person is shown of a run while it goes on and when it ends."""

    train_tags: Mapping[str, str]
    """What loss and error while training are called in TensorBoard, where they are not what they are in a test."""

    def example(self, program: Program, params: PyTree, step: int, board: Board) -> list[float] | None:
        """Shows what one member does with an example; what is returned is kept for the pictures at the end."""
        ...

    def scores(self, scores: list[Score], means: Mapping[str, float], step: int, board: Board) -> str:
        """Shows the scores of an evaluation; returns a line for the terminal.

        Args:
            scores: of the run's members, S.
            means: loss and error of the updates since the last log.
            step: of the evaluation.
            board: where it is shown.
        """
        ...

    def story(self, program: Program, params: PyTree, step: int, board: Board) -> None:
        """Lets one member show at length what it does, at each evaluation."""
        ...

    def pictures(self, scores: list[Score], said: list[tuple[int, list[float]]], step: int, board: Board) -> None:
        """Shows the end of a run."""
        ...

    def tables(self, result: dict[str, Any]) -> list[Table]:
        """The tables of a finished run."""
        ...

    def remarks(self, result: dict[str, Any]) -> list[str]:
        """The lines below the tables."""
        ...
