"""What the experiments on strings have in common: train and report, or ask a trained network."""

import sys

from absl import flags

from experiments import options, training
from lstm_jax.runs import ask, play
from lstm_jax.runs.config import RunConfig
from lstm_jax.runs.string_problem import StringProblem
from lstm_jax.settings import SettingError


def define_flags() -> None:
    """Defines --predict and --interactive."""
    flags.DEFINE_string(
        "predict",
        None,
        "asks the network trained in --workdir about a string, or several separated by commas",
        module_name=sys.argv[0],
    )
    flags.DEFINE_boolean(
        "interactive",
        None,
        "reads symbols from the keyboard, without end, and answers after each",
        module_name=sys.argv[0],
    )


def main(base: RunConfig, presets: options.Presets) -> int:
    """Trains and reports, or answers; returns the exit status."""
    predict, interactive = flags.FLAGS.predict, flags.FLAGS.interactive
    if predict is not None and interactive:
        raise SettingError("interactive", "true", "contradicts --predict")
    if predict is not None:
        config, folder = training.trained(base, "predict", predict)
        print("\n".join(ask.ask(config, folder, [word.strip() for word in predict.split(",")])))
        return 0
    if interactive:
        config, folder = training.trained(base, "interactive", "true")
        play.play(config, folder, sys.stdin, sys.stdout)
        return 0
    with options.blaming_preset(base, presets):
        config = options.config_from_flags(base, presets)
        problem = StringProblem(config)
    training.note_ignored(base, presets, config)
    settings, task = problem.settings, problem.task
    lengths = f"{settings.lengths[0]} to {settings.seq_len}" if len(settings.lengths) > 1 else f"{settings.seq_len}"
    question = (task.alphabet * settings.seq_len)[: min(settings.seq_len, 40)]
    strings = f"{settings.train_size:,} strings" if settings.train_size else "new strings"
    what = f"{strings} of {lengths} symbols"
    return training.train(config, what, f"--predict={question}")


def advice(flag: str) -> str:
    """What to do instead, where a flag of the experiments with texts was given."""
    return "it belongs to experiments.next_word; strings are asked about with --predict" if flag == "generate" else ""
