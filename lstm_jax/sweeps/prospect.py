"""What a sweep will do, in words."""

from collections.abc import Sequence

from lstm_jax.sweeps import rungs
from lstm_jax.sweeps.figures import describe
from lstm_jax.sweeps.page import duration
from lstm_jax.sweeps.plan import Plan
from lstm_jax.sweeps.store import Spent
from lstm_jax.sweeps.task import Task, longest_first
from lstm_jax.sweeps.work import time_left

MOST_LINES = 40
"""Programs that are listed one by one."""


def updates(task: Task) -> int:
    """The updates of all members of a task together."""
    return rungs.updates(task.rungs, task.num_steps, task.members)


def overview(plan: Plan, finished: int, tasks: Sequence[Task], workers: int) -> str:
    """One line on what there is to do."""
    each = {run.config.run.num_seeds for run in plan.runs}
    what = f"{len(plan.runs):,} settings x {each.pop()} seeds = {plan.members:,} runs"
    before = f", {finished:,} settings done before" if finished else ""
    total = sum(map(updates, tasks))
    compiled = "compiled program" if len(tasks) == 1 else "compiled programs"
    at_once = f"{workers} at a time" if workers > 1 else "one at a time"
    return f"{plan.experiment}: {what}{before}; to do: {len(tasks):,} {compiled}, {total:,} updates, {at_once}"


def saved(tasks: Sequence[Task]) -> str:
    """What successive halving saves, in one line."""
    full = sum(task.num_steps * task.members for task in tasks)
    used = sum(map(updates, tasks))
    if not full:
        return "halving: nothing to do"
    if used == full:
        return (
            "halving: no member is dropped; too few share a program, or they are compared too rarely (--set eval_every)"
        )
    return f"halving: {used:,} of {full:,} updates, {1 - used / full:.0%} saved"


def programs(plan: Plan, tasks: Sequence[Task]) -> list[str]:
    """A line for each compiled program, in the order in which they are begun."""
    by_identity = {run.identity: run for run in plan.runs}
    lines = []
    for task in longest_first(tasks)[:MOST_LINES]:
        settings = [plan.settings_of(by_identity[run.identity]) for run in task.runs]
        same = {name: value for name, value in settings[0].items() if all(own[name] == value for own in settings)}
        varied = [f"{name}: {len({own[name] for own in settings})} values" for name in settings[0] if name not in same]
        parts = ", ".join(filter(None, [describe(same), *varied])) or "one setting"
        line = f"  {parts}: {len(task.runs)} x {task.members // len(task.runs)} runs, {updates(task):,} updates"
        lines.append(line)
        if task.rungs:
            lines.append(f"    {rungs.describe(task.rungs, task.num_steps, task.members)}")
    if len(tasks) > MOST_LINES:
        lines.append(f"  and {len(tasks) - MOST_LINES:,} more")
    return lines


def expected_time(tasks: Sequence[Task], spent: Spent, workers: int) -> str:
    """How long it will take, as far as that is known."""
    seconds = time_left([task.work for task in tasks], spent.worker_seconds, spent.work, workers)
    if seconds is None:
        return "expected time: not known before the first program of this sweep is done"
    return f"expected time: {duration(seconds)}, as fast as it was so far" if tasks else "nothing to do"
