"""A sweep beside its runs one after another, and beside PyTorch making the same updates.

python -m benchmarks.sweep --torch_python=PATH                  4 lengths, 4 sizes, 8 seeds of count_bits
python -m benchmarks.sweep --json=sweep.json --markdown=SWEEP.md
"""

import dataclasses
import itertools
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks import record, settings, tables
from benchmarks.contestants import on_jax
from benchmarks.process import Contestant, NotMeasuredError, time_command
from experiments import count_bits, options
from lstm_jax.runs import folder as folders
from lstm_jax.settings import SettingError, check_ranges, setting

REPETITIONS = 5
"""Of an update by PyTorch; the median counts."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """What is swept, and where the results go."""

    seq_len: str = setting("5,10,20,40", "lengths of the strings")
    hidden_size: str = setting("4,8,16,32", "units of the LSTM")
    num_seeds: int = setting(8, "seeds of each setting", minimum=1, maximum=1_000)
    num_steps: int = setting(2_000, "updates of each run", minimum=1, maximum=1_000_000)
    torch_python: str = setting(sys.executable, "interpreter that has torch and NumPy")
    json: str = setting("", "file for every number that was measured")
    markdown: str = setting("", "file for the table as a document")

    def check(self) -> None:
        """Raises SettingError for the first setting that cannot be used."""
        check_ranges(self)
        for name in ("seq_len", "hidden_size"):
            if not settings.parse_integers(name, getattr(self, name)):
                raise SettingError(name, getattr(self, name), "must be one integer at least")
        settings.check_file("json", self.json)
        settings.check_file("markdown", self.markdown)

    @property
    def grid(self) -> list[tuple[int, int]]:
        """Length and size of each setting."""
        lengths, sizes = (settings.parse_integers(name, getattr(self, name)) for name in ("seq_len", "hidden_size"))
        return list(itertools.product(lengths, sizes))

    def batch_size(self, seq_len: int) -> int:
        """Strings an update of runs on strings of this length, as the experiment chooses it."""
        config = count_bits.BASE.replace({**count_bits.PRESETS["fast"], "seq_len": seq_len})
        return config.fitted({"seq_len"}).training.batch_size


def main() -> int:
    """Measures, shows and writes; the exit status is 1 if PyTorch could not be measured."""
    chosen: Settings = settings.read_flags(Settings())
    chosen.check()
    console = Console(highlight=False)
    content = measure(chosen, console)
    console.print(text := describe(content), soft_wrap=True)
    if chosen.json:
        folders.write_json(Path(chosen.json), content)
    if chosen.markdown:
        Path(chosen.markdown).write_text(f"# A sweep beside its runs alone, and beside PyTorch\n\n{text}\n")
    return 1 if content["not_measured"] else 0


def measure(chosen: Settings, console: Console) -> dict[str, Any]:
    """Everything, one after another."""
    sizes = {"grid": chosen.grid, "num_seeds": chosen.num_seeds, "num_steps": chosen.num_steps}
    content: dict[str, Any] = {**record.occasion(), **sizes, "alone": [], "torch": {}, "not_measured": ""}
    about = {"lstm_jax": on_jax.about("flax", "lstm-jax")}
    with tempfile.TemporaryDirectory() as folder:
        with console.status("the sweep"):
            content["sweep"] = run_sweep(chosen, Path(folder))
        for seq_len, hidden_size in chosen.grid:
            with console.status(f"one run alone: seq_len={seq_len}, hidden_size={hidden_size}"):
                content["alone"].append(run_alone(chosen, seq_len, hidden_size, Path(folder)))
        for threads in sorted({1, len(os.sched_getaffinity(0))}):
            with console.status(f"PyTorch, threads: {threads}"):
                try:
                    about["torch"], content["torch"][str(threads)] = measure_torch(chosen, threads, Path(folder))
                except NotMeasuredError as error:
                    content["not_measured"] = f"PyTorch was not measured: {error}"
    return {**content, "machine": record.machine(about)}


def run_sweep(chosen: Settings, folder: Path) -> float:
    """Seconds that the whole sweep takes, from the start of its process, all programs compiled anew."""
    values = [f"{name}={getattr(chosen, name)}" for name in ("seq_len", "hidden_size", "num_steps")]
    sets = [word for value in values for word in ("--set", value)]
    where = [f"--num_seeds={chosen.num_seeds}", f"--workdir={folder / 'sweep'}"]
    return time_command(["scripts.sweep", "--experiment=count_bits", *sets, *where])


def run_alone(chosen: Settings, seq_len: int, hidden_size: int, folder: Path) -> float:
    """Seconds that one run of one seed takes, from the start of its process."""
    workdir = folder / f"alone-{seq_len}-{hidden_size}"
    flags = {"seq_len": seq_len, "hidden_size": hidden_size, "num_steps": chosen.num_steps, "workdir": workdir}
    return time_command(["experiments.count_bits", *(f"--{name}={value}" for name, value in flags.items())])


def measure_torch(chosen: Settings, threads: int, folder: Path) -> tuple[dict[str, Any], list[float]]:
    """What PyTorch says of itself, and its seconds an update for each setting.

    Raises:
        NotMeasuredError: it is not there, or failed.
    """
    contestant = Contestant(chosen.torch_python, "torch_training", {"threads": threads}, folder / "errors.txt")
    try:
        about, updates = contestant.answer(), []
        for seq_len, hidden_size in chosen.grid:
            sizes = {"seq_len": seq_len, "hidden_size": hidden_size, "batch_size": chosen.batch_size(seq_len)}
            calls = contestant.ask(do="prepare", arrays=None, **{"pass": "update"}, **sizes)["calls"]
            seconds = sorted(contestant.ask(do="repeat", calls=calls)["seconds"] for _ in range(REPETITIONS))
            updates.append(seconds[REPETITIONS // 2])
        return about, updates
    finally:
        contestant.close()


def describe(content: dict[str, Any]) -> str:
    """The results in words and a table."""
    host, seeds, steps = content["machine"], content["num_seeds"], content["num_steps"]
    others = {"the same runs one after another": seeds * sum(content["alone"])}
    for threads, updates in content["torch"].items():
        others[f"the same updates by PyTorch's nn.LSTM, threads: {threads}"] = seeds * steps * sum(updates)
    rows = [["", "seconds", "the sweep takes of it"]]
    rows.append([f"the sweep, {seeds * len(content['grid'])} runs", f"{content['sweep']:.1f}", ""])
    rows += [[name, f"{seconds:.1f}", f"{content['sweep'] / seconds:.2f}"] for name, seconds in others.items()]
    lengths, sizes = (sorted(set(column)) for column in zip(*content["grid"], strict=True))
    sweep = {"seq_len": lengths, "hidden_size": sizes, "seeds": seeds, "num_steps": steps}
    conditions = [
        f"count_bits: {', '.join(f'{name} {value}' for name, value in sweep.items())}",
        f"Machine: {host['cores']} cores of {host['processor']}",
        f"Versions: {', '.join(f'{package} {version}' for package, version in host['versions'].items())}",
        f"Measured on {content['date']} with: {content['command']}",
    ]
    listed = "\n".join(f"- {line}" for line in conditions)
    reason = [content["not_measured"]] if content["not_measured"] else []
    return "\n\n".join([INTRODUCTION, listed, tables.as_markdown(rows), *reason])


INTRODUCTION = """Whole processes, from start to end, with everything compiled anew. Of the runs one after another one
seed of each setting was run, and counted once for every seed. Of PyTorch the updates alone were measured (no start, no
evaluation), for each setting, the median of a few repetitions."""


if __name__ == "__main__":
    settings.define_flags(Settings())
    sys.modules["__main__"].__doc__ = __doc__
    options.start(main)
