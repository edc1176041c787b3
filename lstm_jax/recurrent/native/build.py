"""Compiles the kernel for this processor, once, and makes it known to XLA.

As Python does with its bytecode: what was compiled lies in `__pycache__`, under a name that changes with the sources.
Without a compiler, or where nothing can be written, everything is computed by XLA.
"""

import ctypes
import functools
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

import jax
import jaxlib

from lstm_jax.recurrent.native.build_lock import alone

FLAGS = ("-std=c++17", "-O3", "-march=native", "-fno-math-errno", "-shared", "-fPIC", "-w")
"""-fno-math-errno: a tanh of several numbers need not report errors of each."""

TARGETS = ("lstm_forward", "lstm_backward", "gru_forward", "gru_backward", "take_columns", "add_columns")

SWITCH = "LSTM_JAX_NATIVE"
"""The environment variable that, set to 0 (or false, no, off), leaves everything to XLA."""

THREADS = "LSTM_JAX_THREADS"
"""The environment variable that says how many threads the kernel may have, if not one a core."""

FOLDER = Path(__file__).parent

KERNELS = 8
"""How many are kept, the newest: other processors and environments may share the folder."""


@functools.cache
def load() -> bool:
    """Whether the kernel can be used, which is now compiled, if it is not yet, and registered."""
    if is_switched_off():
        return False
    path = kernel_path()
    try:
        if not path.exists():
            compiler = find_compiler()
            if compiler is None:
                return False
            with alone(path):
                if not path.exists():
                    compile_to(path, compiler)
        kernel = ctypes.CDLL(str(path))
    except (OSError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", None) or str(error)
        warnings.warn(f"the fast path is left to XLA, {SWITCH}=0 says so without a warning: {reason}", stacklevel=2)
        return False
    for target in TARGETS:
        jax.ffi.register_ffi_target(target_name(target), jax.ffi.pycapsule(getattr(kernel, target)), platform="cpu")
    return True


def is_switched_off() -> bool:
    """Whether the environment says that everything is left to XLA."""
    return os.environ.get(SWITCH, "").lower() in ("0", "false", "no", "off")


def outlook() -> str | None:
    """What somebody who waits should know before anything is computed; None: nothing that takes longer than usual."""
    if is_switched_off() or kernel_path().exists():
        return None
    try:
        compiler = find_compiler()
    except OSError:
        return None  # `load` warns of it
    if compiler is None:
        return "no C++ compiler was found (CXX names one): XLA computes the layers, which takes about twice the time"
    return "the kernel is being compiled for this processor: once, about ten seconds"


@functools.cache
def vector_bytes() -> int:
    """The size of the vectors in which the kernel computes."""
    return ctypes.c_int.in_dll(ctypes.CDLL(str(kernel_path())), "lstm_jax_vector_bytes").value


def target_name(target: str) -> str:
    """The name under which XLA knows a function, which compiled programs keep: another version has another."""
    return f"lstm_jax_{target}_{digest()}"


def kernel_path() -> Path:
    """Where the kernel for these sources, this processor and this version of XLA lies, or will lie."""
    return FOLDER / "__pycache__" / f"kernel.{digest()}.so"


@functools.cache
def digest() -> str:
    """Stands for all that the compiled kernel depends on."""
    parts = [path.read_bytes() for path in [*sorted(FOLDER.glob("*.h")), FOLDER / "kernel.cc"]]
    return hashlib.sha256(
        b"\0".join([*parts, *map(str.encode, (jaxlib.__version__, *FLAGS, processor()))])
    ).hexdigest()[:16]


def processor() -> str:
    """What this processor can do; a home directory may be shared by machines that differ in it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    return next((line for line in lines if line.startswith(("flags", "Features"))), platform.platform())


@functools.cache
def count_threads() -> int:
    """How many threads compute in this process: one for each core that it may use, or as many as $LSTM_JAX_THREADS."""
    wanted = os.environ.get(THREADS, "")
    if wanted.isdecimal() and int(wanted):
        return int(wanted)
    if wanted:
        warnings.warn(f"{THREADS}={wanted} is no number of threads from 1 on; all cores are used", stacklevel=2)
    return count_cores()


def count_cores() -> int:
    """How many cores this process may use; all, where the system does not say."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def find_compiler() -> list[str] | None:
    """How the C++ compiler is called: the words of $CXX, or what usually is there; None: nothing is.

    Raises:
        FileNotFoundError: $CXX names no program.
    """
    chosen = os.environ.get("CXX", "")
    try:
        words = shlex.split(chosen)
    except ValueError:  # a quotation without an end
        words = [chosen]
    if words and shutil.which(words[0]) is None:
        raise FileNotFoundError(f"CXX={chosen}: there is no program {words[0]}; name a C++ compiler, or unset CXX")
    return words or next(([found] for name in ("c++", "g++", "clang++") if (found := shutil.which(name))), None)


def compile_to(path: Path, compiler: Sequence[str]) -> None:
    """Compiles the kernel; other processes see nothing or the whole.

    Raises:
        OSError: the folder cannot be written.
        subprocess.CalledProcessError: the compiler says no.
    """
    path.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        unfinished = Path(folder) / path.name
        command = [
            *compiler,
            *FLAGS,
            "-isystem",
            jax.ffi.include_dir(),
            str(FOLDER / "kernel.cc"),
            "-o",
            str(unfinished),
        ]
        subprocess.run(command, check=True, capture_output=True, text=True)
        unfinished.replace(path)
    kernels = sorted(path.parent.glob("kernel.*.so"), key=lambda kernel: kernel.stat().st_mtime, reverse=True)
    for old in kernels[KERNELS:]:
        old.unlink(missing_ok=True)
