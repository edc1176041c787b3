"""Sweeps that nobody ran, as pictures take them."""

import dataclasses

import numpy as np

from lstm_jax.sweeps.figures import Baseline, Sweep
from lstm_jax.sweeps.table import sort_rows, summarize
from tests.sweeps.cases import LENGTHS, THRESHOLD, run_of, some_fail, sweep_of

BASELINES = (
    Baseline("always the same", 0.69, {"seq_len": 5}),
    Baseline("always the same", 0.82, {"seq_len": 20}),
    Baseline("published", 0.001),
)


def sweep(axes, num_seeds, failures=None, baselines=BASELINES):
    rows, curves = sweep_of(axes, num_seeds, failures=failures)
    rows = sort_rows(rows)
    return Sweep(rows, summarize(rows, THRESHOLD), curves, tuple(axes), THRESHOLD, baselines)


def ended_at_once(given, runs):
    """The same sweep, but of the first runs no more than the first evaluation is known."""
    early = [one.run for one in given.summaries[:runs]]
    first = {run: {seed: curve[:1] for seed, curve in given.curves[run].items()} for run in early}
    return dataclasses.replace(given, curves={**given.curves, **first})


def drawn_at_random():
    rng = np.random.default_rng(0)
    rows, curves = [], {}
    for number in range(20):
        settings = {
            "learning_rate": float(rng.uniform(0.001, 0.1)),
            "cell": "gru" if number % 2 else "a $\\long$ _word_",
        }
        own, curve = run_of(settings, 2, varied=list(settings))
        rows, curves = rows + own, {**curves, own[0].run: curve}
    rows = sort_rows(rows)
    varied = ("learning_rate", "cell")
    return Sweep(rows, summarize(rows, THRESHOLD), curves, varied, THRESHOLD, BASELINES, drawn=varied[:1])


DIAGONAL = {(0.011, 0.3), (0.013, 1.7), (0.04, 2.9)}


def few_draws():
    """Three draws of two settings: a heat map would be empty but for its diagonal."""
    given = sweep({"learning_rate": [0.011, 0.013, 0.04], "clip_norm": [0.3, 1.7, 2.9]}, 2)
    rows = [row for row in given.rows if tuple(row.varied.values()) in DIAGONAL]
    return dataclasses.replace(given, rows=rows, summaries=summarize(rows, THRESHOLD), drawn=given.varied)


GRID = sweep(LENGTHS, 8, some_fail)
THREE = {"seq_len": [5, 10], "hidden_size": [4, 8], "num_layers": [1, 2]}
SWEEPS = {
    "grid": (GRID, "heat_error heat_success heat_steps learning_curves parallel_coordinates"),
    "one setting": (sweep({"hidden_size": [4, 8, 16]}, 3), "error_by_hidden_size learning_curves"),
    "three settings": (
        sweep(THREE, 2),
        "heat_error heat_success heat_steps error_by_num_layers learning_curves parallel_coordinates",
    ),
    "one run": (sweep({"hidden_size": [8]}, 1), "learning_curves"),
    "nothing varies": (sweep({}, 2), "learning_curves"),
    "all failed": (
        sweep({"hidden_size": [4, 8]}, 2, lambda *_: "no memory", ()),
        "error_by_hidden_size learning_curves",
    ),
    "few draws": (few_draws(), "error_by_learning_rate error_by_clip_norm learning_curves parallel_coordinates"),
    "random": (drawn_at_random(), "error_by_learning_rate error_by_cell learning_curves parallel_coordinates"),
}
