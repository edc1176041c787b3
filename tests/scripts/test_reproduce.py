"""The command, as a user calls it."""

import json
import signal
import subprocess
import sys

import pytest

from tests.experiments.commands import ROOT, STRICT, environment, stop


def run(*flags: str, status: int | None = 0) -> subprocess.CompletedProcess:
    command = [sys.executable, *STRICT, "-m", "scripts.reproduce", *flags]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment(), timeout=240)
    assert status in (None, done.returncode), f"status {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done


def test_a_small_part_from_end_to_end_and_again(tmp_path):
    flags = ("--only=sign_sum", "--quick", "--quick_share=0.005", "--num_seeds=3", "--seed=4", f"--workdir={tmp_path}")
    first = run(*flags, status=0)
    rows = json.loads((tmp_path / "reproduce.json").read_text())["rows"]
    reached = [row for row in rows if row["ours"]]
    assert [row["step"] for row in reached] == [20]
    assert len(reached[0]["ours"]) == 3
    assert {row["verdict"] for row in rows if row not in reached} == {"later than this part"}
    assert (tmp_path / "reproduce.md").read_text() in first.stdout
    assert (tmp_path / "reproduce.png").stat().st_size > 10_000
    assert (tmp_path / "reproduce.svg").read_text().lstrip().startswith("<?xml")
    alone, others = (tmp_path / "sign_sum" / f"{name}_20_updates" for name in ("seed_4", "seeds_5-6"))
    assert [seed["seed"] for seed in json.loads((others / "result.json").read_text())["seeds"]] == [5, 6]
    before = [(folder / "metrics.jsonl").stat().st_mtime_ns for folder in (alone, others)]
    again = run(*flags, status=0)
    assert again.stdout.count("This run was finished before") == 2
    assert [(folder / "metrics.jsonl").stat().st_mtime_ns for folder in (alone, others)] == before


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--only=sign_sum,counting"], "--only=sign_sum,counting: must be some of count_bits, sign_sum"),
        (["--num_seeds=0"], "--num_seeds=0: must be an integer from 1 to 1,000"),
        (["--tutorial_times=none.json"], "--tutorial_times=none.json: cannot be read: python -m benchmarks.tutorials"),
        (["--tutorial_times=constraints.txt"], "--tutorial_times=constraints.txt: cannot be read"),
        (["--workdir="], "--workdir=: is empty: give a value, or leave the flag out"),
        (["--tutorial_times=", "--quick"], "--tutorial_times=: is empty"),
        (["--quick_share=0.5"], "--quick_share=0.5: has no effect without --quick"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(flags, message):
    done = run(*flags, status=2)
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_what_is_interrupted_is_continued(tmp_path):
    flags = ["--only=sign_sum", "--quick", "--quick_share=0.125", "--num_seeds=1", f"--workdir={tmp_path}"]
    command = [sys.executable, "-m", "scripts.reproduce", *flags]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, cwd=ROOT, env=environment(), **pipes)
    for line in process.stdout:
        if line.startswith("step") and "epoch     100.0" in line:
            break
    assert stop(process, signal.SIGTERM)[0] == 130
    folder = tmp_path / "sign_sum" / "seed_0_500_updates"
    assert list((folder / "checkpoints").glob("*"))
    assert not (folder / "result.json").exists()
    assert "resuming at step" in run(*flags, status=None).stdout


def test_a_run_that_cannot_go_on_ends_all_with_its_status(tmp_path):
    (tmp_path / "sign_sum").mkdir()
    (tmp_path / "sign_sum" / "seed_0").write_text("in the way")
    done = run("--only=sign_sum", f"--workdir={tmp_path}", status=2)
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: status 2 from: ")
    assert "continues" not in last, "it would end in the same way"
