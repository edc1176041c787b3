"""How our seeds compare with one published figure."""

import dataclasses
import math
import statistics
from collections.abc import Sequence

import numpy as np

BETTER, MET, SHORT, OPEN = "better", "met", "short", "not reached in the budget"

UNLIKELY = 0.025
"""A published run that is better than all but this share of runs like ours is one that ours do not reach."""

RULE = (
    "**better**: the mean of our seeds is better than the published figure. **met**: it is not, but one more run like "
    "ours would be at least as good as the published one with a chance of "
    f"{UNLIKELY:.1%} or more. **short**: the chance is smaller; or there is one seed only, whose spread is unknown. "
    "The published figure is that of one run and ours are several, so the question is whether that run could have "
    "been one of ours: the chance is that of Student's t for a further observation, (figure - mean) / "
    "(s sqrt(1 + 1/n)) with n - 1 degrees of freedom. With few seeds s is hardly known, and the chance is large. "
    "Of a published range the worse end is to be reached and the better end to be beaten. Wall time is that of the "
    "first seed's run, alone, compilation included; it is to stay below the time of the tutorial's own program "
    "divided by the speed-up that we aim at."
)


@dataclasses.dataclass(frozen=True)
class Verdict:
    """How our seeds compare.

    Args:
        word: BETTER, MET or SHORT, or OPEN if there is nothing to compare.
        chance: that one more run like ours is at least as good as the published one; None: unknown.
    """

    word: str
    chance: float | None = None


def judge(values: Sequence[float], figures: Sequence[float], more_is_better: bool) -> Verdict:
    """Compares our seeds with what was published.

    Args:
        values: ours, one a seed; none if the run was too short.
        figures: what was published: one figure, or the ends of a range.
        more_is_better: whether a larger number is the better one.
    """
    if not values:
        return Verdict(OPEN)
    sign = 1.0 if more_is_better else -1.0
    ours, theirs = [sign * value for value in values], [sign * figure for figure in figures]
    chance = chance_of_reaching(ours, min(theirs))
    mean = statistics.fmean(ours)
    if mean > max(theirs):
        return Verdict(BETTER, chance)
    reached = mean >= min(theirs) or (chance is not None and chance >= UNLIKELY)
    return Verdict(MET if reached else SHORT, chance)


def chance_of_reaching(values: Sequence[float], figure: float) -> float | None:
    """The chance that one more value of the same normal distribution is at least `figure`; None for a single value.

    The distance between a further value and the mean of n is Student's t with n - 1 degrees of freedom, in units of
    s sqrt(1 + 1/n) (Geisser, Predictive Inference, 1993, chapter 2). With t = sqrt(n - 1) tan(a) its density is
    proportional to cos(a)^(n - 2).
    """
    if len(values) < 2:
        return None
    freedom = len(values) - 1
    distance = figure - statistics.fmean(values)
    spread = statistics.stdev(values) * math.sqrt(1 + 1 / len(values))
    start = math.atan2(distance, spread * math.sqrt(freedom)) if distance or spread else -math.pi / 2
    return _area(start, freedom) / _area(-math.pi / 2, freedom)


def _area(start: float, freedom: int) -> float:
    """The integral of cos(a)^(freedom - 1) from `start` to a right angle."""
    angles = np.linspace(start, np.pi / 2, 10_001)
    return float(np.trapezoid(np.clip(np.cos(angles), 0, None) ** (freedom - 1), angles))
