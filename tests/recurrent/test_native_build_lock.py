"""Several processes that start at the same time: one compiles the kernel, the others wait for it, but not for ever."""

import os
import signal
import time

import pytest

from lstm_jax.recurrent.native import passes
from tests.recurrent.test_native_build import calls, quick_compiler, start_fresh

pytestmark = pytest.mark.skipif(not passes.available(), reason="no CPU computes here, or the kernel cannot be compiled")

LOAD = "print(build.load())"


def wait_for(condition):
    until = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def start_both(tmp_path, compiler, code=LOAD):
    """Two processes; the compiler waits until both have begun, for each has said so before it asks for the kernel."""
    begun = [tmp_path / name for name in ("one", "two")]
    both = [start_fresh(tmp_path, f"Path({str(path)!r}).touch(); {code}", CXX=str(compiler)) for path in begun]
    wait_for(lambda: all(path.exists() for path in begun))
    time.sleep(1)  # both ask for the kernel now
    (tmp_path / "go on").touch()
    return [process.communicate()[0] for process in both]


def patient(tmp_path):
    return quick_compiler(tmp_path / "compiler", f"until [ -e '{tmp_path}/go on' ]; do sleep 0.1; done")


def test_of_two_processes_one_compiles(tmp_path):
    compiler = patient(tmp_path)
    assert start_both(tmp_path, compiler) == ["True\n", "True\n"]
    assert len(calls(compiler)) == 1


def test_where_there_are_no_locks_both_compile(tmp_path):
    compiler = patient(tmp_path)
    without = "import fcntl, os; fcntl.flock = lambda *_: os.close(-1)"
    assert start_both(tmp_path, compiler, f"{without}; {LOAD}") == ["True\n", "True\n"]
    assert len(calls(compiler)) == 2


def test_somebody_who_is_killed_keeps_nobody_waiting(tmp_path):
    pid = tmp_path / "pid"
    compiler = quick_compiler(tmp_path / "compiler", f"[ -e '{pid}' ] || {{ echo $$ > '{pid}'; exec sleep 600; }}")
    killed = start_fresh(tmp_path, LOAD, CXX=str(compiler))
    wait_for(lambda: pid.exists() and pid.read_text().endswith("\n"))
    killed.kill()
    try:
        assert start_fresh(tmp_path, LOAD, CXX=str(compiler)).communicate()[0] == "True\n"
    finally:
        os.kill(int(pid.read_text()), signal.SIGKILL)  # its compiler goes on without it
        killed.communicate()
    assert len(calls(compiler)) == 2


def test_nobody_waits_for_ever(tmp_path):
    compiler = patient(tmp_path)
    impatient = f"from lstm_jax.recurrent.native import build_lock; build_lock.PATIENCE = 0.1; {LOAD}"
    assert start_both(tmp_path, compiler, impatient) == ["True\n", "True\n"]
    assert len(calls(compiler)) == 2
