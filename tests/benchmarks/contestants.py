"""Asks contestants as the benchmark does, and NumPy for what they should answer."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.participants import PEERS
from benchmarks.process import Contestant
from benchmarks.work import NUM_GATES, Shape, draw
from lstm_jax.recurrent.cells import Weights
from tests import references

SHAPE = Shape(batch=3, time=5, features=2, hidden=4)


@contextmanager
def running(name: str, folder: Path, python: str = sys.executable) -> Iterator[Contestant]:
    """A contestant's process, after it has said what it is."""
    options = {"platform": "cpu", "matmul_precision": "default", **dict(PEERS[name].options)}
    contestant = Contestant(python, PEERS[name].module, options, folder / "errors")
    try:
        assert contestant.answer()["platform"] == "cpu"
        yield contestant
    finally:
        contestant.close()


def expected_loss(cell: str, arrays: dict[str, np.ndarray]) -> float:
    """The mean square of the last hidden state, one sequence at a time."""
    width = arrays["hidden_kernel"].shape[1]
    bias = arrays["bias"] if cell == "lstm" else np.concatenate([arrays["bias"], np.zeros(width)])
    weights = Weights(arrays["input_kernel"], arrays["hidden_kernel"], bias)
    zeros = np.zeros(width)
    if cell == "lstm":
        last = [references.lstm(weights, sequence, zeros, zeros)[0][-1] for sequence in arrays["inputs"]]
    else:
        last = [references.gru(weights, sequence, zeros)[-1] for sequence in arrays["inputs"]]
    return float(np.mean(np.square(last)))


def expected_gradient(cell: str, arrays: dict[str, np.ndarray]) -> float:
    """The norm of the loss's gradient by the input kernel, by finite differences."""
    squares, step = 0.0, 1e-4
    for index in np.ndindex(arrays["input_kernel"].shape):
        sides = []
        for sign in (1, -1):
            moved = arrays["input_kernel"].copy()
            moved[index] += sign * step
            sides.append(expected_loss(cell, {**arrays, "input_kernel": moved}))
        squares += ((sides[0] - sides[1]) / (2 * step)) ** 2
    return squares**0.5


def double(cell: str) -> dict[str, np.ndarray]:
    """The weights and inputs of the benchmark in double precision."""
    assert NUM_GATES[cell] * SHAPE.hidden == len(draw(cell, SHAPE)["bias"])
    return {name: array.astype(np.float64) for name, array in draw(cell, SHAPE).items()}
