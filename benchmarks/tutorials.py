"""How long do the tutorials' own programs take here, and ours in turn with them? Times their recipes under TensorFlow.

python -m benchmarks.tutorials --tensorflow_python=PATH --json=tutorials.json
python -m scripts.reproduce --tutorial_times=tutorials.json
"""

import dataclasses
import statistics
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from rich.console import Console

from benchmarks import record, settings
from benchmarks.process import Contestant, NotMeasuredError, time_command
from benchmarks.tutorials_report import describe, median
from experiments import count_bits, next_word, options, sign_sum
from experiments.console import print_error
from lstm_jax.runs import folder as folders
from lstm_jax.runs.texts import read_text
from lstm_jax.settings import check_ranges, setting
from lstm_jax.sweeps.collect import read_metrics
from lstm_jax.tasks.corpus import make_corpus
from lstm_jax.tasks.text_settings import TextSettings

PROGRAMS: dict[str, tuple[ModuleType, list[str]]] = {
    "count_bits": (count_bits, []),
    "sign_sum": (sign_sum, []),
    "next_word": (next_word, []),
    "next_word_2": (next_word, ["--num_layers=2"]),
}
"""The programs, as `scripts.reproduce` names them: which experiment's preset `paper` has the recipe, and its flags."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """What is timed, and where the results go."""

    only: str = setting(",".join(PROGRAMS), "what is timed: some of these, separated by commas")
    share: float = setting(0.1, "share of the updates that is made; the rest is extrapolated", minimum=1e-4, maximum=1)
    at_least: int = setting(4_000, "updates that are made anyway, as far as there are so many", minimum=2)
    repetitions: int = setting(
        3, "processes of each program, theirs and ours in turn; the median counts", minimum=1, maximum=1_000
    )
    tensorflow_python: str = setting(sys.executable, "interpreter that has tensorflow and NumPy")
    json: str = setting("", "file for every number that was measured")

    def check(self) -> None:
        """Raises SettingError for the first setting that cannot be used."""
        check_ranges(self)
        settings.parse_names("only", self.only, list(PROGRAMS))
        settings.check_file("json", self.json)

    def updates(self, name: str) -> int:
        """How many updates of a program are made."""
        # All of a program that takes half a minute: what is extrapolated from a tenth of it is mostly noise.
        return min(updates_of(name), max(self.at_least, round(self.share * updates_of(name))))

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
        print_error(f"TensorFlow was not measured: {error}; --tensorflow_python=PATH names one that has it")
        return 1
    console.print(describe(content), soft_wrap=True)
    if chosen.json:
        folders.write_json(Path(chosen.json), content)
    return 0


def measure(chosen: Settings, console: Console) -> dict[str, Any]:
    """Every program, theirs and ours in turn, several times.

    Raises:
        NotMeasuredError: TensorFlow is not there, or failed.
    """
    about: dict[str, Any] = {}
    runs: dict[str, list[dict[str, dict[str, float]]]] = {name: [] for name in chosen.names}
    with tempfile.TemporaryDirectory() as folder:
        for repetition in range(chosen.repetitions):
            for name in chosen.names:
                with console.status(f"{name}, {repetition + 1} of {chosen.repetitions}"):
                    about, theirs = run_theirs(chosen, name, Path(folder) / "errors.txt")
                    ours = run_ours(chosen, name, repetition, Path(folder) / f"{name}-{repetition}")
                    runs[name].append({"theirs": theirs, "ours": ours})
    programs = {
        name: {
            "updates": updates_of(name),
            "seconds": median(done, "theirs", "whole"),
            "our_seconds": median(done, "ours", "whole"),
            "runs": done,
        }
        for name, done in runs.items()
    }
    return {**record.occasion(), "machine": record.machine({"tensorflow": about}), "programs": programs}


def updates_of(name: str) -> int:
    """Updates that the tutorial makes."""
    return int(PROGRAMS[name][0].PRESETS["paper"]["num_steps"])


def run_theirs(chosen: Settings, name: str, errors: Path) -> tuple[dict[str, Any], dict[str, float]]:
    """Runs a share of a tutorial's program. Returns what TensorFlow says of itself, and what was measured.

    Raises:
        NotMeasuredError: TensorFlow is not there, or failed.
    """
    updates = chosen.updates(name)
    base = next_word.BASE.replace(dict(next_word.PRESETS["paper"]))
    text = cast(TextSettings, base.data)
    codes = make_corpus(read_text(text), text).train.tolist()
    asked = {"program": name, "updates": updates, "codes": codes}
    started = time.perf_counter()
    contestant = Contestant(chosen.tensorflow_python, "tensorflow_tutorials", asked, errors)
    try:
        about, outcome = contestant.answer(), contestant.answer()
    finally:
        contestant.close()
    process = time.perf_counter() - started
    return about, {**outcome, **extrapolate(process, outcome["seconds"] / (updates - 1), updates, updates_of(name))}


def run_ours(chosen: Settings, name: str, seed: int, folder: Path) -> dict[str, float]:
    """Runs the same share of our experiment, compiled anew. Returns what was measured.

    Raises:
        OSError: it failed.
    """
    experiment, flags = PROGRAMS[name]
    updates = chosen.updates(name)
    log_every = min(experiment.PRESETS["paper"].get("log_every", experiment.BASE.run.log_every), updates // 2)
    flags = [*flags, f"--seed={seed}", f"--num_steps={updates}", f"--log_every={log_every}", f"--workdir={folder}"]
    process = time_command([experiment.__name__, "--preset=paper", *flags])
    rows = [row for row in read_metrics(folder) if row["split"] == "train"]
    # What is compiled, the first evaluation with it, is in the first half.
    update = statistics.fmean(1 / row["steps_per_second"] for row in rows[len(rows) // 2 :])
    accuracy = {"accuracy": 1 - rows[-1]["error"]} if "error" in rows[-1] else {}
    return {**accuracy, **extrapolate(process, update, updates, updates_of(name))}


def extrapolate(process: float, update: float, measured: int, updates: int) -> dict[str, float]:
    """Seconds of a whole program, from a process that made `measured` of its `updates`, each in `update` seconds."""
    whole = process + (updates - measured) * update
    return {"process": process, "update": update, "measured": measured, "whole": whole}


if __name__ == "__main__":
    settings.define_flags(Settings())
    sys.modules["__main__"].__doc__ = __doc__
    options.start(main)
