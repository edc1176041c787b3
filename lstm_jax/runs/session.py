"""The members of a run, and what can be done with them. All processes of a run do it together."""

import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import jax
import numpy as np

from lstm_jax.axes import Array, PyTree
from lstm_jax.runs import compiled, processes
from lstm_jax.runs import folder as folders
from lstm_jax.runs.checkpoint import Checkpoints
from lstm_jax.runs.config import RunConfig
from lstm_jax.runs.setup import hyperparameters, make_setup
from lstm_jax.training.early_stopping import Best, keep_best, no_best
from lstm_jax.training.mesh import MEMBERS, place, whole
from lstm_jax.training.population import initializer, train_chunk
from lstm_jax.training.score import Score
from lstm_jax.training.step import Hyperparameters, Member

SECONDS_A_CHUNK = 0.4
"""How long the device works before the host looks: often enough for a progress bar and for Ctrl-C."""

REMEDY = "try a lower --learning_rate or --clip_norm=1"
"""Against a loss that is not finite."""

NOTES = ("said", "failures", "dropped")
"""What a checkpoint keeps besides arrays, by the number of a member."""


class NotFiniteError(Exception):
    """The loss stopped being a finite number."""


class Session:
    """The state of a run's members and where they are saved.

    Args:
        configs: all settings of one run, or of several that differ in traced settings only; `cpu_devices` resolved.
        folder: where their checkpoints are, locked for this process.
        started: when the process began, in the time of `time.perf_counter`.
        tolerant: whether a member whose loss is not finite ends alone; otherwise all end with it.

    Its state is that of the newest sound checkpoint, if there is one. `remarks` has a line for each damaged one.
    """

    checkpoints_type = Checkpoints

    def __init__(self, configs: Sequence[RunConfig], folder: Path, started: float, tolerant: bool = False):
        self.config, self._tolerant, self.setup = configs[0], tolerant, make_setup(*configs)
        self.num_members = sum(config.run.num_seeds for config in configs)
        self.checkpoints = self.checkpoints_type(folder / folders.CHECKPOINTS, self.num_members)
        self.step, self.spent, self._started = 0, 0.0, started
        # (step, outputs): what the first member of each run said to an example, by the number of that member
        self.said: dict[int, list[tuple[int, list[float]]]] = {}
        self.failures: dict[int, str] = {}  # why members ended, by their number
        self.dropped: dict[int, int] = {}  # the step at which members were dropped, by their number
        self._last_scores: dict[int, Score | None] = {}
        self._chunk = 10
        # On this host: from numbers that are spread over processes the members would come out spread in another way.
        hyper = hyperparameters([configs[run] for run in self.setup.runs])
        self.remarks = self._resume(hyper)
        self.totals = whole(self.members.totals)

    def _resume(self, hyper: Hyperparameters) -> list[str]:
        """Goes on from the newest sound checkpoint, or begins; returns a line for each damaged one."""
        init, seeds = initializer(self.setup.program), np.array(self.setup.seeds, np.uint32)
        members = jax.eval_shape(init, seeds, hyper)
        like = members, jax.eval_shape(self._no_best, members)
        restored, damaged = self.checkpoints.restore(like)
        if restored is not None:
            self.step, self.spent = restored.step, restored.notes["seconds"]
            for name in NOTES:
                setattr(self, name, {int(number): note for number, note in restored.notes[name].items()})
            self.members, self.best = self._place(restored.tree)
            return damaged
        if jax.process_count() == 1:
            with compiled.beside(init.lower(seeds, hyper)):
                self._compile_ahead(members)
        members = init(seeds, hyper)
        self.members, self.best = self._place((members, self._no_best(members)))
        return damaged

    def _no_best(self, members: Member) -> Best | None:
        return no_best(members) if self.config.run.patience else None

    def _compile_ahead(self, like: Member) -> None:
        """Compiles the program of the updates; JAX then finds it when it is needed."""
        sharding = self.setup.program.layout.sharding(MEMBERS)
        placed = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding), like)
        train_chunk.lower(self.setup.program, placed, *self._numbers(0, fresh=True)).compile()

    def _numbers(self, stop: int, *, fresh: bool) -> tuple[PyTree, ...]:
        """What `train_chunk` takes besides program and members."""
        return self.setup.data, self.setup.hyper, self.setup.common, np.int32(stop), np.bool(fresh)

    def _place(self, tree: PyTree) -> PyTree:
        return place(tree, self.setup.program.layout.sharding(MEMBERS))

    @property
    def seconds(self) -> float:
        """Wall time of the run so far, that of earlier processes included."""
        return self.spent + time.perf_counter() - self._started

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to train."""
        # Members beyond the seeds asked for only fill up the devices; nobody waits for them.
        active = np.asarray(whole(self.members.active))[: self.num_members]
        return self.step >= self.config.training.num_steps or not np.any(active)

    def save(self) -> None:
        """Writes a checkpoint of this step; what was compiled so far is there for others, too."""
        compiled.publish()
        notes = {name: {str(number): note for number, note in getattr(self, name).items()} for name in NOTES}
        self.checkpoints.save(self.step, (self.members, self.best), {"seconds": self.seconds, **notes})

    def train_chunk(self, boundary: int) -> None:
        """Trains for a moment, at most up to the step `boundary`."""
        stop = min(boundary, self.step + self._chunk)
        before = time.perf_counter()
        # Totals begin anew after each log. That the step tells so lets a resumed run do the same.
        numbers = self._numbers(stop, fresh=self.step % self.config.run.log_every == 0)
        self.members = jax.block_until_ready(train_chunk(self.setup.program, self.members, *numbers))
        self.totals = whole(self.members.totals)
        rate = (stop - self.step) / (time.perf_counter() - before)
        self._chunk = processes.agree(max(1, int(rate * SECONDS_A_CHUNK)))
        self.step = stop
        self._check_finite()

    def _check_finite(self) -> None:
        steps = np.asarray(self.totals.not_finite)[: self.num_members]
        failed = [number for number in np.flatnonzero(steps >= 0).tolist() if number not in self.failures]
        for number in failed:
            reason = f"the loss or its gradient is not finite at step {steps[number]}"
            if not self._tolerant:
                last = max(self.checkpoints.steps(), default=None)
                where = "none was written" if last is None else f"step {last} in {self.checkpoints.folder}"
                raise NotFiniteError(
                    f"{reason} with seed {self.setup.seeds[number]}; last good checkpoint: {where}; {REMEDY}"
                )
            self.failures[number] = reason
        self._end(failed)

    def drop(self, numbers: Iterable[int]) -> None:
        """Ends members that are not worth further updates."""
        dropped = [number for number in numbers if number not in self.dropped and number not in self.failures]
        self.dropped |= dict.fromkeys(dropped, self.step)
        self._end(dropped)

    def _end(self, numbers: Sequence[int]) -> None:
        if numbers:
            active = np.array(whole(self.members.active))
            active[list(numbers)] = False
            self.members = self.members._replace(active=self._place(active))

    def params(self) -> Iterator[PyTree]:
        """The weights of each member: the best on the validation strings, if it is stopped by these."""
        return self._by_member(self.best.params if self.best is not None else self.members.params)

    def current_params(self, numbers: Iterable[int] | None = None) -> Iterator[PyTree]:
        """The weights of some members as they are now; of all, if none are named."""
        return self._by_member(self.members.params, numbers)

    def _by_member(self, params: PyTree, numbers: Iterable[int] | None = None) -> Iterator[PyTree]:
        params = whole(params)
        for number in range(self.num_members) if numbers is None else numbers:
            yield _row(params, np.int32(number))

    def scores(self) -> list[Score | None]:
        """Each member's score on what it did not learn from; None for those that failed."""
        program, problem = self.setup.program, self.setup.problem
        scores: list[Score | None] = []
        for number, params in enumerate(self.params()):
            score = self._last_scores.get(number)
            if number not in self.failures and score is None:
                score = problem.score(program, params, self.setup.seeds[number])
            if number in self.dropped:  # its weights do not change any more
                self._last_scores[number] = score
            scores.append(score)
        return scores

    def stop_early(self) -> None:
        """Remembers the members that got better on their validation strings, ends those that no longer do."""
        if self.best is None:
            return
        losses = np.full(len(self.setup.seeds), np.inf, np.float32)  # members that only fill up do not get better
        for number, params in enumerate(self.current_params()):
            seed = self.setup.seeds[number]
            losses[number] = self.setup.problem.validation_loss(self.setup.program, params, seed)
        loss, patience = self._place(losses), np.int32(self.config.run.patience)
        self.members, self.best = self._place(keep_best(self.members, self.best, loss, patience))


@jax.jit
def _row(tree: PyTree, number: Array) -> PyTree:
    """One row of each leaf. In one program: leaf by leaf it takes ten calls and a millisecond for a small network."""
    return jax.tree.map(lambda leaf: leaf[number], tree)
