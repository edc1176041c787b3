"""How long the tutorials' own programs take: as measured on this machine, or where nothing was, elsewhere."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lstm_jax.settings import SettingError

ELSEWHERE = (
    "The tutorials' own programs were timed under TensorFlow 2.21 on two cores of an AMD EPYC (Zen 5); what their "
    "authors report of other machines is longer."
)


@dataclasses.dataclass(frozen=True)
class TutorialTimes:
    """Wall times of the tutorials' own programs.

    Args:
        seconds: by case; of those that are missing, what was measured elsewhere counts.
        remark: where and how they were measured.
    """

    seconds: Mapping[str, float] = dataclasses.field(default_factory=dict)
    remark: str = ELSEWHERE


def read_tutorial_times(path: str) -> TutorialTimes:
    """What `benchmarks.tutorials` wrote; without a file, nothing.

    Raises:
        SettingError: the file cannot be used.
    """
    if not path:
        return TutorialTimes()
    try:
        record = json.loads(Path(path).read_text())
        return make_tutorial_times(record)
    except (OSError, ValueError, KeyError, TypeError):
        reason = f"cannot be read: python -m benchmarks.tutorials --json={path} makes such a file"
        raise SettingError("tutorial_times", path, reason) from None


def make_tutorial_times(record: Mapping[str, Any]) -> TutorialTimes:
    """The times in a record of `benchmarks.tutorials`."""
    host = record["machine"]
    remark = (
        f"The tutorials' own programs, as written for TensorFlow 1: TensorFlow {host['versions']['tensorflow']}, "
        f"{host['cores']} cores, {host['processor']}, on {record['date']}, `{record['command']}`."
    )
    return TutorialTimes({name: float(one["seconds"]) for name, one in record["programs"].items()}, remark)
