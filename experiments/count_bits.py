"""How many ones are in a string of bits? Trains an LSTM to count, and tests it on every string it has not seen.

python -m experiments.count_bits                          seconds to an error under 0.1%
python -m experiments.count_bits --preset=exact           a recipe that makes no mistake at all
python -m experiments.count_bits --preset=paper           the TensorFlow tutorial's own recipe
python -m experiments.count_bits --num_seeds=8            eight runs in one program
python -m experiments.count_bits --workdir=RUN --predict=01010010011011100110
"""

import sys

from experiments import options, strings
from lstm_jax.runs.config import RunConfig
from lstm_jax.tasks.count_bits import CountBits

PRESETS: options.Presets = {
    "fast": {"adam_b2": 0.95},
    "paper": {
        **CountBits.recipe,
        "log_every": 500,
        "eval_every": 2_000,
        "checkpoint_every": 10_000,
    },
    "exact": {
        "num_steps": 3_000,
        "batch_size": 32,
        "learning_rate": 0.02,
        "adam_b2": 0.95,
        "supervise": "every_step",
        "readout": "number",
        "read_from": "cell",
    },
}

BASE = RunConfig(CountBits())

if __name__ == "__main__":
    options.define_flags(BASE, PRESETS)
    strings.define_flags()
    sys.modules["__main__"].__doc__ = __doc__
    options.start(lambda: strings.main(BASE, PRESETS), strings.advice)
