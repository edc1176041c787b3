"""What a sweep says at its end: why runs failed."""

import re
from collections.abc import Sequence

from lstm_jax.runs.report import counted
from lstm_jax.sweeps.table import FAILED, Row


def failures(rows: Sequence[Row]) -> str | None:
    """How many seeds failed, and why; None if none did.

    Args:
        rows: of all runs.
    """
    failed = [row for row in rows if row.status == FAILED]
    if not failed:
        return None
    what = f"{counted(len(failed), 'seed')} of {counted(len({row.run for row in failed}), 'setting')} failed"
    first, *others = dict.fromkeys(_first_sentence(row.reason or "no result") for row in failed)
    more = f" (and {counted(len(others), 'other reason')})" if others else ""
    return f"{what}: {first}{more}; --retry_failed tries again"


def _first_sentence(reason: str) -> str:
    return re.split(r"[.!?]\s", reason, maxsplit=1)[0].removesuffix(".")
