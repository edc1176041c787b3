"""The only loop on the host: train a chunk, log, evaluate, save; until the end, or until a signal asks to stop."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from lstm_jax.axes import PyTree
from lstm_jax.runs import folder as folders
from lstm_jax.runs import processes
from lstm_jax.runs.config import RunConfig
from lstm_jax.runs.progress import Display, ProgressBar
from lstm_jax.runs.recorder import Recorder
from lstm_jax.runs.session import REMEDY, NotFiniteError, Session
from lstm_jax.runs.signals import catch_interrupts
from lstm_jax.training.score import Score

EXCUSE = (
    "stopping as soon as what is being computed is done and saved; Ctrl-C again stops at once, and what came after the "
    "last checkpoint is lost"
)


class RunInterruptedError(Exception):
    """A signal asked the run to stop; it was saved at this step."""

    def __init__(self, step: int):
        super().__init__(f"interrupted at step {step:,}")
        self.step = step


def run(config: RunConfig, folder: Path, started: float) -> dict[str, Any]:
    """Trains a run to its end, from wherever it is.

    Args:
        config: all settings, checked, `cpu_devices` resolved.
        folder: the run's folder.
        started: when the process began, in the time of `time.perf_counter`.

    Returns:
        What is in result.json.

    Raises:
        FolderError: the folder is in use, or holds another run.
        OSError: something could not be written.
        RunInterruptedError: SIGINT or SIGTERM came; a checkpoint was written.
        NotFiniteError: the loss stopped being finite, with each seed of several.
        CheckpointError: a checkpoint could not be written or read.
        LostProcessError: another process of the run is gone.
    """
    with contextlib.ExitStack() as held, catch_interrupts(EXCUSE) as interrupted, processes.watched():
        result = processes.first(lambda: _open_folder(held, config, folder), folders.FolderError)
        if result is not None:
            return result
        session = Session([config], folder, started, tolerant=config.run.num_seeds > 1)
        lines = list(session.remarks)
        if session.step:
            lines.append(f"resuming at step {session.step:,}")
        with Recorder(config, session, folder, slice(0, config.run.num_seeds)) as recorder:
            with ProgressBar(config.run.progress, config.task.name, config.training.num_steps, session.step) as bar:
                for line in lines:
                    bar.say(line)
                scores = train(session, [recorder], bar, interrupted)
            result = recorder.finish(session, scores)
            if result is None:
                raise NotFiniteError(f"with each of the seeds {next(iter(session.failures.values()))}; {REMEDY}")
            return result


def _open_folder(held: contextlib.ExitStack, config: RunConfig, folder: Path) -> dict[str, Any] | None:
    """Locks the folder as long as `held` is, and checks that it is this run's; gives the result that is there."""
    held.enter_context(folders.locked(folder))
    folders.record_config(folder, config)
    return folders.read_json(folder / folders.RESULT) if (folder / folders.RESULT).exists() else None


def train(
    session: Session,
    recorders: Sequence[Recorder],
    bar: Display,
    interrupted: Callable[[], bool],
    judge: Callable[[Session, list[Score | None]], None] = lambda *_: None,
) -> list[Score | None]:
    """Trains to the end; returns the final scores. A checkpoint comes after all that is written of its step.

    Args:
        session: one run, or several that are trained together.
        recorders: one for each of these runs.
        bar: shows how far it is.
        interrupted: whether a signal asked to stop.
        judge: may drop members after an evaluation.
    """
    every, steps = session.config.run, session.config.training.num_steps
    scores = None
    while not session.finished:
        periods = (every.log_every, every.eval_every, every.checkpoint_every)
        boundary = min(steps, *((session.step // period + 1) * period for period in periods))
        session.train_chunk(boundary)
        recorders[0].tick(session, bar)
        evaluate = session.step % every.eval_every == 0
        if evaluate or session.finished:
            session.stop_early()
        if session.step % every.log_every == 0 or session.finished:
            for recorder, params in zip(recorders, firsts(session, recorders), strict=True):
                recorder.log(session, params)
        if evaluate or session.finished:
            scores = session.scores()
            for recorder, params in zip(recorders, firsts(session, recorders), strict=True):
                bar.say(recorder.evaluated(session, params, scores[recorder.members]))
            judge(session, scores)
        stopping = processes.anyone(interrupted())
        if session.step % every.checkpoint_every == 0 or session.finished or stopping:
            for recorder in recorders:
                recorder.flush()
            session.save()
        if stopping and not session.finished:
            raise RunInterruptedError(session.step)
    return scores or session.scores()


def firsts(session: Session, recorders: Sequence[Recorder]) -> Iterator[PyTree]:
    """The weights of the first member of each run, as they are now."""
    return session.current_params(recorder.members.start for recorder in recorders)
