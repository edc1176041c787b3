"""Are the tutorials' published figures reached? Runs their recipes with several seeds, and compares each figure.

python -m scripts.reproduce                               all of them, five seeds each
python -m scripts.reproduce --only=sign_sum,next_word     some of them
python -m scripts.reproduce --quick                       a tenth of the updates
python -m scripts.reproduce --tutorial_times=tutorials.json      beside times of this machine, from benchmarks.tutorials
The same command again continues where it was stopped. The exit status is 1 if a figure is not reached.
"""

import dataclasses
import os
import platform
import sys
from pathlib import Path
from typing import Any

from absl import flags

from experiments import console, options, parsers
from lstm_jax.runs import folder as folders
from lstm_jax.runs.files import at_home, write_whole
from lstm_jax.settings import SettingError, check_ranges, setting
from lstm_jax.sweeps import figures
from scripts.reproduction import picture, table
from scripts.reproduction.cases import CASES, Case
from scripts.reproduction.runs import Budget, RunFailedError, read_outcome, run_all
from scripts.reproduction.tutorials import read_tutorial_times

USAGE = 2
"""How a run ends that cannot be run as it was asked for: again it would end in the same way."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """What is run, how much of it, and where."""

    only: str = setting(",".join(CASES), "what is reproduced: some of these, separated by commas")
    num_seeds: int = setting(5, "runs of each, with the seeds --seed, --seed + 1, ...", minimum=1, maximum=1_000)
    seed: int = setting(0, "seed of the first run, whose wall time is compared", minimum=0, maximum=2**31 - 1_001)
    quick: bool = setting(False, "make only a part of the updates, and judge the figures published for that part")
    quick_share: float = setting(0.1, "how large a part, with --quick", minimum=1e-6, maximum=1)
    tutorial_times: str = setting("", "file from benchmarks.tutorials; without it, wall times of another machine count")
    workdir: str = setting("runs/reproduce", "folder for the runs and the report; what is finished there is kept")

    @property
    def cases(self) -> list[Case]:
        """What is reproduced, in the order asked for.

        Raises:
            SettingError: one of the names is not known, or comes twice.
        """
        names = [name.strip() for name in self.only.split(",")]
        if not set(names) <= set(CASES) or len(set(names)) < len(names):
            raise SettingError("only", self.only, f"must be some of {', '.join(CASES)}, separated by commas")
        return [CASES[name] for name in names]


def read_settings() -> Settings:
    """The settings as the flags give them, checked.

    Raises:
        SettingError: names the first flag that cannot be used.
    """
    given = {field.name: flags.FLAGS[field.name] for field in dataclasses.fields(Settings)}
    values: dict[str, Any] = {name: flag.value for name, flag in given.items() if flag.present}
    settings = Settings(**values)
    check_ranges(settings)
    if given["quick_share"].present and not settings.quick:
        raise SettingError("quick_share", settings.quick_share, "has no effect without --quick")
    return settings


def machine() -> str:
    """What the times were measured on, as far as the system says."""
    described = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    models = [line.partition(":")[2].strip() for line in described.splitlines() if line.startswith("model name")]
    return f"{os.cpu_count()} cores, {models[0] if models else platform.machine()}"


def main() -> int:
    """Runs, compares, shows and writes; the exit status is 1 if we fall short of a figure."""
    settings = read_settings()
    tutorials, workdir = read_tutorial_times(settings.tutorial_times), Path(at_home(settings.workdir))
    times = tutorials.times_as_fast
    cases = [dataclasses.replace(case, times_as_fast=times.get(case.name, ())) for case in settings.cases]
    budget = Budget(workdir, settings.seed, settings.num_seeds, settings.quick_share if settings.quick else 1.0)
    try:
        run_all(cases, budget)
    except RunFailedError as failed:
        again = "" if failed.status == USAGE else "; the same command continues"
        console.print_error(f"{failed}{again}")
        return failed.status if failed.status > 0 else 1
    outcomes = [read_outcome(case, budget) for case in cases]
    rows = table.make_rows(outcomes)
    curves = picture.learning_curves(outcomes)
    figures.save(curves, workdir)
    text = table.as_markdown(rows, machine(), tutorials.remark, table.total_time(outcomes), f"{curves.name}.png")
    write_whole(workdir / "reproduce.md", text)
    record = {
        "command": folders.command_line(),
        "machine": machine(),
        "times_as_fast": times,
        "seconds": {outcome.case.name: round(outcome.total_seconds, 2) for outcome in outcomes},
        "rows": [row.record() for row in rows],
    }
    folders.write_json(workdir / "reproduce.json", record)
    print(f"\n{text}\nIn {workdir}: reproduce.md, reproduce.json, {curves.name}.png, {curves.name}.svg")
    return table.exit_status(rows)


if __name__ == "__main__":
    for field in dataclasses.fields(Settings):
        options.define_setting(field, parsers.describe_default(field.default))
    sys.modules["__main__"].__doc__ = __doc__
    options.start(main)
