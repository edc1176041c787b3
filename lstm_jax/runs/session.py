"""One process's part of a run: its members, and what can be done with them."""

import time
from pathlib import Path

import jax
import numpy as np

from lstm_jax.axes import PyTree
from lstm_jax.runs import folder as folders
from lstm_jax.runs.checkpoint import Checkpoints
from lstm_jax.runs.config import RunConfig
from lstm_jax.runs.setup import make_setup
from lstm_jax.training.early_stopping import Best, keep_best, no_best
from lstm_jax.training.evaluate import Score, score_strings, score_unseen
from lstm_jax.training.mesh import MEMBERS
from lstm_jax.training.population import init_population, train_chunk
from lstm_jax.training.step import Member

SECONDS_A_CHUNK = 0.4
"""How long the device works before the host looks: often enough for a progress bar and for Ctrl-C."""


class NotFiniteError(Exception):
    """The loss stopped being a finite number."""


class Session:
    """The state of a run's members and where they are saved.

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
        self.said: list[tuple[int, list[float]]] = []  # (step, outputs): what member 0 said to the example string
        self.members, self.best = self._initial()
        self._chunk = 10

    def _initial(self) -> tuple[Member, Best | None]:
        layout = self.setup.program.layout
        members = init_population(self.setup.program, np.array(self.setup.seeds, np.uint32), self.setup.hyper)
        members = jax.device_put(members, layout.sharding(MEMBERS))
        return members, no_best(members) if self.config.run.patience else None

    def resume(self) -> list[str]:
        """Goes back to the newest sound checkpoint; returns a line for each damaged one."""
        restored, damaged = self.checkpoints.restore((self.members, self.best))
        if restored is not None:
            self.step, self.spent, self.said = restored.step, restored.notes["seconds"], restored.notes["said"]
            sharding = self.setup.program.layout.sharding(MEMBERS)
            self.members, self.best = jax.device_put(restored.tree, sharding)
        return damaged

    @property
    def seconds(self) -> float:
        """Wall time of the run so far, that of earlier processes included."""
        return self.spent + time.perf_counter() - self._started

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to train."""
        # Members beyond the seeds asked for only fill up the devices; nobody waits for them.
        active = np.asarray(self.members.active)[: self.config.run.num_seeds]
        return self.step >= self.config.training.num_steps or not np.any(active)

    def save(self) -> None:
        """Writes a checkpoint of this step."""
        self.checkpoints.save(self.step, (self.members, self.best), {"seconds": self.seconds, "said": self.said})

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
                raise NotFiniteError(
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
        patience = np.int32(self.config.run.patience)
        sharding = self.setup.program.layout.sharding(MEMBERS)
        loss = jax.device_put(np.array(losses, np.float32), sharding)
        state = keep_best(self.members, self.best, loss, patience)
        self.members, self.best = jax.device_put(state, sharding)
