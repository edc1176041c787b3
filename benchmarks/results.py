"""What was measured, and what follows from it."""

import dataclasses
import statistics
from collections.abc import Iterable, Mapping
from typing import Any

from benchmarks.work import Shape, flop

OURS = "lstm_jax"


@dataclasses.dataclass
class Measurement:
    """One contestant at one piece of work: the seconds a call of each repetition, or the reason why there are none."""

    cell: str
    which: str
    shape: Shape
    peer: str
    seconds: list[float] = dataclasses.field(default_factory=list)
    first_call_seconds: float | None = None
    calls: int = 0
    loss: float | None = None
    gradient: float | None = None
    not_measured: str | None = None
    disagrees: str | None = None
    """What it computes instead of what our layer computes; its time is not comparable then."""

    def prepared(self, answer: Mapping[str, Any]) -> None:
        """Notes what its first process says of the first call; of later ones, how many calls a turn has."""
        self.calls = answer["calls"]
        if self.first_call_seconds is None:
            self.first_call_seconds = answer["first_call_seconds"]
            self.loss, self.gradient = answer["loss"], answer.get("gradient")

    @property
    def measured(self) -> bool:
        """Whether there is a time."""
        return self.not_measured is None

    @property
    def median(self) -> float:
        """Seconds a call."""
        return statistics.median(self.seconds)

    @property
    def quartiles(self) -> tuple[float, float]:
        """Seconds a call: a quarter of the repetitions was faster than the first, a quarter slower than the second."""
        if len(self.seconds) == 1:
            return self.seconds[0], self.seconds[0]
        low, _, high = statistics.quantiles(self.seconds, n=4, method="inclusive")
        return low, high

    @property
    def gflops(self) -> float:
        """Operations a nanosecond."""
        return flop(self.cell, self.which, self.shape) / self.median / 1e9

    def record(self, matmul_gflops: float | None) -> dict[str, Any]:
        """The measurement for a JSON file; None: there is no large matrix product to relate its rate to."""
        record = {
            **{name: getattr(self, name) for name in ("cell", "peer", "first_call_seconds", "calls", "loss")},
            "pass": self.which,
            "shape": dataclasses.asdict(self.shape),
            "gradient_norm": self.gradient,
            "not_measured": self.not_measured,
            "disagrees": self.disagrees,
            "seconds": self.seconds,
        }
        if not self.measured:
            return record
        numbers = {"median": self.median, "quartiles": self.quartiles, "gflops": self.gflops}
        return {**record, **numbers, "share_of_matmul": self.gflops / matmul_gflops if matmul_gflops else None}


def best_rate(rates: Mapping[str, float | None]) -> float | None:
    """The best of those that were measured, None if none was."""
    return max((rate for rate in rates.values() if rate), default=None)


def compare(measurements: Iterable[Measurement], tolerance: float) -> None:
    """Marks those whose loss or gradient differs from our layer's (or the first one's, if ours was not measured).

    Args:
        measurements: all contestants at one piece of work.
        tolerance: the largest relative difference that rounding explains.
    """
    measured = [measurement for measurement in measurements if measurement.measured]
    if not measured:
        return
    reference = next((one for one in measured if one.peer == OURS), measured[0])
    for one in measured:
        for name in ("loss", "gradient"):
            ours, theirs = getattr(reference, name), getattr(one, name)
            # Written so that NaN differs from everything.
            if ours is not None and not abs(theirs - ours) <= tolerance * abs(ours):
                one.disagrees = f"its {name} is {theirs:.6g}, that of {reference.peer} is {ours:.6g}"
                break


def exit_status(measurements: Iterable[Measurement]) -> int:
    """1 if a contestant computes something else, or if nothing could be measured; else 0."""
    measured = [one for one in measurements if one.measured]
    return 1 if not measured or any(one.disagrees for one in measured) else 0
