"""What the README tells people to type works."""

import dataclasses
import json
import re
import shlex
import statistics
import subprocess
import sys

import pytest

from scripts.reproduction.cases import CASES, Claim
from scripts.reproduction.table import Row
from scripts.reproduction.verdicts import judge
from tests.documents import SHORT, bash_lines, experiment, words
from tests.experiments.commands import ROOT, run

README = (ROOT / "README.md").read_text()
BASH = bash_lines("README.md")
EXPERIMENTS = [line for line in BASH if line.startswith("python -m experiments.")]


@pytest.mark.parametrize("line", [line for line in EXPERIMENTS if not re.search("--(workdir|help)", line)])
def test_a_training_command_works(line, tmp_path):
    output = run(*words(line), *SHORT, f"--workdir={tmp_path}", experiment=experiment(line)).stdout
    assert "mistakes on" in output
    assert (tmp_path / "result.json").exists()


@pytest.mark.parametrize(
    ("folder", "answer"),
    [("runs/first", "true count 10"), ("runs/signs", "true sum 2"), ("runs/fable", "had a general")],
)
def test_a_run_in_a_named_folder_is_found_and_asked(folder, answer, tmp_path):
    train, *asks = [line.replace(folder, str(tmp_path)) for line in EXPERIMENTS if folder in line]
    run(*words(train), *SHORT, experiment=experiment(train))
    outputs = [run(*words(line), experiment=experiment(line)).stdout for line in asks]
    assert answer in outputs[0]
    for name in re.findall(r"`(\w+\.jsonl?)`", README):
        assert (tmp_path / name).exists()


@pytest.mark.parametrize("line", [line for line in BASH if line.startswith("python -m scripts.")])
def test_a_command_with_many_runs_is_accepted(line):
    done = subprocess.run(
        [sys.executable, *shlex.split(line)[1:], "--num_seeds=0"], capture_output=True, text=True, cwd=ROOT, timeout=120
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: --num_seeds=0"), "all other flags are right"


@pytest.mark.parametrize("line", [line for line in BASH if line.startswith("python -m benchmarks.")])
def test_a_benchmark_is_there(line):
    command = [sys.executable, *shlex.split(line, comments=True)[1:], "--json=/nonexistent/times.json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.returncode == 2
    assert done.stderr.startswith("error: --json=/nonexistent/times.json"), "all other flags are right"


@pytest.mark.parametrize("document", ["README.md", "docs/layer.md"])
def test_the_library_examples_run(document):
    names: dict = {}
    for code in re.findall(r"```python\n(.*?)```", (ROOT / document).read_text(), re.DOTALL):
        exec(code, names)
    assert names["outputs"].shape == (8, 20, 24)


def test_every_result_has_a_command_that_is_accepted():
    rows = re.findall(r"^\| `(python -m experiments[^`]*)`", README, re.MULTILINE)
    assert len(rows) >= 8
    for row in rows:
        unknown = run(*words(row), "--hidden_size=0", status=2, experiment=experiment(row))
        assert unknown.stderr.startswith("error: --hidden_size=0"), "all other flags are right"


def test_every_make_target_and_link_exists():
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    named = {line.split()[1] for line in BASH if line.startswith("make ")} | set(
        re.findall(r"`make ([a-z-]+)`", README)
    )
    assert named
    assert named <= set(targets)
    for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/*.md")]:
        text = document.read_text()
        headings = {
            re.sub(r"[^\w -]", "", line).strip().lower().replace(" ", "-")
            for line in text.splitlines()
            if line[:1] == "#"
        }
        for link in re.findall(r"\]\((?!http)([^)]+)\)", text):
            there = link[1:] in headings if link[0] == "#" else (document.parent / link).exists()
            assert there, f"{document.name} links to {link}"


def test_the_figures_beside_the_published_ones_come_from_a_run():
    record = json.loads((ROOT / "docs" / "reproduce.json").read_text())
    report = (ROOT / "docs" / "reproduce.md").read_text()
    for one in record["rows"]:
        claim = Claim(one["what"], one["quantity"], tuple(one["figures"]), one["step"])
        times = tuple(record["times_as_fast"].get(one["case"], ()))
        case, goal = dataclasses.replace(CASES[one["case"]], times_as_fast=times), tuple(one["goal"])
        assert claim in case.claims, "what was published is as the tasks have it"
        row = Row(case, claim, goal, one["ours"], judge(one["ours"], goal, claim.more_is_better))
        line = next(line for line in report.splitlines() if claim.what in line and f"| {case.name} " in line)
        assert [cell.strip() for cell in line.strip("| ").split("|")] == [cell.strip() for cell in row.cells()]
        assert line in README


def test_the_times_of_the_tutorials_are_those_that_were_measured():
    programs = json.loads((ROOT / "docs" / "tutorials.json").read_text())["programs"]
    assert len(programs) == 4
    for name, one in programs.items():
        ratios = [run_["theirs"]["whole"] / run_["ours"]["whole"] for run_ in one["runs"]]
        spread = f"{statistics.median(ratios):.1f} ({min(ratios):.1f}-{max(ratios):.1f})"
        row = f"| {name} | {one['updates']:,} | {one['seconds']:.1f} s | {one['our_seconds']:.1f} s | {spread} |"
        assert row in README.splitlines()


def test_the_times_of_the_layer_are_those_that_were_measured():
    results = (ROOT / "benchmarks" / "RESULTS.md").read_text()
    table = results.partition("**LSTM, forward + backward**")[2].partition("**GRU")[0]
    measured = [
        [", ".join(match.groups()), *(cell.strip(" ×") for cell in rest.strip("| ").split("|"))]
        for match, rest in (
            (re.match(r"\| B(\d+) T(\d+) D(\d+) H(\d+) ", line), line.partition(" | ")[2])
            for line in table.splitlines()
            if line.startswith("| B")
        )
    ]
    shown = [[cell.strip() for cell in line.strip("| ").split("|")] for line in README.splitlines()]
    assert len(measured) == 6
    assert [row for row in shown if re.fullmatch(r"\d+, \d+, \d+, \d+", row[0])] == measured
