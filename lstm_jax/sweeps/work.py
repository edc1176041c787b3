"""How much there is to compute, as far as it is known beforehand: to begin the longest first, and to foretell time."""

from collections.abc import Sequence

from lstm_jax.recurrent.cells import CELLS
from lstm_jax.runs.config import RunConfig

PER_UPDATE = 3e6
"""What an update costs beyond its multiply-adds, in multiply-adds: calls, copies, the optimizer. An estimate: 0.1 ms at
30 multiply-adds a nanosecond. It orders the work and foretells its time; no result depends on it."""

BACKWARD = 3
"""Forward and backward pass, in forward passes."""


def estimate(config: RunConfig) -> float:
    """The work of a run with all its seeds, in multiply-adds; relative to that of other runs it means something."""
    model, training, data = config.model, config.training, config.data
    size = model.hidden_size
    step = CELLS[model.kind].num_gates * size * (2 * size * model.num_layers - size + 1)
    update = PER_UPDATE + BACKWARD * training.batch_size * data.seq_len * step
    evaluations = -(-training.num_steps // config.run.eval_every)
    return config.run.num_seeds * (training.num_steps * update + evaluations * data.symbols_tested(config.task) * step)


def time_left(left: Sequence[float], seconds: float, done: float, workers: int) -> float | None:
    """Seconds until the work is done, from what was measured so far; None before anything was.

    Args:
        left: the work of each task that is left.
        seconds: that workers spent on what is done, added up over them.
        done: that work.
        workers: how many tasks are done at the same time.
    """
    if not left:
        return 0.0
    return max(max(left), sum(left) / workers) * seconds / done if done else None
