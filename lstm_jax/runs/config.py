"""A run's settings: every choice there is, checked before anything is compiled."""

import dataclasses
import hashlib
import json
from collections.abc import Collection
from typing import Any

from lstm_jax.network.settings import ModelSettings
from lstm_jax.settings import SettingError, Value, check_ranges, setting, written
from lstm_jax.tasks.string_settings import StringSettings
from lstm_jax.tasks.task import DataSettings, Task
from lstm_jax.training.optimizers import TrainSettings


@dataclasses.dataclass(frozen=True)
class RunSettings:
    """How often a run is repeated, looked at and saved, and on what it runs."""

    num_seeds: int = setting(
        1, "members of the population, with the seeds --seed, --seed + 1, ...", minimum=1, maximum=100_000
    )
    seed: int = setting(
        0, "seed of the first member: initial weights, batches, strings to learn from", minimum=0, maximum=2**31 - 1
    )
    patience: int = setting(
        0, "evaluations without a better loss on what is held out for it before a stop; 0: none", minimum=0
    )
    log_every: int = setting(100, "updates between lines of metrics", minimum=1)
    eval_every: int = setting(1_000, "updates between evaluations of what was learned", minimum=1)
    checkpoint_every: int = setting(1_000, "updates between checkpoints", minimum=1)
    platform: str = setting("auto", "where to compute", choices=("auto", "cpu", "gpu", "tpu"))
    cpu_devices: int = setting(0, "parts into which JAX divides the processor; 0: one a core", minimum=0, maximum=1024)
    workdir: str = setting(
        "", "folder of the run; goes on with an unfinished one; without it: in runs/", identity=False
    )
    progress: str = setting("auto", "progress bar; auto: on a terminal", choices=("auto", "on", "off"), identity=False)

    @property
    def seeds(self) -> range:
        """The seeds of the members."""
        return range(self.seed, self.seed + self.num_seeds)


@dataclasses.dataclass(frozen=True)
class RunConfig:
    """Everything that a run depends on. The names of all settings are distinct, whatever their section."""

    task: Task
    data: DataSettings = dataclasses.field(default_factory=StringSettings)
    model: ModelSettings = dataclasses.field(default_factory=ModelSettings)
    training: TrainSettings = dataclasses.field(default_factory=TrainSettings)
    run: RunSettings = dataclasses.field(default_factory=RunSettings)

    def fitted(self, given: Collection[str]) -> "RunConfig":
        """The same run with what nobody chose made to fit what there is to learn from and how it is read.

        Args:
            given: names of the settings that were given by hand; they stay.

        Raises:
            SettingError: a setting is out of range.
            TaskError: the task is not what it must be.
        """
        return self.replace(self.data.fitting(self.task, self.settings(), given))

    def check(self) -> None:
        """Raises SettingError for the first setting that is out of range or contradicts another."""
        check_ranges(self.run)
        self.data.check(self.task)
        self.model.check()
        self.training.check()
        self.data.check_network(self.settings())
        if self.model.bidirectional and self.training.supervise == "every_step":
            reason = "contradicts --bidirectional: the way back has seen the symbols to come"
            raise SettingError("supervise", "every_step", reason, "supervise=last")
        held_out = getattr(self.data, self.data.validation)
        if self.run.patience and not held_out:
            raise SettingError("patience", self.run.patience, f"needs --{self.data.validation} above 0")
        if held_out and not self.run.patience:
            raise SettingError(self.data.validation, held_out, "needs --patience of at least 1")
        if self.run.seed + self.run.num_seeds > 2**31:
            raise SettingError(
                "num_seeds", self.run.num_seeds, f"with --seed={self.run.seed} goes beyond the last seed, 2^31 - 1"
            )

    def without_effect(self) -> dict[str, str]:
        """Settings that this run ignores, with the reason as the end of a sentence."""
        reasons = {
            "forget_bias": (self.model.kind != "lstm", f"with --cell={self.model.cell}, which has no forget gate"),
            "adam_b2": (not self.training.optimizer.startswith("adam"), f"with --optimizer={self.training.optimizer}"),
            "warmup": (self.training.lr_schedule != "onecycle", f"with --lr_schedule={self.training.lr_schedule}"),
            "remat": (self.model.remat >= self.data.seq_len, "for strings that are not longer"),
            "truncate": (self.model.truncate >= self.data.seq_len, "for strings that are not longer"),
            "number_loss": (self.model.readout != "number", f"with --readout={self.model.readout}"),
            "kernel_mean": (self.model.kernel_init == "default", "with --kernel_init=default"),
            "kernel_stddev": (self.model.kernel_init == "default", "with --kernel_init=default"),
            **self.data.without_effect(self.task),
        }
        return {name: reason for name, (ignored, reason) in reasons.items() if ignored}

    def settings(self, identity_only: bool = False) -> dict[str, Value]:
        """All settings by name; with `identity_only` those that the results depend on."""
        return {
            field.name: getattr(section, field.name)
            for section in sections(self)
            for field in dataclasses.fields(section)
            if field.metadata["identity"] or not identity_only
        }

    def replace(self, settings: dict[str, Any]) -> "RunConfig":
        """The same run with some settings changed, by name; names that it does not have are ignored."""
        changed = {}
        for name in SECTIONS:
            section = getattr(self, name)
            own = {field.name for field in dataclasses.fields(section)} & settings.keys()
            changed[name] = dataclasses.replace(section, **{key: settings[key] for key in own})
        return dataclasses.replace(self, **changed)

    @property
    def identity(self) -> str:
        """A short name for everything that the results depend on."""
        settings = {"experiment": self.task.name, **self.settings(identity_only=True)}
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:8]


SECTIONS = ("data", "model", "training", "run")


def sections(config: RunConfig) -> list[Any]:
    """The settings dataclasses of a run, in the order in which they are listed."""
    return [getattr(config, name) for name in SECTIONS]


def setting_fields(config: RunConfig) -> dict[str, dataclasses.Field]:
    """The declaration of every setting, by name."""
    return {field.name: field for section in sections(config) for field in dataclasses.fields(section)}


def describe_difference(ours: dict[str, Value], theirs: dict[str, Value]) -> str:
    """What differs between two runs' settings, such as `--hidden_size=32 (there: 24)`; empty if nothing does."""
    different = [name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)]
    return ", ".join(
        f"--{name}={written(ours.get(name))} (there: {written(theirs.get(name))})" for name in sorted(different)
    )
