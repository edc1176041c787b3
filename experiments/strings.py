"""What the experiments on strings have in common: train and report, or ask a trained network."""

import sys
from pathlib import Path

from absl import flags

from experiments import options, process_flags
from lstm_jax.runs import ask, devices, loop, processes, report
from lstm_jax.runs import folder as folders
from lstm_jax.runs.config import RunConfig
from lstm_jax.settings import SettingError

RUNS = Path("runs")


def define_flags() -> None:
    """Defines --predict."""
    flags.DEFINE_string(
        "predict",
        None,
        "asks the network trained in --workdir about a string, or several separated by commas",
        module_name=sys.argv[0],
    )


def main(base: RunConfig, presets: options.Presets, predict: str | None) -> int:
    """Trains and reports, or answers; returns the exit status."""
    if predict is not None:
        return answer(base, predict)
    config = options.config_from_flags(base, presets)
    process_flags.join()
    config = devices.configure(config)
    where, finished = find_folder(config)
    folder = Path(where)
    processes.say(describe_run(config, folder))
    try:
        result = loop.run(config, folder, options.STARTED)
    except loop.RunInterruptedError as interrupted:
        again = "resume with" if processes.is_alone() else "resume on every process, here with"
        processes.say(f"{interrupted}; {again}:", folders.command_line(workdir=str(folder)))
        return 130
    experiment = f"{folders.tool('python')} -m experiments.{config.task.name}"
    processes.say(
        *(["This run was finished before; its result:"] if finished else []),
        f"\n{report.describe(result)}\n{report.closing_line(result)}\n",
        f"Look at it:  {folders.tool('tensorboard')} --logdir={folder / folders.TENSORBOARD}",
        f"Ask it:      {experiment} --workdir={folder} --predict={example_question(config)}",
    )
    return 0


@processes.by_first(folders.FolderError)
def find_folder(config: RunConfig) -> tuple[str, bool]:
    """Where the run goes, and whether it was finished there before."""
    folder = Path(config.run.workdir) if config.run.workdir else folders.default_folder(config, RUNS / config.task.name)
    return str(folder), (folder / folders.RESULT).exists()


def describe_run(config: RunConfig, folder: Path) -> str:
    """One line on what is trained."""
    model, strings = config.model, config.strings
    lengths = f"{strings.lengths[0]} to {strings.seq_len}" if len(strings.lengths) > 1 else f"{strings.seq_len}"
    seeds = f"{config.run.num_seeds} seeds" if config.run.num_seeds > 1 else f"seed {config.run.seed}"
    layers = f"{model.num_layers} x " if model.num_layers > 1 else ""
    return (
        f"{config.task.name}: {model.cell} {layers}{model.hidden_size}, {strings.train_size:,} strings of {lengths} "
        f"symbols, {config.training.num_steps:,} updates of {config.training.batch_size:,}, {seeds}; in {folder}"
    )


def example_question(config: RunConfig) -> str:
    """A string of the right length to ask about."""
    alphabet = config.task.alphabet
    return (alphabet * config.strings.seq_len)[: min(config.strings.seq_len, 40)]


def answer(base: RunConfig, texts: str) -> int:
    """Prints what the network in --workdir answers to each of the strings."""
    workdir = flags.FLAGS.workdir
    if not workdir:
        raise SettingError("predict", texts, "needs --workdir, the folder of a trained run")
    process_flags.refuse("predict", texts)
    config = devices.configure(options.stored_config(base, workdir))
    for text in ask.ask(config, Path(workdir), texts.split(",")):
        print(text)
    return 0
