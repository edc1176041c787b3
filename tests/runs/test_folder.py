"""A run's folder: locks, records, names."""

import errno
import json
import os
import shlex
import subprocess
import sys

import pytest

from experiments import next_word
from lstm_jax.runs import folder as folders
from lstm_jax.runs.config import RunConfig
from lstm_jax.runs.texts import identify
from lstm_jax.runs.writer import Writer
from lstm_jax.tasks.count_bits import CountBits

CONFIG = RunConfig(CountBits())


def test_a_folder_serves_one_process_at_a_time(tmp_path):
    script = f"""
import pathlib
from lstm_jax.runs import folder
try:
    with folder.locked(pathlib.Path({str(tmp_path)!r})): print("free")
except folder.FolderError as error: print(error)
"""

    def other_process():
        return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    with folders.locked(tmp_path):
        assert "another process is using it" in other_process()
    assert other_process() == "free\n"


def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(folders.FolderError, match="cannot be written to"), folders.locked(tmp_path / "file" / "run"):
        pass


def test_a_file_system_without_locks_is_not_taken_for_another_process(tmp_path, monkeypatch):
    def fails(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(folders.fcntl, "flock", fails)
    with pytest.raises(folders.FolderError, match=r"cannot be locked \(No locks available\); choose a folder on"):
        folders.locked(tmp_path).__enter__()


def test_other_settings_are_named(tmp_path):
    folders.record_config(tmp_path, CONFIG)
    folders.record_config(tmp_path, CONFIG.replace({"progress": "off"}))
    said = r"--hidden_size=32 \(there: 24\), --seed=1 \(there: 0\); give another --workdir, or these settings to go on"
    with pytest.raises(folders.FolderError, match=said):
        folders.record_config(tmp_path, CONFIG.replace({"hidden_size": 32, "seed": 1}))
    with pytest.raises(folders.FolderError, match=r"holds a run of count_bits; give another --workdir$"):
        folders.record_config(tmp_path, next_word.BASE)
    record = json.loads((tmp_path / "config.json").read_text())
    assert record["settings"]["hidden_size"] == 24
    assert {"command", "versions", "devices", "git_commit"} <= record.keys()


FOREIGN = ['{"architectures": ["A"]}', "[1]", "7", '{"experiment": "count_bits", "settings": [1]}', '{"settings": {}}']


@pytest.mark.parametrize("content", FOREIGN)
def test_the_record_of_something_else_is_refused(tmp_path, content):
    (tmp_path / "config.json").write_text(content)
    text = next_word.BASE.replace({"workdir": str(tmp_path)})
    for read in (lambda: folders.record_config(tmp_path, CONFIG), lambda: identify(text, ())):
        with pytest.raises(folders.FolderError, match=r"is that of something else|it holds no JSON object"):
            read()
    assert (tmp_path / "config.json").read_text() == content


def test_the_default_folder_is_taken_again_only_if_its_run_was_cut_off(tmp_path):
    first = folders.default_folder(CONFIG, tmp_path)
    assert folders.default_folder(CONFIG, tmp_path) == first
    first.mkdir()
    assert folders.default_folder(CONFIG, tmp_path) == first
    assert folders.default_folder(CONFIG.replace({"seed": 1}), tmp_path) != first
    (first / folders.RESULT).write_text("{}")
    second = folders.default_folder(CONFIG, tmp_path)
    assert second != first
    with folders.locked(second):
        assert folders.default_folder(CONFIG, tmp_path) not in (first, second)


def test_the_highest_number_counts_whatever_was_deleted_or_lies_beside_it(tmp_path):
    name = CONFIG.identity
    for number in (2, 9, 10):
        (tmp_path / f"{name}-{number}").mkdir()
    for beside in (f"{name}-11-old", f"{name}-012", f"{name}-", f"{name}0-12"):
        (tmp_path / beside).mkdir()
    assert folders.default_folder(CONFIG, tmp_path).name == f"{name}-10"
    (tmp_path / f"{name}-10" / folders.RESULT).write_text("{}")
    assert folders.default_folder(CONFIG, tmp_path).name == f"{name}-11"


def test_the_command_line_can_be_pasted_into_a_shell(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["prog", "--workdir", "my run", "--seed=3", "--num_steps", "50"])
    words = shlex.split(folders.command_line(workdir="my run"))
    assert words[-4:] == ["--seed=3", "--num_steps", "50", "--workdir=my run"]
    assert "my run" not in words


def test_a_value_that_reads_like_a_flag_is_no_flag(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["prog", "--generate", "workdir", "--interactive", "--workdir", "a b"])
    words = shlex.split(folders.command_line(workdir="new"))
    assert words[-4:] == ["--generate", "workdir", "--interactive", "--workdir=new"]


def test_metrics_are_on_disk_before_a_checkpoint(tmp_path, monkeypatch):
    writer, synced = Writer(tmp_path, 0, 1), []

    def sync(file):
        found = os.fstat(file)
        synced.append((found.st_ino, found.st_size))

    monkeypatch.setattr(os, "fsync", sync)
    writer.rows([{"step": 1, "split": "train", "seed": 0, "loss": 1.0}])
    writer.flush()
    there = (tmp_path / folders.METRICS).stat()
    assert (there.st_ino, there.st_size) in synced
    assert len(synced) == 3  # of which two are TensorBoard's
    writer.close()


def test_a_resumed_run_drops_what_was_recorded_after_its_checkpoint(tmp_path):
    writer = Writer(tmp_path, 0, 1)
    for step in (1, 2, 3):
        writer.rows([{"step": step, "split": "train", "seed": 0, "loss": float(step)}])
    writer.close()
    with open(tmp_path / folders.METRICS, "a") as file:
        file.write('{"step": 4, "spl')  # killed while it wrote
    Writer(tmp_path, 2, 1).close()
    rows = [json.loads(line) for line in (tmp_path / folders.METRICS).read_text().splitlines()]
    assert [row["step"] for row in rows] == [1, 2]
