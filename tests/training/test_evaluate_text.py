"""Scores on a text against a loop that asks for one symbol at a time."""

import dataclasses

import jax
import numpy as np
import pytest
from flax import nnx

from lstm_jax.network.inputs import Embedding
from lstm_jax.network.settings import ModelSettings
from lstm_jax.tasks.objectives import ClassObjective, SampledObjective
from lstm_jax.training import evaluate_text
from lstm_jax.training.evaluate_text import score_stream, score_windows
from lstm_jax.training.mesh import Layout
from lstm_jax.training.optimizers import TrainSettings
from lstm_jax.training.sources import Windows
from lstm_jax.training.step import Program

TEXT = np.random.default_rng(0).integers(0, 7, 40).astype(np.int32)
MODEL = ModelSettings(hidden_size=6, num_layers=2, impl="scan", readout_stddev=2.0)
PROGRAM = Program(Embedding(7, 5), MODEL, TrainSettings(), ClassObjective(0, 6), Windows("random", 3, False), Layout(1))
PARAMS = nnx.state(PROGRAM.build(jax.random.key(0)), nnx.Param)


@jax.jit
def outputs_after(symbols):
    """The outputs after each symbol of a text, [C, T]."""
    return PROGRAM.with_params(PARAMS).every_output(symbols[:, None])[0][:, :, 0]


def judge(context, right):
    """Whether the answer to one context is wrong, and its loss. What comes after the context changes nothing."""
    padded = np.pad(context, (0, len(TEXT) - len(context)))
    outputs = np.asarray(outputs_after(padded), np.float64)[:, len(context) - 1]
    return outputs.argmax() != right, np.log(np.exp(outputs).sum()) - outputs[right]


def assert_score(score, judged, sampled):
    wrong, losses = zip(*judged, strict=True)
    assert (score.mistakes, score.size, score.sampled) == (sum(wrong), len(wrong), sampled)
    np.testing.assert_allclose(score.loss, np.mean(losses), rtol=1e-5)


@pytest.mark.parametrize("together", [evaluate_text.TOGETHER, 8])
def test_all_windows(together, monkeypatch):
    monkeypatch.setattr(evaluate_text, "TOGETHER", together)
    judged = [judge(TEXT[place : place + 3], TEXT[place + 3]) for place in range(37)]
    assert_score(score_windows(PROGRAM, PARAMS, TEXT, 3, 37), judged, False)


def test_some_windows_from_the_first_to_the_last():
    judged = [judge(TEXT[place : place + 3], TEXT[place + 3]) for place in (0, 9, 18, 27, 36)]
    assert_score(score_windows(PROGRAM, PARAMS, TEXT, 3, 5), judged, True)


@pytest.mark.parametrize("piece", [1, 2, 3, evaluate_text.PIECE])
@pytest.mark.parametrize("chunk", [5, 13, 39, evaluate_text.CHUNK])
def test_a_text_read_from_end_to_end(chunk, piece, monkeypatch):
    monkeypatch.setattr(evaluate_text, "CHUNK", chunk)
    monkeypatch.setattr(evaluate_text, "PIECE", piece)
    judged = [judge(TEXT[:place], TEXT[place]) for place in range(1, 40)]
    assert_score(score_stream(PROGRAM, PARAMS, TEXT), judged, False)


def test_what_is_learned_by_comparison_with_a_few_is_scored_against_all():
    sampled = dataclasses.replace(PROGRAM, objective=SampledObjective(0, 6, 2))
    assert score_stream(sampled, PARAMS, TEXT) == score_stream(PROGRAM, PARAMS, TEXT)
    assert score_windows(sampled, PARAMS, TEXT, 3, 99) == score_windows(PROGRAM, PARAMS, TEXT, 3, 99)
