"""What one process compiles the next ones find; what a killed one leaves does no harm."""

import os
import signal
import subprocess
import sys

import pytest

from lstm_jax.runs import compiled

PROGRAM = """
import sys, time
import jax, jax.numpy as jnp
from pathlib import Path
from lstm_jax.runs import compiled
compiled.SHORTEST = 0
hits = []
jax.monitoring.register_event_listener(lambda name, **_: hits.append(name) if name.endswith("/cache_hits") else None)
compiled.reuse()
print(jax.jit(lambda x: jnp.sin(x) @ x)(jnp.ones((3, 3)))[0, 0], len(hits), flush=True)
"""


def start(folder, *, program=PROGRAM, **environment):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("JAX_COMPILATION")}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**inherited, "JAX_PLATFORMS": "cpu", "XDG_CACHE_HOME": str(folder), **environment},
    )


def run(folder, **options):
    process = start(folder, **options)
    out, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    value, hits = out.split()
    return value, int(hits)


def entries(folder):
    return sorted(path.name for path in (folder / "lstm_jax" / "compiled").iterdir())


def test_the_next_process_finds_what_was_compiled(tmp_path):
    value, hits = run(tmp_path)
    assert hits == 0
    kept = entries(tmp_path)
    assert kept and all(name.endswith("-cache") for name in kept)  # and no folder of a process is left
    assert run(tmp_path) == (value, len(kept))
    assert entries(tmp_path) == kept


def test_what_a_killed_process_was_writing_is_thrown_away(tmp_path):
    process = start(tmp_path, program=PROGRAM + "time.sleep(100)")
    assert process.stdout.readline().split()[1] == "0"
    [own] = (tmp_path / "lstm_jax" / "compiled").iterdir()
    cut_off = next(own.glob("*-cache"))
    os.truncate(cut_off, cut_off.stat().st_size // 2)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=120)
    assert run(tmp_path)[1] == 0
    assert run(tmp_path)[1] == len(entries(tmp_path)) > 0


def test_the_folder_of_a_living_process_is_left_alone(tmp_path):
    process = start(tmp_path, program=PROGRAM + "compiled.publish(); print(flush=True); time.sleep(100)")
    process.stdout.readline(), process.stdout.readline()
    assert run(tmp_path)[1] > 0  # what it has handed on is there already
    [own] = (tmp_path / "lstm_jax" / "compiled").glob(".process-*")
    process.kill()
    process.communicate(timeout=120)
    assert run(tmp_path)[1] > 0
    assert not own.exists()


@pytest.mark.parametrize(
    "environment", [{"JAX_ENABLE_COMPILATION_CACHE": "false"}, {"XDG_CACHE_HOME": "/proc/nowhere"}]
)
def test_without_it_everything_is_compiled_anew(tmp_path, environment):
    for _ in range(2):
        assert run(tmp_path, **environment)[1] == 0
    assert not (tmp_path / "lstm_jax").exists()


def test_a_folder_of_the_users_own_is_kept(tmp_path):
    wanted = tmp_path / "wanted"
    limits = {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    run(tmp_path, JAX_COMPILATION_CACHE_DIR=str(wanted), **limits)
    assert any(path.name.endswith("-cache") for path in wanted.iterdir())
    assert not (tmp_path / "lstm_jax").exists()


def test_the_oldest_make_room(tmp_path, monkeypatch):
    own = tmp_path / ".process-1"
    own.mkdir()
    for age, name in enumerate(["new", "middle", "old"]):
        entry = own / f"{name}-cache"
        entry.write_bytes(b"x" * 10)
        os.utime(entry, (1_000 - age, 1_000 - age))
    monkeypatch.setattr(compiled, "MOST_BYTES", 20)
    compiled._hand_on(own)
    assert sorted(path.name for path in tmp_path.glob("*-cache")) == ["middle-cache", "new-cache"]
