"""How the kernel is compiled: once, in silence or with a warning, for the processor that is there."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from lstm_jax.recurrent.native import build, passes

pytestmark = pytest.mark.skipif(not passes.available(), reason="no CPU computes here, or the kernel cannot be compiled")


def start_fresh(tmp_path, code, **environment):
    """Starts code in a process whose kernel has yet to be compiled, in a folder of its own."""
    begin = f"from pathlib import Path; from lstm_jax.recurrent.native import build; folder = Path({str(tmp_path)!r}); "
    begin += "build.kernel_path = lambda: folder / 'made' / 'kernel.so'; "
    return subprocess.Popen(
        [sys.executable, "-W", "always", "-c", begin + code],
        env={"PATH": "/usr/bin:/bin", "JAX_PLATFORMS": "cpu", **environment},
        cwd=Path(__file__).parent.parent.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_fresh(tmp_path, code, **environment):
    """Runs such a process to its end."""
    process = start_fresh(tmp_path, code, **environment)
    output, errors = process.communicate()
    assert process.returncode == 0, errors
    return subprocess.CompletedProcess(process.args, 0, output, errors)


def quick_compiler(path, first=""):
    """A compiler that notes its arguments, and gives what was compiled for this process."""
    note = f"IFS='|'; echo \"$*\" >> '{path}.calls'"
    path.write_text(f"#!/bin/sh\n{note}\n{first}\nfor last; do :; done; cp '{build.kernel_path()}' \"$last\"\n")
    path.chmod(0o755)
    return path


def calls(compiler):
    return Path(f"{compiler}.calls").read_text().splitlines()


def test_without_a_compiler_or_switched_off_it_is_left_to_xla_in_silence(tmp_path):
    for environment in ({"PATH": str(tmp_path)}, {build.SWITCH: "0"}, {build.SWITCH: "False"}):
        done = run_fresh(tmp_path, "print(build.load())", **environment)
        assert (done.stdout, done.stderr) == ("False\n", "")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    "script",
    ["echo what is wrong >&2; exit 1", "for last; do :; done; echo no library > $last; echo what is wrong >&2"],
)
def test_a_compiler_that_fails_is_a_warning_with_its_words_and_leaves_nothing(tmp_path, script):
    compiler = tmp_path / "broken"
    compiler.write_text(f"#!/bin/sh\n{script}\n")
    compiler.chmod(0o755)
    done = run_fresh(tmp_path, "print(build.load())", CXX=str(compiler))
    assert done.stdout == "False\n"
    assert f"{build.SWITCH}=0" in done.stderr
    assert "what is wrong" in done.stderr or "kernel.so" in done.stderr
    made = {path.name for path in (tmp_path / "made").iterdir()}
    assert made <= {"kernel.so", "kernel.lock"}  # what was compiled, but is no library


@pytest.mark.parametrize("wrong", ["/no/such/compiler", "no-such-program g++", "'g++"])
def test_a_compiler_that_was_named_and_is_not_there_is_a_warning(tmp_path, wrong):
    done = run_fresh(tmp_path, "print(build.outlook(), build.load())", CXX=wrong)
    assert done.stdout == "None False\n"
    assert f"CXX={wrong}: there is no program" in done.stderr and f"{build.SWITCH}=0" in done.stderr
    assert not (tmp_path / "made").exists()


def test_the_words_of_the_variable_are_the_compilers_name_and_its_flags(tmp_path):
    compiler = quick_compiler(tmp_path / "my compiler")
    assert run_fresh(tmp_path, "print(build.load())", CXX=f"'{compiler}' -m64 '-D A=1'").stdout == "True\n"
    (line,) = calls(compiler)
    assert line.startswith("-m64|-D A=1|-std=")


def test_a_folder_that_cannot_be_written_is_a_warning(tmp_path):
    (tmp_path / "made").write_text("a file in the way")
    done = run_fresh(tmp_path, "print(build.load())")
    assert done.stdout == "False\n"
    assert "is left to XLA" in done.stderr


OTHER_PROCESSOR = """
build.FLAGS = tuple(flag.replace("native", PROCESSOR) for flag in build.FLAGS)
import itertools, jax, numpy
from lstm_jax.recurrent import fused, scan
from lstm_jax.recurrent.cells import CELLS
from tests.recurrent.test_fused import random_case
from tests.recurrent.test_native import gradients
jax.config.update("jax_enable_x64", True)
assert build.load()
for kind, batch, (dtype, tolerance) in itertools.product(fused.UNROLL, (3, 21), (("float64", 1e-9), ("float32", 1e-4))):
    *floats, resets = random_case(kind, 4, 2, 7, batch, 0, resets=True)
    case = *jax.tree.map(lambda leaf: leaf.astype(dtype), floats), resets
    ours = gradients(fused.UNROLL[kind], *case)
    theirs = gradients(lambda *arguments: scan.unroll(CELLS[kind], *arguments), *case)
    jax.tree.map(
        lambda our, their: numpy.testing.assert_allclose(our, their, rtol=tolerance, atol=tolerance), ours, theirs
    )
print("the same")
"""


@pytest.mark.skipif(platform.machine() != "x86_64", reason="needs another processor of this family")
@pytest.mark.parametrize("processor", ["x86-64", "x86-64-v3"])
def test_a_processor_with_narrow_vectors_computes_the_same(processor, tmp_path):
    if processor == "x86-64-v3" and " avx2 " not in build.processor():
        pytest.skip("this processor has no AVX2")
    code = OTHER_PROCESSOR.replace("PROCESSOR", repr(processor))
    assert run_fresh(tmp_path, f"\n{code}").stdout == "the same\n"


def test_what_takes_longer_than_usual_is_said_beforehand(tmp_path):
    assert "compiled for this processor" in run_fresh(tmp_path, "print(build.outlook())").stdout
    assert "no C++ compiler" in run_fresh(tmp_path, "print(build.outlook())", PATH=str(tmp_path)).stdout
    assert run_fresh(tmp_path, "print(build.outlook())", **{build.SWITCH: "0"}).stdout == "None\n"
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "kernel.so").touch()
    assert run_fresh(tmp_path, "print(build.outlook())").stdout == "None\n"


def test_a_wrong_number_of_threads_is_a_warning(tmp_path):
    for wrong in ("two", "0", "-1"):
        done = run_fresh(tmp_path, "print(build.count_threads() == build.count_cores())", **{build.THREADS: wrong})
        assert done.stdout == "True\n"
        assert f"{build.THREADS}={wrong} is no number of threads" in done.stderr
    done = run_fresh(tmp_path, "print(build.count_threads())", **{build.THREADS: "3"})
    assert (done.stdout, done.stderr) == ("3\n", "")


def test_kernels_of_earlier_sources_do_not_pile_up(tmp_path):
    compiler = tmp_path / "quick"
    compiler.write_text("#!/bin/sh\nfor last; do :; done; echo library > $last\n")
    compiler.chmod(0o755)
    for number in range(build.KERNELS + 3):
        build.compile_to(tmp_path / f"kernel.{number}.so", [str(compiler)])
        os.utime(tmp_path / f"kernel.{number}.so", (number, number))
    assert len(list(tmp_path.glob("kernel.*.so"))) == build.KERNELS
    assert (tmp_path / f"kernel.{build.KERNELS + 2}.so").exists() and not (tmp_path / "kernel.0.so").exists()


def test_its_name_changes_with_what_it_is_made_of(monkeypatch):
    before = build.kernel_path()
    monkeypatch.setattr(build, "processor", lambda: "another")
    build.digest.cache_clear()
    try:
        assert build.kernel_path() != before
    finally:
        monkeypatch.undo()
        build.digest.cache_clear()
    assert build.kernel_path() == before
