"""Where, when, how and with what was measured; and the files that keep the results."""

import datetime
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import tables
from benchmarks.results import Measurement, best_rate
from lstm_jax.runs import folder as folders
from lstm_jax.runs import origin

CONDITIONS = ("dtype", "matmul_precision", "repetitions", "starts")
"""What holds for all contestants, and is told with the results."""


def machine(about: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The processor, and what each contestant computes on with which versions."""
    versions = {package: version for one in about.values() for package, version in one["versions"].items()}
    return {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.machine()}",
        "devices": sorted({one["device"] for one in about.values()}),
        "versions": {"python": platform.python_version(), **dict(sorted(versions.items()))},
        "parallel": {name: one["parallel"] for name, one in about.items()},
    }


def processor() -> str:
    """The processor's own name, with the matrix units that decide what it can do."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    found = dict(line.split(":", 1) for line in reversed(lines) if ":" in line)
    found = {name.strip(): value.strip() for name, value in found.items()}
    units = [unit for unit in ("avx2", "avx512f", "amx_tile") if unit in found.get("flags", "").split()]
    name = found.get("model name", platform.machine())
    return f"{name} ({', '.join(units)})" if units else name


def occasion() -> dict[str, Any]:
    """When and by which command it was measured, and from which commit."""
    # Where somebody keeps another interpreter is of no use to those who read the results.
    elsewhere = [name for name in ("torch_python", "tensorflow_python") if any(name in word for word in sys.argv)]
    hidden = dict.fromkeys(elsewhere, "PATH")
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return {"date": today, "command": folders.command_line(**hidden), "git_commit": origin.git_commit()}


def describe(record: Mapping[str, Any]) -> list[str]:
    """The conditions in a few lines."""
    host, conditions = record["machine"], record["conditions"]
    versions = ", ".join(f"{package} {version}" for package, version in host["versions"].items())
    reasons = record.get("matmul_not_measured", {})
    rates = ", ".join(
        f"{rate:.0f} ({way})" if rate else f"not measured ({way}: {reasons.get(way, 'no rate')})"
        for way, rate in record["matmul_gflops"].items()
    )
    precision = f", {conditions['dtype']}, matmul precision {conditions['matmul_precision']}"
    starts = "once" if conditions["starts"] == 1 else f"{conditions['starts']} times"
    turns = f"{conditions['repetitions']} repetitions in turn, everyone started {starts}"
    accelerator = [device for device in host["devices"] if device != "cpu"]
    return [
        f"Machine: {host['cores']} cores of {host['processor']}" + "".join(f", {device}" for device in accelerator),
        f"Large matrix product, GFLOP/s: {rates}",
        f"Conditions: {record['platform']}{precision}, {turns}",
        f"Versions: {versions}",
        f"Measured on {record['date']} with: {record['command']}",
    ]


def preface(title: str, introduction: str, platform: str, conditions: list[str], picture: str) -> list[str]:
    """The paragraphs with which a document of results begins: what, where and how it was measured, and a picture."""
    on_cpu = ON_CPU if platform == "cpu" else ""
    listed = "\n".join(f"- {line}" for line in conditions)
    return [part for part in (f"# {title}", introduction, on_cpu, listed, picture) if part]


def beside(document: Path) -> str:
    """What else was measured, as far as there are documents of it in the folder of this one."""
    others = [name for name in OTHERS if (document.parent / name).exists() and name != document.name]
    there = [f"[{name}]({name}), {OTHERS[name]}" for name in others]
    return f"Beside this: {'; '.join(there)}." if there else ""


def markdown(record: Mapping[str, Any], measurements: Sequence[Measurement], plot: str, others: str = "") -> str:
    """The results as a document.

    Args:
        record: what `describe` needs.
        measurements: all of them.
        plot: the picture's file, relative to the document; empty if there is none.
        others: what else was measured, from `beside`.
    """
    best = best_rate(record["matmul_gflops"])
    picture = f"![Time of each library relative to lstm_jax, by shape]({plot})" if plot else ""
    parts = preface("The layer beside other libraries", INTRODUCTION, record["platform"], describe(record), picture)
    parts.extend([others] if others else [])
    parts.append("## Time relative to lstm_jax")
    for heading, rows in tables.summaries(measurements):
        parts.extend([f"**{heading}**", tables.as_markdown(rows)])
    parts.extend(f"- {line}" for line in tables.remarks(measurements))
    parts.append("## In detail")
    for key in dict.fromkeys((one.cell, one.which, one.shape) for one in measurements):
        group = [one for one in measurements if (one.cell, one.which, one.shape) == key]
        parts.extend([f"**{tables.title(group[0])}**", tables.as_markdown(tables.details(group, best))])
    return "\n\n".join(parts) + "\n"


def link(picture: str, document: str) -> str:
    """How a document refers to a picture: relative to the document's folder; empty without a picture."""
    return os.path.relpath(picture, Path(document).parent) if picture else ""


OTHERS = {
    "RESULTS_H200.md": "the same on a GPU",
    "RESULTS_EPYC.md": "the same on an AMD EPYC, by XLA without the kernel",
    "SWEEP.md": "a sweep beside its runs alone and beside PyTorch's updates",
    "SCALING.md": "how time and memory grow",
}

ON_CPU = "Measured on a processor; the same command measures on a GPU with `--platform=gpu`."

INTRODUCTION = """All compute the same: one layer with the same weights reads the same inputs, and the loss is the
mean square of the last hidden state. That losses and gradients agree is checked before the clock starts. `forward` is
the layer alone, all outputs; `forward + backward` is the loss and its gradient with respect to all parameters. For
each table every library is a process anew, and again after some repetitions, as often as the conditions say; they
take turns, repetition by repetition, and one computes at a time. Each repetition times enough calls for 50 ms, every
call to its end, after 10 ms of calls that warm the caches up. The first call, compilation included, stands apart. On a
CPU all that is on JAX computes in the thread that calls (`jax_cpu_enable_async_dispatch=False`), as PyTorch does, and
compiled functions take and return lists of arrays. lstm_jax has the kernel that it compiles for the processor, one
device a core (`lstm_jax.value_and_grad`), 512-bit vectors where there are any, and keeps the memory that it frees, as
its experiments do; the others run as they come.
GFLOP/s count the matrix products, 24·B·T·H·(H + D) operations for an LSTM forward and backward, 18 for a GRU, a third
forward. B is the batch, T time, D features, H hidden units."""
