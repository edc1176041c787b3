"""Playing with a trained network: symbols come one at a time, without end, and only the state is kept."""

import functools
from pathlib import Path
from typing import TextIO

import jax
import jax.numpy as jnp
import numpy as np

from lstm_jax.axes import Array, PyTree
from lstm_jax.runs.ask import limits, networks, restore
from lstm_jax.runs.config import RunConfig
from lstm_jax.runs.string_problem import StringProblem
from lstm_jax.settings import SettingError
from lstm_jax.tasks.objectives import ClassObjective
from lstm_jax.training.evaluate import Said
from lstm_jax.training.step import Program

RESET = "!"
"""What begins a new string, if the alphabet does not have it."""


def play(config: RunConfig, folder: Path, source: TextIO, screen: TextIO) -> None:
    """Answers after each symbol that is read, until the source ends.

    Args:
        config: the run's settings.
        folder: where it was trained; the first of its seeds plays.
        source: symbols; other characters are pointed out, but for white space, and skipped.
        screen: where the answers go: the symbol, the true answer, the network's.

    Raises:
        SettingError: the network reads each string from its end, too.
        FolderError: nothing was trained there yet.
    """
    if config.model.bidirectional:
        reason = f"the run in {folder} is --bidirectional, which needs the whole string: use --predict"
        raise SettingError("interactive", True, reason)
    problem = StringProblem(config)
    session, remarks = restore(config, folder)
    seed, params = next(networks(session))
    task, program, several = problem.task, session.setup.program, config.run.num_seeds > 1
    print(
        *remarks,
        *([f"The network of seed {seed} answers, the first of {config.run.num_seeds}."] * several),
        *limits(config),
        f"Type symbols of {task.alphabet} and Enter; {RESET} begins a new string, Ctrl-D ends.",
        sep="\n",
        file=screen,
        flush=True,
    )

    def begin() -> tuple[PyTree, PyTree, int]:
        return program.with_params(params).initial_state(1), task.start((1,)), 0

    state, truth, count = begin()
    for character in iter(lambda: source.read(1), ""):  # not line by line: a line may have no end
        if character.isspace():
            continue
        if character == RESET:
            state, truth, count = begin()
            said = "a new string"
        elif character not in task.alphabet:
            said = f"{character!r} is not one of {', '.join(task.alphabet)}"
        else:
            symbol = np.array([task.alphabet.index(character)], np.int32)
            state, answered = advance(program, params, state, symbol)
            truth, count = task.advance(truth, symbol), count + 1
            said = answer_line(program, task.asked, count, character, int(task.answer(truth)[0]), answered)
        print(said, file=screen, flush=True)


@functools.partial(jax.jit, static_argnames="program")
def advance(program: Program, params: PyTree, state: PyTree, symbol: Array) -> tuple[PyTree, Said]:
    """The state after one more symbol, [1], and what the network says in it, [C]."""
    model = program.with_params(params)
    state = model.step(state, symbol)
    outputs = jnp.ravel(model.output(state))
    return state, Said(outputs, program.objective.decide(outputs))


def answer_line(program: Program, asked: str, count: int, character: str, right: int, answered: Said) -> str:
    """What the network says after a symbol, beside the truth."""
    objective, outputs, answer = program.objective, np.asarray(answered.outputs), int(answered.decided)
    said = f" (said {outputs[0]:z.3f})" if len(outputs) == 1 else ""
    verdict = "" if answer == right else "   wrong"
    if isinstance(objective, ClassObjective) and not objective.low <= right <= objective.high:
        verdict = f"   beyond its answers, {objective.low} to {objective.high}"
    return f"{count:6}  {character}  {asked} {answer}{said}, true {right}{verdict}"
