"""Sweeps that nobody ran: rows and curves with the shapes that real ones have."""

import hashlib
import itertools

import numpy as np

from lstm_jax.runs.config import RunConfig
from lstm_jax.sweeps.collect import curves
from lstm_jax.sweeps.table import make_rows
from lstm_jax.tasks.count_bits import CountBits

THRESHOLD = 0.01
DEFAULTS = RunConfig(CountBits()).settings()


def run_of(settings, num_seeds, *, varied, failures=None, flags=None, size=1_000, every=250, steps=2_000):
    """(rows, curve by seed) of one run, with errors that fall faster for short strings and large networks."""
    settings = {**DEFAULTS, "num_steps": steps, "num_seeds": num_seeds, **settings}
    run = hashlib.sha256(str(sorted(settings.items())).encode()).hexdigest()[:8]
    record = {"experiment": "count_bits", "settings": settings}
    rng = np.random.default_rng(int(run, 16))
    metrics, seeds, failures = [], [], failures or {}
    for seed in range(settings["seed"], settings["seed"] + num_seeds):
        speed = settings["hidden_size"] / settings["seq_len"] * rng.lognormal(0, 0.5) * settings["learning_rate"] / 0.04
        last = steps // 3 if seed in failures else steps
        for step in range(every, last + 1, every):
            error = round(size * 0.85 * float(np.exp(-speed * step / 250))) / size
            metrics.append({"step": step, "split": "train", "seed": seed, "loss": error, "error": 1.0})
            metrics.append({"step": step, "split": "test", "seed": seed, "loss": 2 * error, "error": error})
        if seed not in failures:
            mistakes = round(metrics[-1]["error"] * size)
            ours = {"test_error": mistakes / size, "test_mistakes": mistakes, "test_size": size}
            seeds.append({"seed": seed, **ours, "test_loss": 2 * mistakes / size, "steps": steps})
    rows = make_rows(
        run,
        record,
        {"seeds": seeds, "wall_seconds": round(1.5 + rng.random(), 2)} if seeds else None,
        metrics,
        failures=failures,
        dropped={},
        flags=flags if flags is not None else {name: settings[name] for name in varied},
        varied=varied,
        threshold=THRESHOLD,
        folder=f"runs/{run}",
    )
    return rows, curves(metrics)


def sweep_of(axes, num_seeds, *, failures=None):
    """(rows, curves by run and seed) of a grid.

    Args:
        axes: the values of each setting that varies.
        num_seeds: of each run.
        failures: a function of settings and seed that gives the reason of a failure, or nothing.
    """
    rows, by_run = [], {}
    for values in itertools.product(*axes.values()):
        settings = dict(zip(axes, values, strict=True))
        why = {seed: failures(settings, seed) for seed in range(num_seeds)} if failures else {}
        failed = {seed: reason for seed, reason in why.items() if reason}
        own, curve = run_of(settings, num_seeds, varied=list(axes), failures=failed)
        rows += own
        by_run[own[0].run] = curve
    return rows, by_run


def some_fail(settings, seed):
    """One cell without any result, one where two seeds failed."""
    if (settings["seq_len"], settings["hidden_size"]) == (40, 32):
        return "out of memory: 17,179,869,184 bytes"
    if (settings["seq_len"], settings["hidden_size"]) == (20, 4) and seed in (2, 5):
        return "the loss of seed <2> & others is not finite at step 612"
    return ""


LENGTHS = {"seq_len": [5, 10, 20, 40], "hidden_size": [4, 8, 16, 32]}
