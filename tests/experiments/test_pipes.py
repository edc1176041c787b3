"""Commands whose output nobody reads to the end, as where it goes into `head`."""

import os
import signal
import subprocess

from tests.experiments import commands
from tests.experiments.commands import ROOT, SMALL, environment
from tests.scripts import commands as sweeps


def read_a_line(command: list[str], *, none: bool = False) -> tuple[str, int, str]:
    """The first line, or none, after which nobody reads on; the status and what was complained of."""
    reading, writing = os.pipe()
    pipes = {"stdout": writing, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, cwd=ROOT, env=environment(), **pipes)
    os.close(writing)
    with open(reading) as lines:
        line = "" if none else lines.readline()
    _, said = process.communicate(timeout=120)
    return line, process.returncode, said


def test_a_training_goes_on_and_an_answer_ends_silently(tmp_path):
    line, *ended = read_a_line(commands.command(*SMALL, f"--workdir={tmp_path}"))
    assert line.startswith("count_bits: ")
    assert ended == [0, ""]
    assert (tmp_path / "result.json").exists()
    _, *ended = read_a_line(commands.command(f"--workdir={tmp_path}", "--predict=01"), none=True)
    assert ended == [128 + signal.SIGPIPE, ""]


def test_a_sweep_goes_on(tmp_path):
    line, *ended = read_a_line(sweeps.command(*sweeps.TINY, "--set=seq_len=5,6", f"--workdir={tmp_path / 'sweep'}"))
    assert "to do: 2 compiled programs" in line
    assert ended == [0, ""]
    assert (tmp_path / "sweep" / "report.html").exists()


def test_the_line_that_resumes_is_seen_where_the_output_goes_to_a_file(tmp_path):
    process = commands.begin("--num_steps=1000000", "--checkpoint_every=20", f"--workdir={tmp_path}")
    commands.wait_for_checkpoint(tmp_path, 20, process)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "interrupted at step" in errors and f"--workdir={tmp_path}" in errors.splitlines()[-1]
    assert "interrupted" not in output
