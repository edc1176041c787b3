"""What an update is made of: optimizer, learning-rate schedule, clipping."""

import dataclasses
import math
from collections.abc import Callable

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import optax

from lstm_jax.axes import Array, PyTree
from lstm_jax.settings import check_ranges, setting

OPTIMIZERS = ("adam", "rmsprop", "sgd", "adagrad", "adamw")

SCHEDULES = ("constant", "linear", "cosine", "onecycle")

WEIGHT_DECAY = 1e-4
"""Of adamw: the decoupled weight decay, as in optax."""

FEW_WEIGHTS = 2**15
"""So many are updated as one vector: operations on each matrix of a small network take longer to begin than to do. With
60,000 weights it is 14% slower, the vector being put together and taken apart, with 17,000 it is 5% faster."""

LARGE = 2**18
"""Weights of a matrix whose gradient takes time to be read once more: of 512 units, a fifth of an update."""


@dataclasses.dataclass(frozen=True)
class TrainSettings:
    """How the network learns."""

    num_steps: int = setting(2_500, "updates", minimum=1, maximum=50_000_000)
    batch_size: int = setting(
        128,
        "strings, or windows or streams of a text, an update; without it no more strings than there are to learn from",
        minimum=1,
    )
    supervise: str = setting(
        "last", "learn the answer to the whole string, or after each symbol", choices=("last", "every_step")
    )
    reduction: str = setting("mean", "how the losses of a batch are put together", choices=("mean", "sum"))
    optimizer: str = setting("adam", "rule of the updates", choices=OPTIMIZERS)
    learning_rate: float = setting(0.04, "highest learning rate", minimum=0, maximum=1e6)
    lr_schedule: str = setting("onecycle", "course of the learning rate", choices=SCHEDULES)
    warmup: float = setting(0.15, "share of the updates in which onecycle rises", minimum=0.01, maximum=0.99)
    adam_b2: float = setting(0.999, "decay of Adam's mean of squared gradients", minimum=0, maximum=0.999999)
    clip_norm: float = setting(1.0, "largest norm of the gradient; 0: no clipping", minimum=0)

    log_grad_norm: bool = setting(True, "log the norm of the gradient, which takes a pass over all weights an update")

    def check(self) -> None:
        """Raises SettingError where a setting is out of range."""
        check_ranges(self)


def learning_rate_course(settings: TrainSettings) -> Array:
    """The share of the learning rate at each step, [num_steps]."""
    steps = settings.num_steps
    if settings.lr_schedule == "constant":
        return np.ones(steps, np.float32)
    schedules = {
        "linear": lambda: optax.linear_schedule(1.0, 0.0, steps),
        "cosine": lambda: optax.cosine_decay_schedule(1.0, steps),
        # Below ten steps its rise would have no step at all, and optax would divide by zero.
        "onecycle": lambda: optax.cosine_onecycle_schedule(
            max(steps, math.ceil(2 / min(settings.warmup, 1 - settings.warmup))), 1.0, settings.warmup
        ),
    }
    course = jax.vmap(schedules[settings.lr_schedule]())
    return jax.jit(lambda: course(jnp.arange(steps)).astype(jnp.float32))()


def in_one(tree: PyTree) -> tuple[PyTree, Callable[[PyTree], PyTree]]:
    """A small tree's leaves as one vector, and the way back from such a vector; a large tree as it is."""
    if sum(leaf.size for leaf in jax.tree.leaves(tree)) > FEW_WEIGHTS:
        return tree, lambda tree: tree
    return jax.flatten_util.ravel_pytree(tree)


def gradient_norm(settings: TrainSettings, gradient: PyTree) -> Array:
    """The norm of the gradient; if it is not logged, of a part that is not finite either if any of it is not."""
    leaves = jax.tree.leaves(gradient)
    if not settings.log_grad_norm:
        # The biases, in which all derivatives end, among them. Not the biases alone: XLA compiles a loop without any
        # larger sum as one function for one thread, and an update of 512 units took 2.5 ms instead of 1.1.
        leaves = [leaf for leaf in leaves if leaf.size < LARGE]
    return optax.tree.norm(leaves)


def make_optimizer(
    settings: TrainSettings, rate: Array | float, clip_norm: Array | float
) -> optax.GradientTransformation:
    """One update: clip, choose the direction, go `rate` times as far.

    Args:
        settings: which optimizer.
        rate: the learning rate at this step, may be traced.
        clip_norm: largest norm of the gradient, may be traced; not used where the settings say 0, no clipping.
    """
    directions = {
        "adam": lambda: optax.scale_by_adam(b2=settings.adam_b2),
        "adamw": lambda: optax.chain(optax.scale_by_adam(b2=settings.adam_b2), optax.add_decayed_weights(WEIGHT_DECAY)),
        # Decay, epsilon and the first mean of squares as TensorFlow 1 has them by default.
        "rmsprop": lambda: optax.scale_by_rms(decay=0.9, eps=1e-10, initial_scale=1.0),
        "adagrad": lambda: optax.scale_by_rss(),
        "sgd": optax.identity,
    }
    # Not a limit of infinity: a network that is bound by memory, 512 units and a batch of one, is 5% slower with it.
    clip = optax.clip_by_global_norm(clip_norm) if settings.clip_norm else optax.identity()
    return optax.chain(
        clip,
        directions[settings.optimizer](),
        optax.scale(-rate),
    )
