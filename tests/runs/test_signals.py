"""What is said to somebody who has asked a program to stop, and waits."""

import signal
import time

import pytest

from lstm_jax.runs import signals
from lstm_jax.runs.signals import catch_interrupts


@pytest.fixture
def soon(monkeypatch):
    monkeypatch.setattr(signals, "SOON", 0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_waits_after_a_signal_is_told_why(soon, capsys, number):
    with catch_interrupts("saving first") as interrupted:
        assert not interrupted()
        signal.raise_signal(number)
        assert interrupted()
        time.sleep(1)
        assert capsys.readouterr().err == "saving first\n"


@pytest.mark.parametrize(("excuse", "number"), [("saving first", 0), ("", 1), ("saving first", 1)])
def test_nothing_is_said_without_a_signal_or_an_excuse_or_where_the_end_comes_at_once(soon, capsys, excuse, number):
    with catch_interrupts(excuse) as interrupted:
        for _ in range(number):
            signal.raise_signal(signal.SIGTERM)
        if not (excuse and number):
            time.sleep(0.3)
        assert interrupted() == bool(number)
    assert interrupted() == bool(number), "whether a signal came is known afterwards, too"
    time.sleep(0.3)
    assert capsys.readouterr().err == ""


def test_a_second_interrupt_ends_the_block():
    with pytest.raises(KeyboardInterrupt), catch_interrupts():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
