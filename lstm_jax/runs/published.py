"""Which published figures belong to a run."""

import dataclasses
from typing import Any

from lstm_jax.network.settings import ModelSettings
from lstm_jax.runs.config import RunConfig, setting_fields
from lstm_jax.training.optimizers import TrainSettings

ROUNDING = ("impl", "remat", "log_grad_norm")
"""Settings that change how the same numbers are computed."""

OWN = "own_recipe"


def published(config: RunConfig) -> dict[str, Any]:
    """What was published of that which a run learns from and is tested on; empty where nothing was.

    As `Task.published`; besides, `own_recipe` says whether it was reached with this network, trained in this way. If
    not, it is the figure of another recipe for the same question, and must be shown as such.
    """
    deviations, chosen = deviating(config), config.settings()
    figures = {} if deviations & set(config.data.question) else config.task.published(chosen)
    return {**figures, OWN: not deviations} if figures else {}


def published_by_epoch(config: RunConfig) -> dict[int, str]:
    """What was published of this very run after so many epochs, in words; how long it goes on does not matter."""
    own = deviating(config) <= {"num_steps"}  # the tutorials keep the learning rate constant
    return config.task.published(config.settings()).get("by_epoch", {}) if own else {}


def deviating(config: RunConfig) -> set[str]:
    """The settings that differ from those of the published recipe, as far as they matter to what is learned."""
    task, fields = config.task, setting_fields(config)
    plain = dataclasses.replace(config, data=type(config.data)(), model=ModelSettings(), training=TrainSettings())
    recipe = plain.replace(dict(task.recipe)).settings()
    ignored = {*ROUNDING, *config.without_effect(), *(name for name in fields if not fields[name].metadata["flag"])}
    return {
        name
        for name, value in config.settings().items()
        # Where a text lies is no part of its identity, but its checksum has no recipe to be compared with.
        if (fields[name].metadata["identity"] or name in config.data.question)
        and value != recipe[name]
        and name not in ignored
        and value not in task.variants.get(name, ())
    }


def attribution(figures: dict[str, Any]) -> str:
    """Whose figures these are, such as `the tutorial`, and with which recipe, if it is not that of the run."""
    # Folders of earlier versions do not say whose recipe it is; that it is that of the preset is true in any case.
    return figures["what"] if figures.get(OWN) else f"{figures['what']}; with all settings of --preset=paper"
