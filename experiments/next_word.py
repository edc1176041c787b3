"""Which word comes next? Trains an LSTM on a text, counts what it foretells, and lets it tell the story on.

python -m experiments.next_word                           every word of a fable that can be foretold, in seconds
python -m experiments.next_word --preset=paper            the TensorFlow tutorial's own recipe
python -m experiments.next_word --preset=paper --num_layers=2
python -m experiments.next_word --workdir=RUN --generate="had a general"
python -m experiments.next_word --preset=text --text_file=FILE         the words of another text, a tenth held out
python -m experiments.next_word --preset=characters --text_file=FILE   its characters
"""

import sys
from collections.abc import Mapping

from experiments import options, texts
from lstm_jax.network.settings import ModelSettings
from lstm_jax.runs.config import RunConfig, RunSettings
from lstm_jax.settings import Value
from lstm_jax.tasks.next_word import NextWord
from lstm_jax.tasks.text_settings import TextSettings
from lstm_jax.training.optimizers import TrainSettings

TEXT: Mapping[str, Value] = {
    "hidden_size": 256,
    "stateful": True,
    "supervise": "every_step",
    "batch_size": 32,
    "held_out": 0.1,
}

PRESETS: options.Presets = {
    "fast": {
        "hidden_size": 64,
        "order": "in_turn",
        "batch_size": 201,
        "num_steps": 150,
        "learning_rate": 0.02,
        "log_every": 50,
        "eval_every": 50,
        "checkpoint_every": 150,
    },
    "paper": {
        **NextWord.recipe,
        "log_grad_norm": False,
        "log_every": 1_000,
        "eval_every": 1_000,
        "checkpoint_every": 10_000,
    },
    "text": {
        **TEXT,
        "lowercase": True,
        "min_count": 3,
        "tied_weights": True,
        "seq_len": 32,
        "num_steps": 300,
        "learning_rate": 5e-3,
        "log_every": 50,
        "eval_every": 150,
        "checkpoint_every": 150,
    },
    "characters": {
        **TEXT,
        "tokens": "characters",
        "embedding_size": 64,
        "seq_len": 64,
        "num_steps": 1_000,
        "learning_rate": 0.01,
        "log_every": 100,
        "eval_every": 500,
        "checkpoint_every": 500,
    },
}

BASE = RunConfig(NextWord(), TextSettings(), ModelSettings(), TrainSettings(), RunSettings())

if __name__ == "__main__":
    options.define_flags(BASE, PRESETS)
    texts.define_flags()
    sys.modules["__main__"].__doc__ = __doc__
    options.start(lambda: texts.main(BASE, PRESETS), texts.advice)
