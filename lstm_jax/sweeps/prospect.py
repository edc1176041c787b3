"""What a sweep will do, in words."""

from collections.abc import Sequence

from lstm_jax.runs.report import counted
from lstm_jax.sweeps import rungs
from lstm_jax.sweeps.labels import describe
from lstm_jax.sweeps.page import duration
from lstm_jax.sweeps.plan import Plan
from lstm_jax.sweeps.store import Spent
from lstm_jax.sweeps.task import Task, longest_first
from lstm_jax.sweeps.work import time_left

MOST_LINES = 60
"""Lines on programs and their settings that are shown."""


def updates(task: Task) -> int:
    """The updates of all members of a task together."""
    return rungs.updates(task.rungs, task.num_steps, task.members)


def overview(plan: Plan, finished: int, tasks: Sequence[Task], places: int | None) -> str:
    """One line on what there is to do.

    Args:
        plan: all runs.
        finished: settings that were done before.
        tasks: what is left.
        places: how many tasks go on at a time; None: that is not known.
    """
    seeds = plan.runs[0].config.run.num_seeds
    what = f"{counted(len(plan.runs), 'setting')} x {counted(seeds, 'seed')} = {counted(plan.members, 'run')}"
    before = f", {counted(finished, 'setting')} done before" if finished else ""
    if not tasks:
        return f"{plan.experiment}: {what}{before}; nothing to do"
    total = sum(map(updates, tasks))
    at_once = (
        "as many at a time as Ray has room for" if places is None else f"{'one' if places == 1 else places} at a time"
    )
    to_do = f"{counted(len(tasks), 'compiled program')}, {counted(total, 'update')}, {at_once}"
    return f"{plan.experiment}: {what}{before}; to do: {to_do}"


def left_out(others: int) -> str:
    """What to do about runs that an earlier command made and this one does not ask for."""
    are = "is" if others == 1 else "are"
    return f"{counted(others, 'setting')} of earlier commands {are} left out of the tables: --set no longer gives them"


def saved(tasks: Sequence[Task]) -> str:
    """What successive halving saves, in one line."""
    full = sum(task.num_steps * task.members for task in tasks)
    used = sum(map(updates, tasks))
    if used == full:
        return (
            "halving: no member is dropped; too few share a program, or they are compared too rarely (--set eval_every)"
        )
    return f"halving: {used:,} of {full:,} updates, {1 - used / full:.0%} saved"


def programs(plan: Plan, tasks: Sequence[Task]) -> list[str]:
    """For each compiled program a line, in the order in which they are begun, and one for each of its settings."""
    by_identity = {run.identity: run for run in plan.runs}
    lines = []
    for task in longest_first(tasks):
        settings = [plan.settings_of(by_identity[run.identity]) for run in task.runs]
        same = {name: value for name, value in settings[0].items() if all(own[name] == value for own in settings)}
        seeds = counted(task.members // len(task.runs), "seed")
        size = seeds if len(settings) == 1 else f"{counted(len(settings), 'setting')} x {seeds}"
        lines.append(f"  {describe(same) or 'one program'}: {size}, {counted(updates(task), 'update')}")
        if task.rungs:
            lines.append(f"    {rungs.describe(task.rungs, task.num_steps, task.members)}")
        if len(settings) > 1:
            lines += [f"    {describe({name: own[name] for name in own if name not in same})}" for own in settings]
    if len(lines) > MOST_LINES:
        return [*lines[:MOST_LINES], f"  ... and {counted(len(lines) - MOST_LINES, 'more line')}"]
    return lines


def expected_time(tasks: Sequence[Task], spent: Spent, places: int | None) -> str:
    """How long it will take, as far as that is known."""
    seconds = time_left([task.work for task in tasks], spent.worker_seconds, spent.work, places or 1)
    if seconds is None:
        return "expected time: not known before the first program of this sweep is done"
    at_once = "" if places else " if there is room for one at a time"
    return f"expected time: {duration(seconds)}{at_once}, as fast as it was so far"
