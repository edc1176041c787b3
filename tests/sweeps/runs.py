"""Plans of small sweeps, and what their tasks leave behind."""

from experiments import count_bits
from lstm_jax.runs.config import setting_fields
from lstm_jax.sweeps.axis import parse_axis
from lstm_jax.sweeps.grid import grid
from lstm_jax.sweeps.plan import make_plan

EXPERIMENT = "experiments.count_bits"
SMALL = {
    **{"seq_len": 6, "train_size": 40, "batch_size": 16, "hidden_size": 5, "num_steps": 12, "cpu_devices": 2},
    **{"log_every": 4, "eval_every": 4, "checkpoint_every": 4},
}


def plan_of(*texts, experiment=count_bits, small=SMALL, **settings):
    """The plan of the grid that these --set stand for."""
    base = experiment.BASE.replace({**small, **settings})
    axes = [parse_axis(text, setting_fields(base)) for text in texts]
    return make_plan(base, grid(axes), axes, {**small, **settings})
