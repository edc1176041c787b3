"""Runs an experiment with many settings and seeds: a grid or draws, resumable at any moment, with tables and pictures.

python -m scripts.sweep --experiment=count_bits --set hidden_size=4,8,16 --num_seeds=8 --workdir=runs/sizes
python -m scripts.sweep --experiment=count_bits --set hidden_size=4,8,16 --num_seeds=8 --workdir=runs/sizes --dry_run

--set takes any setting of the experiment (python -m experiments.count_bits --help lists them):
    --set seq_len=5,10,20                          these values
    --set hidden_size='4..32 by 4'                 4, 8, ..., 32
    --set learning_rate='1e-4..1e-1 log 8'         eight values, evenly spaced in the logarithm; `linear` likewise
Several are a grid of all combinations; --random=64 draws so many of them. The same command again goes on where it was,
and with more values runs what is new. Exit status: 0 all done, 1 a run failed or is left undone, 130
interrupted.
"""

import dataclasses
import importlib
import pkgutil
import sys
from pathlib import Path
from typing import Any

from absl import flags

import experiments
from experiments import STARTED, options, parsers, recipes
from lstm_jax.runs import folder as folders
from lstm_jax.runs.config import RunSettings
from lstm_jax.settings import SettingError, Settings, check_ranges
from lstm_jax.sweeps.axis import parse_axis
from lstm_jax.sweeps.grid import draw, grid
from lstm_jax.sweeps.plan import Plan, make_plan
from lstm_jax.sweeps.settings import SweepSettings
from lstm_jax.sweeps.sweep import ALL_DONE, SweepRun

SHARED = ("num_seeds", "seed", "platform", "cpu_devices", "progress")
"""Settings of the experiments that are flags here, too, and the same for all runs."""

OWN = {field.name: field for field in dataclasses.fields(SweepSettings)}


def find_experiments() -> list[str]:
    """The names of all experiments."""
    names = [module.name for module in pkgutil.iter_modules(experiments.__path__)]
    return [name for name in names if hasattr(importlib.import_module(f"experiments.{name}"), "BASE")]


def define_flags() -> None:
    """Defines all flags."""
    module: Any = {"module_name": sys.argv[0]}
    parsers.define_choice("experiment", find_experiments(), "what is run")
    flags.DEFINE_multi_string("set", None, "NAME=VALUES of a setting; may be given several times", **module)
    flags.DEFINE_string("preset", None, "recipe of all runs; default: the experiment's own", **module)
    flags.DEFINE_string("workdir", None, "folder of the sweep, needed; goes on with the one that is there", **module)
    fields = {field.name: field for field in dataclasses.fields(RunSettings)}
    defaults = {name: parsers.describe_default(fields[name].default) for name in SHARED}
    defaults["cpu_devices"] = "default 1, so that several runs are computed side by side"
    for name, default in defaults.items():
        options.define_setting(fields[name], default)
    for field in OWN.values():
        options.define_setting(field, parsers.describe_default(field.default))


def given(names: Any) -> dict[str, Any]:
    """Those of these flags that were given by hand."""
    return {name: flags.FLAGS[name].value for name in names if flags.FLAGS[name].present}


def plan_from_flags(chosen: SweepSettings) -> Plan:
    """All runs.

    Raises:
        SettingError: names the first flag that cannot be used.
    """
    module = importlib.import_module(f"experiments.{flags.FLAGS.experiment}")
    base, presets, preset = module.BASE, module.PRESETS, flags.FLAGS.preset
    if preset is not None and preset not in presets:
        raise SettingError("preset", preset, f"must be one of {', '.join(presets)}")
    base = recipes.follow(base, presets, preset or next(iter(presets)))
    shared = given(SHARED)
    check_ranges(dataclasses.replace(RunSettings(), **shared))
    same: Settings = {"preset": preset} if preset else {}
    same |= {name: value for name, value in shared.items() if name != "progress"}
    same["cpu_devices"] = flags.FLAGS.cpu_devices or 1
    axes = [parse_axis(text, options.chosen_fields(base)) for text in flags.FLAGS["set"].value or ()]
    settings = draw(axes, chosen.random, int(same.get("seed", 0))) if chosen.random else grid(axes)
    chosen_preset = preset or next(iter(presets))
    names = {*same, *(axis.name for axis in axes)}
    with recipes.blaming(presets, chosen_preset, preset is not None, names, "--set "):
        return make_plan(base, settings, axes, same)


def advice(flag: str) -> str:
    """What to do instead, where a setting of the runs was taken for a flag of the sweep."""
    bases = [importlib.import_module(f"experiments.{name}").BASE for name in find_experiments()]
    known = any(flag in options.chosen_fields(base) for base in bases)
    return f"it is a setting of the runs: --set {flag}=VALUES" if known else ""


def main() -> int:
    """Runs the sweep, or says what it would run; returns the exit status."""
    chosen = dataclasses.replace(SweepSettings(), **given(OWN))
    chosen.check()
    if not flags.FLAGS.experiment:
        raise SettingError("experiment", "", f"must name what is run: {', '.join(find_experiments())}")
    if not flags.FLAGS.workdir:
        raise SettingError("workdir", "", "must name the folder of the sweep")
    sweep = SweepRun(
        plan_from_flags(chosen),
        f"experiments.{flags.FLAGS.experiment}",
        chosen,
        Path(options.workdir()),
        folders.command_line(),
        flags.FLAGS.progress or RunSettings().progress,
        STARTED,
    )
    if chosen.dry_run:
        print("\n".join(sweep.describe()))
        return ALL_DONE
    return sweep.run()


if __name__ == "__main__":
    define_flags()
    sys.modules["__main__"].__doc__ = __doc__
    options.start(main, advice)
