"""What an update is made of: optimizer, learning-rate schedule, clipping."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from lstm_jax.axes import Array
from lstm_jax.settings import SettingError, check_ranges, setting

OPTIMIZERS = {
    "adam": optax.scale_by_adam,
    "adamw": optax.scale_by_adam,
    "rmsprop": lambda: optax.scale_by_rms(decay=0.9, eps=1e-10),
    "adagrad": lambda: optax.scale_by_rss(initial_accumulator_value=0.1),
    "sgd": optax.identity,
}
"""Directions of descent, scaled by the learning rate afterwards. RMSProp as TensorFlow 1 has it by default."""

WEIGHT_DECAY = 1e-4
"""Of adamw: the decoupled weight decay, as in optax."""

SCHEDULES = {
    "constant": lambda steps: optax.constant_schedule(1.0),
    "linear": lambda steps: optax.linear_schedule(1.0, 0.0, steps),
    "cosine": lambda steps: optax.cosine_decay_schedule(1.0, steps),
    "onecycle": lambda steps: optax.cosine_onecycle_schedule(max(steps, 4), 1.0),
}
"""Share of --learning_rate over the training, by number of steps."""


@dataclasses.dataclass(frozen=True)
class TrainSettings:
    """How the network learns."""

    num_steps: int = setting(3_000, "updates", minimum=1, maximum=2**31 - 1)
    batch_size: int = setting(128, "strings an update", minimum=1)
    order: str = setting(
        "random", "batches drawn at random, or in turn and never reshuffled", choices=("random", "in_turn")
    )
    supervise: str = setting(
        "last", "learn the answer to the whole string, or after each symbol", choices=("last", "every_step")
    )
    reduction: str = setting("mean", "how the losses of a batch are put together", choices=("mean", "sum"))
    optimizer: str = setting("adam", "rule of the updates", choices=tuple(OPTIMIZERS))
    learning_rate: float = setting(0.02, "highest learning rate", minimum=0, maximum=1e6)
    lr_schedule: str = setting("onecycle", "course of the learning rate", choices=tuple(SCHEDULES))
    clip_norm: float = setting(1.0, "largest norm of the gradient; 0: no clipping", minimum=0)

    def check(self, num_trained: int) -> None:
        """Raises SettingError where a setting is out of range or contradicts another.

        Args:
            num_trained: strings that are learned from.
        """
        check_ranges(self)
        if self.batch_size > num_trained:
            raise SettingError("batch_size", self.batch_size, f"must not exceed the {num_trained} training strings")


class Hyperparameters(NamedTuple):
    """Numbers that do not change the program, so that members of a population may differ in them."""

    learning_rate: Array
    clip_norm: Array


def learning_rate_course(settings: TrainSettings) -> Array:
    """The share of the learning rate at each step, [num_steps]."""
    return jax.vmap(SCHEDULES[settings.lr_schedule](settings.num_steps))(jnp.arange(settings.num_steps))


def make_optimizer(settings: TrainSettings, hyper: Hyperparameters, rate: Array | float) -> optax.GradientTransformation:
    """One update: clip, choose the direction, go `rate` times the learning rate.

    Args:
        settings: which optimizer.
        hyper: numbers, which may be traced.
        rate: share of the learning rate at this step.
    """
    limit = jnp.where(hyper.clip_norm > 0, hyper.clip_norm, jnp.inf)
    decay = optax.add_decayed_weights(WEIGHT_DECAY) if settings.optimizer == "adamw" else optax.identity()
    return optax.chain(
        optax.clip_by_global_norm(limit),  # type: ignore[arg-type]  # a traced number serves as well
        OPTIMIZERS[settings.optimizer](),
        decay,
        optax.scale(-hyper.learning_rate * rate),  # type: ignore[arg-type,operator]
    )
