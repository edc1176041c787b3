"""Folders as finished runs leave them, with numbers made by hand."""

import json
from pathlib import Path

from scripts.reproduction.cases import CASES, Case
from scripts.reproduction.runs import Budget

SIGN_SUM = CASES["sign_sum"]


def published_curve(case: Case, quantity: str) -> dict[int, float]:
    return {claim.step: claim.figures[0] for claim in case.claims if claim.quantity == quantity}


def leave_run(budget: Budget, case: Case, seeds: range, factors: list[float], seconds: float) -> None:
    """A run whose errors are the published ones times a factor a seed."""
    folder = budget.folder(case, seeds)
    errors, losses = published_curve(case, "error"), published_curve(case, "loss")
    rows = [
        {"step": step, "split": split, "seed": seed, "error": factor * error, "loss": factor * losses.get(step, 1.0)}
        for step, error in errors.items()
        if step <= budget.steps(case)
        for seed, factor in zip(seeds, factors, strict=True)
        for split in ("train", case.split)
    ]
    for row in rows:
        if row["split"] != case.split:
            row["error"] = row["loss"] = 0.9  # is not to be taken for the other split
    leave_lines(folder, rows, {"steps": budget.steps(case), "wall_seconds": seconds})


def leave_lines(folder: Path, rows: list[dict], result: dict) -> None:
    """A run's folder with these lines of metrics, a last one that was never finished, and this result."""
    folder.mkdir(parents=True)
    unfinished = '{"step": 4000, "split": "te'
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + unfinished)
    (folder / "result.json").write_text(json.dumps(result))


def leave_runs(workdir: Path, factors: list[float], seconds: float, share: float = 1.0) -> Budget:
    """The runs of the sign game, one seed a factor."""
    budget = Budget(workdir, seed=3, num_seeds=len(factors), share=share)
    for seeds in budget.populations():
        leave_run(budget, SIGN_SUM, seeds, [factors[seed - 3] for seed in seeds], seconds)
    return budget
