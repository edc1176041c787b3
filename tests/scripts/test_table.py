"""Published figures, and rows made from what runs leave behind."""

import dataclasses
import json

import pytest

from lstm_jax.runs.folder import FolderError
from scripts.reproduction import picture, table, verdicts
from scripts.reproduction.cases import CASES
from scripts.reproduction.runs import Budget, read_outcome
from scripts.reproduction.verdicts import BETTER, MET, OPEN, SHORT
from tests.scripts.cases import SIGN_SUM, leave_lines, leave_runs


def claims(name, quantity):
    return {claim.step: claim.figures for claim in CASES[name].claims if claim.quantity == quantity}


def test_the_published_figures():
    assert claims("count_bits", "error") == {2_000: (0.04,), 50_000: (0.001,)}
    steps = (20, 100, 200, 500, 1_000, 2_000, 3_000, 4_000)
    shares = (77.4, 74.3, 66.7, 36.2, 11.7, 2.8, 1.8, 1.6)
    assert claims("sign_sum", "error") == {
        step: (pytest.approx(share / 100),) for step, share in zip(steps, shares, strict=True)
    }
    assert claims("sign_sum", "loss") == {4_000: (pytest.approx(133.4 / 3_072),)}
    assert claims("sign_sum_flax", "error") == {4_000: (0.013,)}
    assert claims("next_word", "accuracy") == {49_000: (0.885,), 50_000: (0.906, 0.912)}
    assert claims("next_word", "loss") == {49_000: (0.529,), 50_000: (0.416,)}
    assert claims("next_word_2", "accuracy") == {50_000: (0.93, 0.952)}
    seconds = {"count_bits": 390, "sign_sum": 14.5, "next_word": 132.5, "next_word_2": 350}
    assert {name: next(iter(claims(name, "seconds").values()))[0] for name in seconds} == seconds


def test_rows_hold_the_runs_against_what_was_published(tmp_path):
    budget = leave_runs(tmp_path, [0.9, 1.0, 0.95], seconds=4.0)
    rows = table.make_rows([read_outcome(SIGN_SUM, budget)])
    assert {row.verdict.word for row in rows} == {BETTER}
    assert table.exit_status(rows) == 0
    last = next(row for row in rows if row.claim.step == 4_000 and row.claim.quantity == "error")
    assert last.values == pytest.approx([0.0144, 0.016, 0.0152])
    assert last.cells()[2:8] == ["1.6%", "1.52%", "1.44%", "1.6%", "0.08%", "3 of 3"]
    assert rows[-1].values == [4.0]
    assert "14.5 s (aim: 3 times as fast)" in rows[-1].cells()[2]
    assert "3.6 times" in rows[-1].cells()[3]
    assert json.loads(json.dumps([row.record() for row in rows]))[-1]["verdict"] == BETTER
    text = table.as_markdown(rows, "2 cores", "Theirs elsewhere.", "Long enough.", "reproduce.png")
    assert text.startswith("# Published figures beside ours\n\n| run | figure |")
    assert f"\n| --- | --- |{' ---: |' * 6} --- |\n" in text, "words to the left, numbers to the right"
    assert verdicts.WALL_TIMES in text
    without = table.as_markdown(rows[:-1], "2 cores", "", "Long enough.", "reproduce.png")
    assert verdicts.WALL_TIMES not in without, "no row has a wall time"
    assert "Our wall times: 2 cores.\n" in without
    assert "Our wall times: 2 cores. Theirs elsewhere." in text
    assert "\n- Long enough.\n" in text
    assert f"{len(rows)} figures: {len(rows)} better." in text


def test_a_time_that_was_measured_here_takes_the_place_of_the_one_from_elsewhere(tmp_path):
    case = dataclasses.replace(SIGN_SUM, times_as_fast=(2.5, 3.25, 2.0))
    budget = leave_runs(tmp_path, [0.9, 1.0, 0.95], seconds=4.0)
    rows = table.make_rows([read_outcome(case, budget)])
    assert rows[-1].cells()[2:] == ["aim: 3.0", "2.6", "2.0", "3.2", "0.6", "1 of 3", MET]
    assert [row.claim for row in rows[:-1]] == [claim for claim in SIGN_SUM.claims if claim.quantity != "seconds"]


def test_one_row_that_falls_short_is_an_exit_status_of_one(tmp_path):
    rows = table.make_rows([read_outcome(SIGN_SUM, leave_runs(tmp_path / "slow", [0.9, 0.8], seconds=5.0))])
    assert [row.claim.quantity for row in rows if row.verdict.word == SHORT] == ["seconds"]
    assert table.exit_status(rows) == 1
    rows = table.make_rows([read_outcome(SIGN_SUM, leave_runs(tmp_path / "bad", [1.5, 1.5001], seconds=4.0))])
    assert {row.verdict.word for row in rows if row.claim.quantity == "error"} == {SHORT}
    assert table.exit_status(rows) == 1


def test_what_a_part_of_the_budget_does_not_reach_is_not_judged(tmp_path):
    budget = leave_runs(tmp_path, [0.9, 0.8], seconds=5.0, share=0.1)
    rows = table.make_rows([read_outcome(SIGN_SUM, budget)])
    assert {row.claim.step for row in rows if row.verdict.word == BETTER} == {20, 100, 200}
    assert {row.verdict.word for row in rows} == {BETTER, OPEN}
    assert table.exit_status(rows) == 0
    assert "are not judged" in table.as_markdown(rows, "2 cores", "Theirs elsewhere.", "Long enough.", "reproduce.png")


def test_how_long_all_runs_took(tmp_path):
    budgets = [
        leave_runs(tmp_path / name, [0.9, 1.1, 1.0], seconds=seconds) for name, seconds in (("a", 60.0), ("b", 36.0))
    ]
    own, other = (read_outcome(SIGN_SUM, budget) for budget in budgets)
    assert own.total_seconds == 2 * 60.0, "the first seed alone, then the others together"
    assert table.total_time([own]).endswith("3 seeds each, compilation included: 2.0 minutes for sign_sum.")
    variant = dataclasses.replace(other, case=CASES["sign_sum_flax"])
    said = table.total_time([own, variant])
    assert said.endswith(": 2.0 minutes for sign_sum; 3.2 minutes for sign_sum, sign_sum_flax.")


def test_a_run_that_is_not_finished_is_not_read(tmp_path):
    budget = leave_runs(tmp_path, [1.0], seconds=5.0)
    (budget.folder(SIGN_SUM, range(3, 4)) / "result.json").unlink()
    with pytest.raises(FolderError, match=r"seed_3 holds no finished run"):
        read_outcome(SIGN_SUM, budget)


def test_the_picture_has_every_curve_and_every_published_figure(tmp_path):
    outcome = read_outcome(SIGN_SUM, leave_runs(tmp_path, [0.9, 1.1], seconds=4.0))
    (axes,) = picture.learning_curves([outcome]).figure.axes
    curve, *marks = axes.lines
    assert curve.get_xydata()[-1] == pytest.approx([4_000, 0.016])
    assert [tuple(mark.get_xydata()[0]) for mark in marks] == [
        (step, pytest.approx(figures[0])) for step, figures in claims("sign_sum", "error").items()
    ]


def test_the_figures_of_a_text_are_those_of_its_training(tmp_path):
    case, budget = CASES["next_word"], Budget(tmp_path, seed=0, num_seeds=3)
    errors = {48_000: (0.5, 0.5, 0.5), 49_000: (0.25, 0.125, 0.0625), 50_000: (0.125, 0.0625, 0.25)}
    for seeds in budget.populations():
        rows = [
            {"step": step, "split": split, "seed": seed, "error": error[seed] + more, "loss": 2 * error[seed] + more}
            for step, error in errors.items()
            for seed in seeds
            for split, more in (("train", 0.0), ("test", 0.5))  # what is tested is not what was published
        ]
        leave_lines(budget.folder(case, seeds), rows, {"steps": 50_000, "wall_seconds": 10.0})
    outcome = read_outcome(case, budget)
    found = {(row.claim.quantity, row.claim.step): row for row in table.make_rows([outcome])}
    assert found["accuracy", 49_000].values == [0.75, 0.875, 0.9375]
    assert found["accuracy", 50_000].values == [0.875, 0.9375, 0.75]
    assert found["loss", 49_000].values == [0.5, 0.25, 0.125]
    assert found["loss", 50_000].values == [0.25, 0.125, 0.5]
    assert found["accuracy", 50_000].cells()[2:] == [
        "90.6% to 91.2%",
        "85.4%",
        "75%",
        "93.8%",
        "9.55%",
        "1 of 3",
        MET,
    ]
    assert found["loss", 50_000].verdict.word == BETTER
    (axes,) = picture.learning_curves([outcome]).figure.axes
    assert axes.lines[0].get_xydata().tolist() == [[48_000, 0.5], [49_000, 0.125], [50_000, 0.125]]
