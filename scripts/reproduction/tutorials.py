"""How fast we are beside the tutorials' own programs: as measured on this machine, or else against times of another."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lstm_jax.settings import SettingError


@dataclasses.dataclass(frozen=True)
class TutorialTimes:
    """How our runs compare with the tutorials' own programs.

    Args:
        times_as_fast: by case, one a repetition in which the two took turns; empty where nothing was measured.
        remark: where and how it was measured.
    """

    times_as_fast: Mapping[str, tuple[float, ...]] = dataclasses.field(default_factory=dict)
    remark: str = ""


def read_tutorial_times(path: str) -> TutorialTimes:
    """What `benchmarks.tutorials` wrote; without a file, nothing.

    Raises:
        SettingError: the file cannot be used.
    """
    if not path:
        return TutorialTimes()
    try:
        return _from_record(json.loads(Path(path).read_text()))
    except (OSError, ValueError, KeyError, TypeError):
        reason = f"cannot be read: python -m benchmarks.tutorials --json={path} makes such a file"
        raise SettingError("tutorial_times", path, reason) from None


def _from_record(record: Mapping[str, Any]) -> TutorialTimes:
    host = record["machine"]
    remark = (
        "*times as fast*: the tutorials' own programs, as written for TensorFlow 1, and ours in turn, whole processes "
        f"with compilation: TensorFlow {host['versions']['tensorflow']}, {host['cores']} cores, {host['processor']}, "
        f"on {record['date']}, `{record['command']}`."
    )
    times = {
        name: tuple(run["theirs"]["whole"] / run["ours"]["whole"] for run in program["runs"])
        for name, program in record["programs"].items()
    }
    return TutorialTimes(times, remark)
