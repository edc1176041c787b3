"""What all experiments have in common: train, report, say what can be done next, and find what was trained."""

import sys
from pathlib import Path

from absl import flags

from experiments import STARTED, options, process_flags
from lstm_jax.runs import devices, loop, memory, processes, report
from lstm_jax.runs import folder as folders
from lstm_jax.runs.config import RunConfig
from lstm_jax.runs.problems import make_problem, make_view
from lstm_jax.settings import SettingError

RUNS = Path("runs")


def note_ignored(base: RunConfig, presets: options.Presets, config: RunConfig) -> None:
    """Says on standard error what the flags take away from the preset.

    Args:
        base: the experiment with its defaults.
        presets: settings by name, for each preset.
        config: what the flags were made into.
    """
    preset = flags.FLAGS.preset
    ignored_anyway = base.replace(dict(presets[preset])).without_effect()
    for name, reason in config.without_effect().items():
        if name in presets[preset] and name not in ignored_anyway:
            said = f"--{name}={presets[preset][name]} of --preset={preset} has no effect {reason}"
            print(f"note: {said}", file=sys.stderr)


def train(config: RunConfig, what: str, ask: str) -> int:
    """Trains and reports; returns the exit status.

    Args:
        config: all settings, checked.
        what: what is learned from, in words.
        ask: the flag with which the trained network is asked something.
    """
    process_flags.join()
    config = devices.configure(config)
    if config.run.num_seeds > 1:
        memory.check_memory(config, make_problem(config))
    where, finished = find_folder(config)
    folder = Path(where)
    processes.say(describe_run(config, what, folder))
    try:
        result = loop.run(config, folder, STARTED)
    except loop.RunInterruptedError as interrupted:
        again = "resume with" if processes.is_alone() else "resume on every process, here with"
        if processes.is_first():  # where the output goes to a file, too, it is to be seen
            print(f"{interrupted}; {again}:\n{folders.command_line(workdir=str(folder))}", file=sys.stderr)
        return 130
    view = make_view(config, make_problem(config))
    remarks = report.remarks(view, result)
    experiment = f"{folders.tool('python')} -m experiments.{config.task.name}"
    processes.say(
        *(["This run was finished before; its result:"] if finished else []),
        f"\n{report.describe(view.tables(result), remarks)}\n{report.closing_line(result)}\n",
        f"Look at it:  {folders.tool('tensorboard')} --logdir={folder / folders.TENSORBOARD}",
        f"Ask it:      {experiment} --workdir={folder} {ask}",
    )
    return 0


@processes.by_first(folders.FolderError)
def find_folder(config: RunConfig) -> tuple[str, bool]:
    """Where the run goes, and whether it was finished there before."""
    folder = Path(config.run.workdir) if config.run.workdir else folders.default_folder(config, RUNS / config.task.name)
    if (folder / folders.CONFIG).exists():  # before the run is announced
        folders.check_record(folder, config)
    return str(folder), (folder / folders.RESULT).exists()


def describe_run(config: RunConfig, what: str, folder: Path) -> str:
    """One line on what is trained."""
    model, training = config.model, config.training
    seeds = report.counted(config.run.num_seeds, "seed") if config.run.num_seeds > 1 else f"seed {config.run.seed}"
    layers = f"{model.num_layers} x " if model.num_layers > 1 else ""
    updates = report.counted(training.num_steps, "update")
    return (
        f"{config.task.name}: {model.cell} {layers}{model.hidden_size}, {what}, {updates} of "
        f"{training.batch_size:,}, {seeds}; in {folder}"
    )


def trained(base: RunConfig, flag: str, value: str) -> tuple[RunConfig, Path]:
    """The run in --workdir, that flag `flag` asks something.

    Raises:
        SettingError: there is no --workdir, or several processes were asked for.
        FolderError: it holds no run of this experiment.
    """
    workdir = options.workdir()
    if not workdir:
        raise SettingError(flag, value, "needs --workdir, the folder of a trained run")
    process_flags.refuse(flag, value)
    return devices.configure(options.stored_config(base, workdir)), Path(workdir)
