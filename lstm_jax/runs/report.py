"""A finished run in words and tables."""

from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_jax.runs.config import RunConfig
from lstm_jax.training.evaluate import Score

if TYPE_CHECKING:
    from lstm_jax.runs.loop import Session

MOST_ROWS = 42
"""Longer tables are put together into rows of several answers or lengths."""


def make_result(config: RunConfig, session: "Session", scores: list[Score]) -> dict[str, Any]:
    """What belongs into result.json."""
    length = config.strings.seq_len
    seeds = []
    for number, score in enumerate(scores):
        steps = session.members.step if session.best is None else session.best.step
        known = session.setup.data.answers[number]
        low, high = config.task.answer_range(length)
        trained = np.bincount(np.asarray(known, np.int64).ravel() - low, minlength=high - low + 1)
        seeds.append(
            {
                "seed": session.setup.seeds[number],
                "test_error": score.error,
                "test_mistakes": score.mistakes,
                "test_size": score.size,
                "test_loss": score.loss,
                "sampled": score.sampled,
                "interval_95": list(score.interval),
                "steps": int(steps[number]),
                "by_answer": {str(answer): list(counts) for answer, counts in score.by_answer.items()},
                "by_length": {str(length): list(counts) for length, counts in score.by_length.items()},
                "trained": {str(low + place): int(count) for place, count in enumerate(trained) if count},
            }
        )
    return {
        "experiment": config.task.name,
        "asked": config.task.asked,
        "config": config.settings(),
        "seeds": seeds,
        "wall_seconds": round(session.seconds, 2),
        "steps": session.step,
        "published": config.task.published(length),
    }


def evaluation_line(step: int, epoch: float, scores: list[Score]) -> str:
    """One line on how far the members are."""
    errors = [score.error for score in scores]
    spread = f", from {min(errors):.4%} to {max(errors):.4%}" if len(errors) > 1 else ""
    return f"step {step:7,} (epoch {epoch:7.1f})  test error {np.mean(errors):.4%}{spread}"


def errors_by(result: dict[str, Any], group: str) -> dict[int, float]:
    """The error by answer or length, over all seeds: {answer: share of mistakes}."""
    return {key: mistakes / size for key, (mistakes, size) in counts_by(result, group).items()}


def counts_by(result: dict[str, Any], group: str) -> dict[int, tuple[int, int]]:
    """Mistakes and strings by answer or length, summed over all seeds."""
    total: dict[int, tuple[int, int]] = {}
    for seed in result["seeds"]:
        for key, (mistakes, size) in seed[group].items():
            before = total.get(int(key), (0, 0))
            total[int(key)] = (before[0] + mistakes, before[1] + size)
    return dict(sorted(total.items()))


def describe(result: dict[str, Any]) -> str:
    """The result as a person wants to read it, wall time apart."""
    parts = [_table(result)]
    if len(result["seeds"][0]["by_length"]) > 1:
        parts.append(_length_table(result))
    parts.append("\n".join([*_seed_lines(result), *_remarks(result)]))
    return "\n\n".join(parts)


def closing_line(result: dict[str, Any]) -> str:
    """Wall time beside what was published."""
    here = f"Wall time {result['wall_seconds']:.1f} s for {result['steps']:,} updates, from the start of the process."
    published = result["published"]
    if not published:
        return here
    return f"{here} Published ({published['what']}): {published['error']:.1%} after {published['time']}."


def as_markdown(text: str) -> str:
    """Keeps the columns of a text for TensorBoard."""
    return "\n".join("    " + line for line in text.splitlines())


def _table(result: dict[str, Any]) -> str:
    counts, asked = counts_by(result, "by_answer"), result["asked"]
    trained: dict[int, int] = {}
    for seed in result["seeds"]:
        for answer, times in seed["trained"].items():
            trained[int(answer)] = trained.get(int(answer), 0) + times
    lines = [f"{asked:>11}  {'unseen strings':>14}  {'mistakes':>9}  {'error':>10}  {'times in training':>17}"]
    for name, keys in _rows(sorted(counts.keys() | trained.keys())):
        mistakes, size = (sum(counts.get(key, (0, 0))[place] for key in keys) for place in (0, 1))
        error = f"{mistakes / size:10.4%}" if size else f"{'-':>10}"
        lines.append(f"{name:>11}  {size:14,}  {mistakes:9,}  {error}  {sum(trained.get(k, 0) for k in keys):17,}")
    return "\n".join(lines)


def _length_table(result: dict[str, Any]) -> str:
    lines = [f"{'length':>11}  {'unseen strings':>14}  {'mistakes':>9}  {'accuracy':>10}"]
    counts = counts_by(result, "by_length")
    for name, keys in _rows(sorted(counts)):
        mistakes, size = (sum(counts[key][place] for key in keys) for place in (0, 1))
        lines.append(f"{name:>11}  {size:14,}  {mistakes:9,}  {1 - mistakes / size:10.4%}")
    return "\n".join(lines)


def _rows(keys: list[int]) -> list[tuple[str, list[int]]]:
    """The rows of a table: one a key, or one for several neighbours if there are too many."""
    together = -(-len(keys) // MOST_ROWS)
    groups = [keys[start : start + together] for start in range(0, len(keys), together)]
    return [(f"{group[0]}" if len(group) == 1 else f"{group[0]}-{group[-1]}", group) for group in groups]


def _seed_lines(result: dict[str, Any]) -> list[str]:
    seeds = result["seeds"]
    lines = []
    for seed in seeds:
        what = f"{seed['test_size']:,} sampled unseen strings" if seed["sampled"] else f"all {seed['test_size']:,} unseen strings"
        line = f"Seed {seed['seed']}: error {seed['test_error']:.4%}, {seed['test_mistakes']:,} mistakes on {what}"
        if seed["sampled"]:
            low, high = seed["interval_95"]
            line += f" (95 % confidence: {low:.4%} to {high:.4%})"
        lines.append(line)
    if len(seeds) > 1:
        errors = [seed["test_error"] for seed in seeds]
        best = seeds[int(np.argmin(errors))]
        lines.append(
            f"{len(seeds)} seeds: mean {np.mean(errors):.4%}, standard deviation {np.std(errors, ddof=1):.4%}, "
            f"best {best['test_error']:.4%} (seed {best['seed']})"
        )
    return lines


def _remarks(result: dict[str, Any]) -> list[str]:
    """What the errors are to be compared with."""
    lines = []
    for seed in result["seeds"]:
        missing = [answer for answer in seed["by_answer"] if answer not in seed["trained"]]
        if not missing:
            continue
        strings = sum(seed["by_answer"][answer][1] for answer in missing)
        floor = strings / seed["test_size"]
        names = ", ".join(missing[:20]) + (", ..." if len(missing) > 20 else "")
        lines.append(f"Seed {seed['seed']} never saw the {result['asked']} {names} in training: {strings:,} unseen strings.")
        if result["config"]["readout"] == "class":
            lines[-1] += f" A class that is never shown is not learned: this sets a floor of {floor:.4%}."
    counts = counts_by(result, "by_answer")
    majority = max(counts, key=lambda answer: counts[answer][1])
    error = 1 - counts[majority][1] / sum(size for _, size in counts.values())
    lines.append(f"Baseline: always answering {majority} is wrong on {error:.2%}.")
    return lines
