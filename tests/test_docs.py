"""What the pages in docs tell people to type works."""

import json
import re
import shlex
import subprocess
import sys

import pytest

from tests.documents import SHORT, bash_lines, experiment, words
from tests.experiments.commands import ROOT, run

MAKE_TEXT, *ON_A_TEXT = [line for line in bash_lines("docs/next_word.md") if "topics" in line or "characters" in line]
ON_THE_FABLE = [line for line in bash_lines("docs/next_word.md") if "runs/fable" in line]
ELSEWHERE = [line for page in ("hosts", "sweeps", "sign_sum") for line in bash_lines(f"docs/{page}.md")]


def perform(line: str, folder) -> str:
    """What a line says that trains, shortened, or asks, with its files in this folder."""
    short = [] if "--generate" in line else SHORT
    flags = [word.replace("runs/", f"{folder}/").replace("topics.txt", f"{folder}/topics.txt") for word in words(line)]
    return run(*flags, *short, experiment=experiment(line)).stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the text that the page makes."""
    path = tmp_path_factory.mktemp("page")
    command = re.sub("^python", shlex.quote(sys.executable), MAKE_TEXT)
    subprocess.run(command, shell=True, check=True, cwd=path, timeout=60)
    return path


def test_the_text_of_the_page_is_as_long_as_it_says(folder):
    said = int(re.search(r"(\d+) kB", (ROOT / "docs" / "next_word.md").read_text())[1])
    assert (folder / "topics.txt").stat().st_size == pytest.approx(1_000 * said, rel=0.1), "it grows with Python"


@pytest.mark.parametrize("preset", ["characters", "text"])
def test_a_preset_for_a_text_of_ones_own_learns_and_is_asked(preset, folder):
    (train,) = [line for line in ON_A_TEXT if f"--preset={preset}" in line]
    output, place = perform(train, folder), re.search(r"runs/(\w+)", train)[1]
    result = json.loads((folder / place / "result.json").read_text())
    assert result["config"]["stateful"]
    assert result["tested"] == "held-out"
    assert len(result["ngrams"]) == 5
    assert "counting, 4 " in output
    for line in (line for line in ON_A_TEXT if "--generate" in line and f"/{place} " in line):
        (prompt,) = re.findall('--generate="(.*?)"', line)
        assert perform(line, folder).startswith(prompt)


def test_the_fable_is_learned_and_goes_on(tmp_path):
    train, ask = ON_THE_FABLE
    assert "the best possible, 3 words seen    99.00%" in perform(train, tmp_path)
    assert len(perform(ask, tmp_path).splitlines()[0].split()) == 35


@pytest.mark.parametrize("line", [line for line in ELSEWHERE if "python -m" in line])
def test_a_command_for_several_machines_or_runs_is_accepted(line):
    command = line[line.index("python -m") :]
    wrong = "--hidden_size=0" if "-m experiments." in line else "--num_seeds=0"
    done = subprocess.run(
        [sys.executable, *shlex.split(command, comments=True)[1:], wrong],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {wrong}"), "all other flags are right"


def test_the_example_of_the_sign_game_holds():
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "sign_sum.md").read_text(), re.DOTALL)
    exec(code, {})  # it asserts what it shows
