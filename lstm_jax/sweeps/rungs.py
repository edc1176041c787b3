"""Successive halving: at a few rungs only the best members go on, so that most updates go to the promising ones.

Jamieson and Talwalkar (2016), "Non-stochastic best arm identification and hyperparameter optimization"; the rungs are
those of one bracket of Li et al. (2018), "Hyperband: a novel bandit-based approach to hyperparameter optimization":
with a factor of 3, a third of the members goes on at each rung, for three times as many updates.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from lstm_jax.settings import SettingError


class Rung(NamedTuple):
    """After this many updates, only so many members go on."""

    step: int
    survivors: int


def plan_rungs(num_steps: int, members: int, halving: int, every: int) -> list[Rung]:
    """Where members are dropped.

    Args:
        num_steps: updates of a member that is never dropped.
        members: that begin.
        halving: the factor by which they become fewer at each rung.
        every: rungs are rounded up to multiples of this, so that no member is judged earlier than planned. Of rungs
            that meet, the last one counts; a rung that meets the end falls away.

    Returns:
        The rungs, in the order of updates; empty where too few members or updates leave none.

    Raises:
        SettingError: the factor is below 2.
    """
    if halving < 2:
        raise SettingError("halving", halving, "must be an integer of at least 2")
    number = 0
    while halving ** (number + 1) <= members:
        number += 1
    survivors: dict[int, int] = {}
    for rung in range(1, number + 1):
        step = -(-num_steps // (halving ** (number + 1 - rung) * every)) * every  # rounded up
        if step < num_steps:
            survivors[step] = members // halving**rung
    return [Rung(step, count) for step, count in survivors.items()]


def updates(rungs: Sequence[Rung], num_steps: int, members: int) -> int:
    """The updates of all members together; without rungs, those of a full run."""
    total, before = 0, 0
    for step, survivors in [*rungs, Rung(num_steps, 0)]:
        total += members * (step - before)
        members, before = survivors, step
    return total


def describe(rungs: Sequence[Rung], num_steps: int, members: int) -> str:
    """The rungs and what they save in one line."""
    if not rungs:
        return f"no rung among {num_steps:,} updates of {members} members: all go on to the end"
    used, full = updates(rungs, num_steps, members), num_steps * members
    course = ", ".join(f"{rung.survivors} go on at {rung.step:,}" for rung in rungs)
    return f"of {members} members, {course}: {used:,} of {full:,} updates, {1 - used / full:.0%} saved"


def survivors(scores: Sequence[float], count: int) -> list[int]:
    """The places of the members that go on, in ascending order.

    Args:
        scores: a number for each member, the smaller the better; one that is not finite is the worst. Of equal members
            the earlier is the better one: members are in the order of settings, and of seeds within a setting.
        count: how many go on.
    """

    def badness(place: int) -> tuple[bool, float, int]:
        finite = math.isfinite(scores[place])
        return not finite, scores[place] if finite else 0.0, place

    return sorted(sorted(range(len(scores)), key=badness)[:count])
