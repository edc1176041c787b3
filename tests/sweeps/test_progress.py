"""What a person sees of a sweep while it runs, on a terminal and without one."""

import pytest

from lstm_jax.sweeps import progress
from lstm_jax.sweeps.progress import SweepDisplay
from lstm_jax.sweeps.task import make_tasks
from tests.sweeps.cases import THRESHOLD, run_of
from tests.sweeps.runs import EXPERIMENT, plan_of

TASKS = make_tasks(EXPERIMENT, plan_of("hidden_size=4,5").runs, 1, None)


def shown(mode, rows):
    with SweepDisplay(mode, "count_bits", 3, TASKS, 1, lambda task: [rows], THRESHOLD) as display:
        display.step(TASKS[0], 0)
        display.step(TASKS[0], 6)
        display.ended(TASKS[0])


@pytest.mark.parametrize(
    ("seeds", "failures", "line"),
    [
        (1, {}, "[4/5] seq_len=5: error 0%, best 0%, 100% solved"),
        (1, {0: "no memory"}, "[4/5] seq_len=5: 1 of 1 seed failed: no memory"),
        (2, {0: "why", 1: "why"}, "[4/5] seq_len=5: 2 of 2 seeds failed: why"),
    ],
)
def test_a_line_a_setting(seeds, failures, line, capsys):
    rows, _ = run_of({"seq_len": 5, "hidden_size": 64}, seeds, varied=["seq_len"], failures=failures)
    shown("off", rows)
    assert capsys.readouterr().out == f"{line}\n"


def test_how_far_it_is_without_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr(progress, "EVERY", 0.0)
    rows, _ = run_of({"seq_len": 5}, 1, varied=["seq_len"], failures={0: "no memory"})
    shown("auto", rows)
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first == "3 of 5 settings done, 1 running, time left not known yet"
    assert second.startswith("3 of 5 settings done, 1 running, ") and second.endswith(" s left")


def test_the_bar_is_on_standard_error_and_lines_are_not(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "100")
    rows, _ = run_of({"seq_len": 5}, 1, varied=["seq_len"], failures={0: "no memory"})
    shown("on", rows)
    said = capsys.readouterr()
    assert said.out == "[4/5] seq_len=5: 1 of 1 seed failed: no memory\n"
    assert "4 of 5 settings done, 0 running, 1 failed, " in said.err
