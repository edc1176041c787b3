"""Several runs in one program: they differ in traced settings only, and each has a folder of its own."""

import contextlib
import dataclasses
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, override

from lstm_jax.runs import folder as folders
from lstm_jax.runs import loop
from lstm_jax.runs.config import RunConfig
from lstm_jax.runs.progress import Display
from lstm_jax.runs.recorder import Recorder
from lstm_jax.runs.session import Session
from lstm_jax.runs.setup import TRACED
from lstm_jax.training.score import Score

type Choose = Callable[[int, list[float]], Sequence[int] | None]
"""Which members go on after this step, by their number, given the error of each (NaN: failed, or dropped before); None:
all of them."""


@dataclasses.dataclass(frozen=True)
class Part:
    """One run of a group.

    Args:
        config: all settings, checked, `cpu_devices` resolved.
        folder: of this run.
        command: that trains this run alone; None: the one that started this process.
    """

    config: RunConfig
    folder: Path
    command: str | None = None


class Outcome(NamedTuple):
    """What became of a run: result.json (None: no seed has one), why seeds failed, when some were dropped."""

    result: dict[str, Any] | None
    failures: dict[int, str]
    dropped: dict[int, int]


def same_program(config: RunConfig) -> Hashable:
    """What runs must have in common to be trained together."""
    settings = config.settings(identity_only=True)
    numbers = ("seed", "num_seeds", *TRACED)
    clips = config.training.clip_norm > 0
    return config.task.name, clips, tuple((name, value) for name, value in settings.items() if name not in numbers)


def run_group(
    parts: Sequence[Part],
    checkpoints: Path,
    started: float,
    *,
    choose: Choose = lambda *_: None,
    interrupted: Callable[[], bool] = lambda: False,
    watch: Callable[[int, int], None] = lambda *_: None,
) -> list[Outcome]:
    """Trains all members of several runs as one population, from wherever they are; each ends as it would alone.

    A member whose loss is not finite ends alone; the others go on.

    Args:
        parts: runs with the same `same_program`.
        checkpoints: the folder of their checkpoints.
        started: when the work began, in the time of `time.perf_counter`.
        choose: which members go on after each evaluation.
        interrupted: whether to stop; asked after each chunk, a fraction of a second.
        watch: is told the step and the number of steps after each chunk.

    Returns:
        What became of each run.

    Raises:
        RunInterruptedError: `interrupted` said so; a checkpoint was written.
        FolderError: a run's folder holds another run.
        OSError: something could not be written.
        CheckpointError: a checkpoint could not be written or read.
    """
    for part in parts:
        part.folder.mkdir(parents=True, exist_ok=True)
        folders.record_config(part.folder, part.config, part.command)
    session = Session([part.config for part in parts], checkpoints, started, tolerant=True)
    with contextlib.ExitStack() as files:
        recorders, start = [], 0
        for part in parts:
            members = slice(start, start + part.config.run.num_seeds)
            recorders.append(files.enter_context(Recorder(part.config, session, part.folder, members)))
            start = members.stop
        scores = loop.train(session, recorders, _Watch(watch, session), interrupted, _judge(choose))
        return [_outcome(session, recorder, scores[recorder.members]) for recorder in recorders]


def _judge(choose: Choose) -> Callable[[Session, list[Score | None]], None]:
    def judge(session: Session, scores: list[Score | None]) -> None:
        gone = session.dropped.keys() | session.failures.keys()
        errors = [
            score.error if score is not None and number not in gone else float("nan")
            for number, score in enumerate(scores)
        ]
        kept = choose(session.step, errors)
        if kept is not None:
            session.drop(set(range(len(scores))) - set(kept))

    return judge


def _outcome(session: Session, recorder: Recorder, scores: list[Score | None]) -> Outcome:
    def by_seed[Note](notes: dict[int, Note]) -> dict[int, Note]:
        numbers = range(recorder.members.start, recorder.members.stop)
        return {session.setup.seeds[number]: notes[number] for number in numbers if number in notes}

    return Outcome(recorder.finish(session, scores), by_seed(session.failures), by_seed(session.dropped))


class _Watch(Display):
    """Tells how far a group is, and nothing else: its runs are not looked at one by one."""

    def __init__(self, watch: Callable[[int, int], None], session: Session):
        self._watch, self._session = watch, session

    @override
    def update(self, step: int, loss: float, error: float, rate: float) -> None:
        self._watch(step, self._session.config.training.num_steps)

    @override
    def say(self, line: str) -> None:
        return
