"""How our seeds compare with one published figure."""

import dataclasses
import statistics
from collections.abc import Sequence

BETTER, MET, SHORT, OPEN = "better", "met", "short", "later than this part"

RULE = (
    "**better**: the mean of our seeds is better than the published figure. **met**: it is not, but one of our seeds "
    "at least is as good; the published figure is that of one run, too. **short**: none is. *as good* counts the "
    "seeds that are. Of a published range the worse end is to be reached and the better end to be beaten."
)

WALL_TIMES = (
    "A wall time is that of the first seed's run, alone, compilation included; it is to stay below the time of the "
    "tutorial's own program, under TensorFlow 2.21 on two cores of an AMD EPYC (Zen 5), divided by the speed-up that "
    "we aim at; what the tutorials' authors report of other machines is longer."
)


@dataclasses.dataclass(frozen=True)
class Verdict:
    """How our seeds compare.

    Args:
        word: BETTER, MET or SHORT, or OPEN if there is nothing to compare.
        as_good: how many of our seeds are at least as good as the published figure.
    """

    word: str
    as_good: int = 0


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
    as_good = sum(value >= min(theirs) for value in ours)
    if statistics.fmean(ours) > max(theirs):
        return Verdict(BETTER, as_good)
    return Verdict(MET if as_good else SHORT, as_good)
