"""The only loop on the host: train a chunk, log, evaluate, save; until the end, or until a signal asks to stop."""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lstm_jax.axes import Array, PyTree
from lstm_jax.runs import folder as folders
from lstm_jax.runs.checkpoint import Checkpoints
from lstm_jax.runs.config import RunConfig
from lstm_jax.runs.progress import ProgressBar
from lstm_jax.runs.recorder import Recorder
from lstm_jax.runs.setup import Setup, make_setup
from lstm_jax.runs.signals import catch_interrupts
from lstm_jax.runs.writer import Writer
from lstm_jax.training.early_stopping import Best, keep_best, no_best
from lstm_jax.training.evaluate import Score, score_strings, score_unseen
from lstm_jax.training.mesh import MEMBERS
from lstm_jax.training.population import init_population, train_chunk
from lstm_jax.training.step import Member

SECONDS_A_CHUNK = 0.4
"""How long the device works before the host looks: often enough for a progress bar and for Ctrl-C."""


class Interrupted(Exception):
    """A signal asked the run to stop; it was saved at this step."""

    def __init__(self, step: int):
        super().__init__(f"interrupted at step {step}")
        self.step = step


class NotFinite(Exception):
    """The loss stopped being a finite number."""


class Session:
    """One process's part of a run: the state of its members and where they are saved.

    Args:
        config: all settings, `cpu_devices` resolved.
        folder: the run's folder, locked for this process.
        started: when the process began, in the time of `time.perf_counter`.
    """

    def __init__(self, config: RunConfig, folder: Path, started: float):
        self.config, self.folder = config, folder
        self.setup = make_setup(config)
        self.checkpoints = Checkpoints(folder / folders.CHECKPOINTS)
        self.step, self.spent, self._started = 0, 0.0, started
        self.members, self.best = self._initial()
        self._chunk = 10

    def _initial(self) -> tuple[Member, Best | None]:
        layout = self.setup.program.layout
        members = init_population(self.setup.program, np.array(self.setup.seeds, np.uint32), self.setup.hyper)
        members = jax.device_put(members, layout.sharding(MEMBERS))
        return members, no_best(members) if self.config.run.patience else None

    def resume(self) -> list[str]:
        """Goes back to the newest sound checkpoint; returns what there is to say of it."""
        restored, lines = self.checkpoints.restore((self.members, self.best))
        if restored is not None:
            self.step, self.spent = restored.step, restored.notes["seconds"]
            sharding = self.setup.program.layout.sharding(MEMBERS)
            self.members, self.best = jax.device_put(restored.tree, sharding)
            lines.append(f"resuming at step {self.step:,}")
        return lines

    @property
    def seconds(self) -> float:
        """Wall time of the run so far, that of earlier processes included."""
        return self.spent + time.perf_counter() - self._started

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to train."""
        return self.step >= self.config.training.num_steps or not np.any(self.members.active)

    def save(self) -> None:
        """Writes a checkpoint of this step."""
        self.checkpoints.save(self.step, (self.members, self.best), {"seconds": self.seconds})

    def train_chunk(self, boundary: int) -> None:
        """Trains for a moment, at most up to the step `boundary`."""
        stop = min(boundary, self.step + self._chunk)
        before = time.perf_counter()
        setup = self.setup
        # Totals begin anew after each log. That the step tells so lets a resumed run do the same.
        fresh = np.bool(self.step % self.config.run.log_every == 0)
        numbers = setup.data, setup.hyper, setup.course, np.int32(stop), fresh
        self.members = jax.block_until_ready(train_chunk(setup.program, self.members, *numbers))
        rate = (stop - self.step) / (time.perf_counter() - before)
        self._chunk = max(1, int(rate * SECONDS_A_CHUNK))
        self.step = stop
        self._check_finite()

    def _check_finite(self) -> None:
        steps = np.asarray(self.members.totals.not_finite)
        for seed, step in zip(self.setup.seeds[: self.config.run.num_seeds], steps, strict=False):
            if step >= 0:
                last = max(self.checkpoints.steps(), default=None)
                where = "none was written" if last is None else f"step {last} in {self.checkpoints.folder}"
                raise NotFinite(
                    f"the loss or its gradient is not finite at step {step} with seed {seed}; last good checkpoint: "
                    f"{where}; try a lower --learning_rate or --clip_norm=1"
                )

    def params(self, number: int) -> PyTree:
        """The weights of one member: the best on the validation strings, if it is stopped by these."""
        params = self.best.params if self.best is not None else self.members.params
        return jax.tree.map(lambda leaf: leaf[number], params)

    def scores(self) -> list[Score]:
        """Each member's score on its unseen strings."""
        scores = []
        for number in range(self.config.run.num_seeds):
            strings, params = self.setup.strings[number], self.params(number)
            if strings.test is None:
                lengths = self.config.strings.lengths
                scores.append(score_unseen(self.setup.program, params, strings.known, lengths))
            else:
                scores.append(score_strings(self.setup.program, params, strings.test))
        return scores

    def stop_early(self) -> None:
        """Remembers the members that got better on their validation strings, ends those that no longer do."""
        if self.best is None:
            return
        losses = []
        for number, strings in enumerate(self.setup.strings):
            params = jax.tree.map(lambda leaf, number=number: leaf[number], self.members.params)
            losses.append(score_strings(self.setup.program, params, strings.valid).loss)
        loss: Array = jnp.array(losses, jnp.float32)
        patience = np.int32(self.config.run.patience)
        sharding = self.setup.program.layout.sharding(MEMBERS)
        state = keep_best(self.members, self.best, jax.device_put(loss, sharding), patience)
        self.members, self.best = jax.device_put(state, sharding)


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
        Interrupted: SIGINT or SIGTERM came; a checkpoint was written.
        NotFinite: the loss stopped being finite.
        CheckpointError: a checkpoint could not be written.
    """
    with folders.locked(folder), catch_interrupts() as interrupted:
        folders.record_config(folder, config)
        if (folder / folders.RESULT).exists():
            return folders.read_json(folder / folders.RESULT)
        session = Session(config, folder, started)
        lines = session.resume()
        with contextlib.closing(Writer(folder, session.step)) as writer:
            recorder = Recorder(config, session, writer)
            with ProgressBar(config.run.progress, config.task.name, config.training.num_steps, session.step) as bar:
                for line in lines:
                    bar.say(line)
                _train(session, recorder, bar, interrupted)
            result = recorder.finish(session, session.scores())
            folders.write_json(folder / folders.RESULT, result)
            return result


def _train(session: Session, recorder: Recorder, bar: ProgressBar, interrupted: Callable[[], bool]) -> None:
    every, steps = session.config.run, session.config.training.num_steps
    while not session.finished:
        periods = (every.log_every, every.eval_every, every.checkpoint_every)
        boundary = min(steps, *((session.step // period + 1) * period for period in periods))
        session.train_chunk(boundary)
        recorder.tick(session, bar)
        evaluate = session.step % every.eval_every == 0
        if evaluate or session.finished:
            session.stop_early()
        at_end = session.finished
        if session.step % every.log_every == 0 or at_end:
            recorder.log(session)
        if evaluate and not at_end:
            recorder.evaluated(session, session.scores(), bar)
        if session.step % every.checkpoint_every == 0 or at_end or interrupted():
            recorder.writer.flush()
            session.save()
        if interrupted() and not at_end:
            raise Interrupted(session.step)
