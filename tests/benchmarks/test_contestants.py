"""Every library that is installed does the work that is asked for: a loop in NumPy says what comes out."""

import importlib.util
import os
import sys

import numpy as np
import pytest

from benchmarks.participants import PEERS
from benchmarks.process import NotMeasuredError
from benchmarks.work import CELLS, PASSES, draw
from tests.benchmarks import contestants

PACKAGES = {"lstm_jax": "jax", "torch": "torch", "flax": "flax", "flax_optimized": "flax"} | {
    name: name for name in ("equinox", "haiku", "keras")
}
TORCH_PYTHON = os.environ.get("TORCH_PYTHON")
"""An interpreter with PyTorch, where this one has none: it is no dependency of the project."""


@pytest.mark.parametrize("name", PEERS)
def test_a_contestant_computes_loss_and_gradient(name, tmp_path):
    python = TORCH_PYTHON if name == "torch" and TORCH_PYTHON else sys.executable
    if python == sys.executable and importlib.util.find_spec(PACKAGES[name]) is None:
        pytest.skip(f"{PACKAGES[name]} is not installed here" + "; TORCH_PYTHON can name it" * (name == "torch"))
    with contestants.running(name, tmp_path, python) as contestant:
        for cell in PEERS[name].cells:
            np.savez(tmp_path / "arrays.npz", **draw(cell, contestants.SHAPE))
            request = {"cell": cell, "dtype": "float32", "arrays": str(tmp_path / "arrays.npz")}
            loss = contestants.expected_loss(cell, contestants.double(cell))
            for which in PASSES:
                answer = contestant.ask(do="prepare", **request, **{"pass": which})
                assert answer["loss"] == pytest.approx(loss, rel=1e-5)
            gradient = contestants.expected_gradient(cell, contestants.double(cell))
            assert answer["gradient"] == pytest.approx(gradient, rel=1e-4)
            assert contestant.ask(do="repeat", calls=2)["seconds"] > 0


def test_what_fails_is_a_reason_and_the_process_goes_on(tmp_path):
    with contestants.running("lstm_jax", tmp_path) as contestant:
        with pytest.raises(NotMeasuredError, match=r"FileNotFoundError.*missing\.npz"):
            contestant.ask(do="prepare", arrays="missing.npz", **{"pass": "both"})
        np.savez(tmp_path / "arrays.npz", **draw(CELLS[0], contestants.SHAPE))
        request = {"cell": CELLS[0], "dtype": "bfloat16", "arrays": str(tmp_path / "arrays.npz"), "pass": "both"}
        expected = contestants.expected_loss(CELLS[0], contestants.double(CELLS[0]))
        assert contestant.ask(do="prepare", **request)["loss"] == pytest.approx(expected, rel=0.03)
        contestant._process.kill()
        with pytest.raises(NotMeasuredError, match="ended by signal 9"):
            contestant.ask(do="repeat", calls=1)


def test_a_library_that_is_missing_says_so(tmp_path, monkeypatch):
    (tmp_path / "equinox.py").write_text("raise ModuleNotFoundError('no equinox here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with (
        pytest.raises(NotMeasuredError, match="ModuleNotFoundError: no equinox here"),
        contestants.running("equinox", tmp_path),
    ):
        pass
