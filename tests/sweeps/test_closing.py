"""What a sweep says at its end: why runs failed."""

import dataclasses

import pytest

from lstm_jax.sweeps.closing import failures
from lstm_jax.sweeps.table import FAILED
from tests.sweeps.cases import LENGTHS, some_fail, sweep_of

ROWS, _ = sweep_of(LENGTHS, 8, failures=some_fail)


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("XlaError: no room. Try less. Or more.", "XlaError: no room"),
        ("ValueError: 1.5 is not 2.", "ValueError: 1.5 is not 2"),
        ("AssertionError", "AssertionError"),
    ],
)
def test_runs_that_failed_alike_say_why(reason, said):
    rows = [dataclasses.replace(row, status=FAILED, reason=reason) for row in ROWS]
    assert failures(rows) == f"128 seeds of 16 settings failed: {said}; --retry_failed tries again"


def test_of_several_reasons_there_is_one_and_their_number():
    first = "the loss of seed <2> & others is not finite at step 612 (and 1 other reason)"
    assert failures(ROWS) == f"10 seeds of 2 settings failed: {first}; --retry_failed tries again"
    assert failures([row for row in ROWS if row.status != FAILED]) is None
