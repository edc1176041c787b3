"""How long do the tutorials' own programs take here? Times their recipes under TensorFlow, for scripts.reproduce.

python -m benchmarks.tutorials --tensorflow_python=PATH --json=tutorials.json
python -m scripts.reproduce --tutorial_times=tutorials.json
"""

import dataclasses
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, cast

from rich.console import Console

from benchmarks import record, settings, tables
from benchmarks.process import Contestant, NotMeasuredError
from experiments import count_bits, next_word, options, sign_sum
from lstm_jax.runs import folder as folders
from lstm_jax.runs.texts import read_text
from lstm_jax.settings import check_ranges, setting
from lstm_jax.tasks.corpus import make_corpus
from lstm_jax.tasks.text_settings import TextSettings

PROGRAMS = {"count_bits": count_bits, "sign_sum": sign_sum, "next_word": next_word, "next_word_2": next_word}
"""The programs, as `scripts.reproduce` names them, and the experiments whose preset `paper` has the recipe."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """What is timed, and where the results go."""

    only: str = setting(",".join(PROGRAMS), "what is timed: some of these, separated by commas")
    share: float = setting(0.1, "share of the updates that is made; the rest is extrapolated", minimum=1e-4, maximum=1)
    repetitions: int = setting(3, "processes of each program, in turn; the median counts", minimum=1, maximum=1_000)
    tensorflow_python: str = setting(sys.executable, "interpreter that has tensorflow and NumPy")
    json: str = setting("", "file for every number that was measured")

    def check(self) -> None:
        """Raises SettingError for the first setting that cannot be used."""
        check_ranges(self)
        settings.parse_names("only", self.only, list(PROGRAMS))
        settings.check_file("json", self.json)

    @property
    def names(self) -> list[str]:
        """What is timed."""
        return settings.parse_names("only", self.only, list(PROGRAMS))


def main() -> int:
    """Measures, shows and writes; the exit status is 1 if there is no TensorFlow to measure."""
    chosen: Settings = settings.read_flags(Settings())
    chosen.check()
    console = Console(highlight=False)
    try:
        content = measure(chosen, console)
    except NotMeasuredError as error:
        options.print_error(f"TensorFlow was not measured: {error}; --tensorflow_python=PATH names one that has it")
        return 1
    console.print(describe(content), soft_wrap=True)
    if chosen.json:
        folders.write_json(Path(chosen.json), content)
    return 0


def measure(chosen: Settings, console: Console) -> dict[str, Any]:
    """Every program in turn, several times.

    Raises:
        NotMeasuredError: TensorFlow is not there, or failed.
    """
    about: dict[str, Any] = {}
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in chosen.names}
    with tempfile.TemporaryDirectory() as folder:
        for repetition in range(chosen.repetitions):
            for name in chosen.names:
                with console.status(f"{name}, {repetition + 1} of {chosen.repetitions}"):
                    about, run = run_once(chosen, name, Path(folder) / "errors.txt")
                    runs[name].append(run)
    programs = {
        name: {"updates": updates_of(name), "seconds": statistics.median(run["whole"] for run in done), "runs": done}
        for name, done in runs.items()
    }
    return {**record.occasion(), "machine": record.machine({"tensorflow": about}), "programs": programs}


def updates_of(name: str) -> int:
    """Updates that the tutorial makes."""
    return int(cast(int, PROGRAMS[name].PRESETS["paper"]["num_steps"]))


def run_once(chosen: Settings, name: str, errors: Path) -> tuple[dict[str, Any], dict[str, float]]:
    """Runs a share of one program. Returns what TensorFlow says of itself, and what was measured.

    Raises:
        NotMeasuredError: TensorFlow is not there, or failed.
    """
    updates = max(2, round(chosen.share * updates_of(name)))
    base = next_word.BASE.replace(dict(next_word.PRESETS["paper"]))
    text = cast(TextSettings, base.data)
    codes = make_corpus(read_text(text), text).train.tolist()
    started = time.perf_counter()
    contestant = Contestant(
        chosen.tensorflow_python,
        "tensorflow_tutorials",
        {"program": name, "updates": updates, "codes": codes},
        errors,
    )
    try:
        about, outcome = contestant.answer(), contestant.answer()
    finally:
        contestant.close()
    process = time.perf_counter() - started
    whole = extrapolate(process, outcome["seconds"], updates, updates_of(name))
    return about, {**outcome, "process": process, "measured_updates": updates, "whole": whole}


def extrapolate(process: float, later: float, measured: int, updates: int) -> float:
    """Seconds of the whole program, from a process in which all `measured` updates but the first took `later` of it."""
    return process - later + later * (updates - 1) / (measured - 1)


def describe(content: dict[str, Any]) -> str:
    """The results in words and a table."""
    rows = [["program", "updates", "the whole of it", "an update", "error on unseen strings"]]
    for name, program in content["programs"].items():
        last = program["runs"][-1]
        update = statistics.median(run["seconds"] / (run["measured_updates"] - 1) for run in program["runs"])
        error = f"{last['wrong']:.2%} after {last['measured_updates']:,}" if "wrong" in last else ""
        rows.append([name, f"{program['updates']:,}", f"{program['seconds']:.1f} s", tables.duration(update), error])
    host = content["machine"]
    conditions = [
        f"Machine: {host['cores']} cores of {host['processor']}",
        f"Versions: {', '.join(f'{package} {version}' for package, version in host['versions'].items())}",
        f"Measured on {content['date']} with: {content['command']}",
    ]
    return "\n\n".join([INTRODUCTION, "\n".join(f"- {line}" for line in conditions), tables.as_markdown(rows)])


INTRODUCTION = """The tutorials' recipes as graphs of TensorFlow 1 that Python feeds once an update. Whole processes,
from start to end; where only a share of the updates was made, the time of all is extrapolated."""


if __name__ == "__main__":
    settings.define_flags(Settings())
    sys.modules["__main__"].__doc__ = __doc__
    options.start(main)
