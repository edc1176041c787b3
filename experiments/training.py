"""What all experiments have in common: train, report, and say what can be done next."""

from pathlib import Path

from experiments import options, process_flags
from lstm_jax.runs import devices, loop, processes, report
from lstm_jax.runs import folder as folders
from lstm_jax.runs.config import RunConfig
from lstm_jax.runs.problems import make_problem, make_view

RUNS = Path("runs")


def train(config: RunConfig, what: str, ask: str) -> int:
    """Trains and reports; returns the exit status.

    Args:
        config: all settings, checked.
        what: what is learned from, in words.
        ask: the flag with which the trained network is asked something.
    """
    process_flags.join()
    config = devices.configure(config)
    where, finished = find_folder(config)
    folder = Path(where)
    processes.say(describe_run(config, what, folder))
    try:
        result = loop.run(config, folder, options.STARTED)
    except loop.RunInterruptedError as interrupted:
        again = "resume with" if processes.is_alone() else "resume on every process, here with"
        processes.say(f"{interrupted}; {again}:", folders.command_line(workdir=str(folder)))
        return 130
    view = make_view(config, make_problem(config))
    experiment = f"{folders.tool('python')} -m experiments.{config.task.name}"
    processes.say(
        *(["This run was finished before; its result:"] if finished else []),
        f"\n{report.describe(view.tables(result), view.remarks(result))}\n{report.closing_line(result)}\n",
        f"Look at it:  {folders.tool('tensorboard')} --logdir={folder / folders.TENSORBOARD}",
        f"Ask it:      {experiment} --workdir={folder} {ask}",
    )
    return 0


@processes.by_first(folders.FolderError)
def find_folder(config: RunConfig) -> tuple[str, bool]:
    """Where the run goes, and whether it was finished there before."""
    folder = Path(config.run.workdir) if config.run.workdir else folders.default_folder(config, RUNS / config.task.name)
    return str(folder), (folder / folders.RESULT).exists()


def describe_run(config: RunConfig, what: str, folder: Path) -> str:
    """One line on what is trained."""
    model, training = config.model, config.training
    seeds = f"{config.run.num_seeds} seeds" if config.run.num_seeds > 1 else f"seed {config.run.seed}"
    layers = f"{model.num_layers} x " if model.num_layers > 1 else ""
    return (
        f"{config.task.name}: {model.cell} {layers}{model.hidden_size}, {what}, {training.num_steps:,} updates of "
        f"{training.batch_size:,}, {seeds}; in {folder}"
    )
