"""The published figures beside ours: a Markdown table, and the same as numbers."""

import dataclasses
import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any

from lstm_jax.runs import report
from scripts.reproduction.cases import EXPERIMENTS, Case, Claim
from scripts.reproduction.runs import Outcome
from scripts.reproduction.verdicts import OPEN, RULE, SHORT, WALL_TIMES, Verdict, judge

HEADER = ["run", "figure", "published", "ours, mean", "from", "to", "s", "as good", "verdict"]

SEEDS, BUDGET = 5, 25
"""The three tutorials with so many seeds are meant to take less than so many minutes on two cores."""


@dataclasses.dataclass(frozen=True)
class Row:
    """One published figure and ours.

    Args:
        case: the preset.
        claim: the figure.
        goal: what it is compared with: the published figure, or a share of the published time.
        values: ours, one a seed.
        verdict: how they compare.
    """

    case: Case
    claim: Claim
    goal: tuple[float, ...]
    values: list[float]
    verdict: Verdict

    def record(self) -> dict[str, Any]:
        """As it stands in reproduce.json."""
        return {
            "case": self.case.name,
            **dataclasses.asdict(self.claim),
            "goal": self.goal,
            "ours": self.values,
            "as_good": self.verdict.as_good,
            "verdict": self.verdict.word,
        }

    def cells(self) -> list[str]:
        """As it stands in the table."""
        published = " to ".join(show(self.claim, figure) for figure in self.claim.figures)
        if self.claim.quantity == "seconds":
            published += f" (aim: {self.case.faster:g} times as fast)"
        if self.claim.quantity == "times":
            published = f"aim: {published}"
        spread = show_spread(self.claim, self.values)
        if self.values and self.claim.quantity == "seconds":
            spread[0] += f" ({self.claim.figures[0] / self.values[0]:.1f} times)"
        as_good = f"{self.verdict.as_good} of {len(self.values)}" if self.values else ""
        return [self.case.name, self.claim.what, published, *spread, as_good, self.verdict.word]


def make_rows(outcomes: Sequence[Outcome]) -> list[Row]:
    """Compares every published figure."""
    rows = []
    for outcome in outcomes:
        for claim in outcome.case.claims:
            divisor = outcome.case.faster if claim.quantity == "seconds" else 1.0
            goal, values = tuple(figure / divisor for figure in claim.figures), outcome.at(claim)
            rows.append(Row(outcome.case, claim, goal, values, judge(values, goal, claim.more_is_better)))
    return rows


def show(claim: Claim, value: float) -> str:
    """A value with its unit."""
    if claim.quantity == "seconds":
        return f"{value:.1f} s" if value < 100 else f"{value:.0f} s"
    if claim.quantity == "times":
        return f"{value:.1f}"
    return f"{value:.3f}" if claim.quantity == "loss" else f"{100 * value:.3g}%"


def show_spread(claim: Claim, values: Sequence[float]) -> list[str]:
    """Mean, smallest, largest and standard deviation of our values, as far as there are any."""
    if not values:
        return [""] * 4
    mean = show(claim, statistics.fmean(values))
    if len(values) == 1:
        return [mean, "", "", ""]
    return [mean, *(show(claim, value) for value in (min(values), max(values), statistics.stdev(values)))]


def exit_status(rows: Sequence[Row]) -> int:
    """1 if we fall short of any published figure, else 0."""
    return int(any(row.verdict.word == SHORT for row in rows))


def total_time(outcomes: Sequence[Outcome]) -> str:
    """The wall time of all runs, one after another, and of the tutorials alone without their variants; a sentence."""
    spent = {outcome.case.name: outcome.total_seconds for outcome in outcomes}
    runs = max(len(curves) for outcome in outcomes for curves in outcome.values.values())
    seeds = f"{runs} seeds each" if runs > 1 else "one seed each"
    tutorials = [outcome.case.name for outcome in outcomes if not outcome.case.settings]
    parts = [f"{minutes(sum(spent.values()))} for {', '.join(spent)}"]
    if 0 < len(tutorials) < len(spent):
        aim = f" (aim: less than {BUDGET})" if len(tutorials) == len(EXPERIMENTS) and runs == SEEDS else ""
        parts.insert(0, f"{minutes(sum(spent[name] for name in tutorials))} for {', '.join(tutorials)}{aim}")
    return f"All runs one after another, {seeds}, compilation included: {'; '.join(parts)}."


def minutes(seconds: float) -> str:
    """Seconds as minutes, to a tenth."""
    return f"{seconds / 60:.1f} minutes"


def as_markdown(rows: Sequence[Row], machine: str, theirs: str, spent: str, picture: str) -> str:
    """The whole report.

    Args:
        rows: of the table.
        machine: what our times were measured on.
        theirs: where and how the times of the tutorials' programs were measured, as a sentence.
        spent: how long all took, as a sentence.
        picture: name of the file with the learning curves.
    """
    counts = Counter(row.verdict.word for row in rows)
    summary = ", ".join(f"{count} {word}" for word, count in counts.items())
    remarks = [
        f"{len(rows)} figures: {summary}.",
        f"{RULE} {WALL_TIMES}" if any(row.claim.quantity == "seconds" for row in rows) else RULE,
        f"Our wall times: {machine}. {theirs}".rstrip(),
        spent,
    ]
    if counts[OPEN]:
        remarks.append("Figures that were published for later updates than those of this budget are not judged.")
    table = report.as_markdown([[HEADER, *(row.cells() for row in rows)]], remarks)
    return f"# Published figures beside ours\n\n{table}\n\n![Learning curves with the published figures]({picture})\n"
