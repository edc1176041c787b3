"""The runs of a sweep: one for each setting, all checked before anything is computed."""

import dataclasses
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from lstm_jax.runs.config import RunConfig
from lstm_jax.runs.group import same_program
from lstm_jax.runs.problems import identified, make_problem
from lstm_jax.settings import SettingError, Settings, Value
from lstm_jax.sweeps.axis import Axis
from lstm_jax.sweeps.table import command

LEARNED_FROM = ("train_size", "valid_size", "valid_share")
"""They decide how much is learned from, not what is asked: a sweep over them wants to know how much is enough."""

type Presets = Mapping[str, Mapping[str, Value]]


@dataclasses.dataclass(frozen=True)
class Run:
    """One setting of a sweep, with all its seeds.

    Args:
        config: all settings, checked.
        flags: those that make this run as a command of its own, but for its seeds.
    """

    config: RunConfig
    flags: Settings

    @property
    def identity(self) -> str:
        """Its name, and that of its folder."""
        return self.config.identity

    @property
    def command(self) -> str:
        """The command that makes this run alone."""
        seeds: Settings = {"seed": self.config.run.seed, "num_seeds": self.config.run.num_seeds}
        return command(self.config.task.name, {**self.flags, **seeds})


@dataclasses.dataclass(frozen=True)
class Plan:
    """All runs of a sweep.

    Args:
        experiment: its name.
        runs: in the order of the grid.
        varied: names of the settings that vary.
        drawn: those of them whose values were drawn from a range.
    """

    experiment: str
    runs: tuple[Run, ...]
    varied: tuple[str, ...]
    drawn: tuple[str, ...] = ()

    @property
    def members(self) -> int:
        """Seeds of all runs together."""
        return sum(run.config.run.num_seeds for run in self.runs)

    @property
    def question(self) -> tuple[str, ...]:
        """Those settings that vary and change what is asked: errors are compared where they are the same."""
        asked = self.runs[0].config.data.question
        return tuple(name for name in self.varied if name in asked and name not in LEARNED_FROM)

    def settings_of(self, run: Run) -> Settings:
        """Those settings of a run that vary."""
        settings = run.config.settings()
        return {name: settings[name] for name in self.varied}


def make_plan(base: RunConfig, settings: Sequence[Settings], axes: Sequence[Axis], same: Settings) -> Plan:
    """Makes and checks all runs.

    Args:
        base: the experiment with the recipe of a preset.
        settings: of each run, those that --set gives.
        axes: what --set gives.
        same: what all runs have in common and is given by hand, `preset` too; `cpu_devices` resolved.

    Raises:
        SettingError: a run cannot be; says which.
    """
    varied = tuple(axis.name for axis in axes if axis.span is not None or len(axis.values) > 1)
    runs, problems = [], set[Hashable]()
    for own in settings:
        given = {**same, **own}
        try:
            config = _checked(base.replace(given).fitted(given), given, problems)
            runs.append(Run(config, {name: given[name] for name in _shown(given)}))
        except SettingError as error:
            where = ", ".join(f"{name}={value}" for name, value in own.items() if name in varied)
            reason = f"{error.allowed}{f' (with {where})' if where else ''}"
            raise SettingError(error.name, error.value, reason, error.remedy) from None
    _check_effects(runs, axes)
    if len({run.identity for run in runs}) < len(runs):
        raise SettingError("set", ",".join(axis.name for axis in axes), "two runs have the same name; try fewer runs")
    drawn = [axis.name for axis in axes if axis.span and any(own[axis.name] not in axis.values for own in settings)]
    return Plan(base.task.name, tuple(runs), varied, tuple(drawn))


def _shown(given: Settings) -> list[str]:
    return [name for name in given if name not in ("seed", "num_seeds")]


def _checked(config: RunConfig, given: Settings, problems: set[Hashable]) -> RunConfig:
    """The run as it will be known; what it learns from is looked at once for all runs that share a program."""
    config.check()
    config = identified(config, given)
    key = same_program(config)
    if key not in problems:
        make_problem(config)
        problems.add(key)
    return config


def _check_effects(runs: Sequence[Run], axes: Sequence[Axis]) -> None:
    """A setting that no run heeds is a mistake; one that some ignore is not."""
    ignored: list[dict[str, str]] = [run.config.without_effect() for run in runs]
    for axis in axes:
        if all(axis.name in reasons for reasons in ignored):
            values: Any = ",".join(str(value) for value in axis.values)
            raise SettingError("set", f"{axis.name}={values}", f"has no effect {ignored[0][axis.name]}")
