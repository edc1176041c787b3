"""What is the sum of a string over + - 0 I, where I inverts what follows? Trains an LSTM on the sign game.

python -m experiments.sign_sum                            no mistake on the strings it has not seen, in seconds
python -m experiments.sign_sum --preset=paper             the do-it-yourself tutorial's recipe
python -m experiments.sign_sum --preset=long              learned up to length 40, right up to length 100
python -m experiments.sign_sum --preset=paper --cell=flax_lstm    Flax's cell in place of the one written out
python -m experiments.sign_sum --workdir=RUN --predict=00-+++
"""

import sys

from experiments import options, strings
from lstm_jax.runs.config import RunConfig
from lstm_jax.tasks.sign_sum import SignSum

PRESETS: options.Presets = {
    "fast": {
        "hidden_size": 12,
        "seq_len": 6,
        "train_size": 1_024,
        "readout": "number",
        "read_from": "cell",
        "supervise": "every_step",
        "readout_stddev": 1.0,
        "num_steps": 6_000,
        "batch_size": 32,
        "learning_rate": 0.1,
        "adam_b2": 0.95,
        "log_every": 500,
        "eval_every": 2_000,
        "checkpoint_every": 3_000,
    },
    "long": {
        "hidden_size": 6,
        "seq_len": 40,
        "test_seq_len": 100,
        "train_size": 0,
        "growth": 0.5,
        "skew": 1.5,
        "readout": "number",
        "number_loss": "absolute",
        "read_from": "cell",
        "supervise": "every_step",
        "num_steps": 10_000,
        "batch_size": 32,
        "learning_rate": 0.04,
        "adam_b2": 0.99,
        "log_every": 500,
        "eval_every": 2_500,
        "checkpoint_every": 5_000,
    },
    "paper": {
        **SignSum.recipe,
        "log_every": 20,
        "eval_every": 20,
        "checkpoint_every": 2_000,
    },
}

BASE = RunConfig(SignSum())

if __name__ == "__main__":
    options.define_flags(BASE, PRESETS)
    strings.define_flags()
    sys.modules["__main__"].__doc__ = __doc__
    options.start(lambda: strings.main(BASE, PRESETS), strings.advice)
