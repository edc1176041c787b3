"""What tests of the commands share: no command outlives the test that began it."""

import pytest

from tests.experiments.commands import BEGUN


@pytest.fixture(autouse=True)
def end_what_was_begun():
    """Ends the commands of a test that failed before it did; one that trains on slows the others down."""
    yield
    while BEGUN:
        with BEGUN.pop() as process:
            process.kill()
