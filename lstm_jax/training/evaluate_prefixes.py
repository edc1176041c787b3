"""How far does it carry? One reading of long strings gives the answers at every length."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lstm_jax.axes import Array, PyTree
from lstm_jax.tasks.strings import Strings
from lstm_jax.tasks.task import StringTask
from lstm_jax.training.evaluate import COLUMNS
from lstm_jax.training.score import Score, mistakes_by
from lstm_jax.training.step import Program

LONG = 1_000
"""Symbols from which on longer strings are not read fewer at a time: it is the columns that keep the products busy."""


def score_prefixes(program: Program, task: StringTask, params: PyTree, strings: Strings) -> Score:
    """The score after the last symbol of strings of one length, and, by length, the mistakes at each of their prefixes.

    Args:
        program: what the network is; it reads in one direction.
        task: what is asked.
        params: its weights.
        strings: [N, T], all T long.
    """
    size, length = strings.codes.shape
    chunk = max(1, min(size, 256 * COLUMNS // (program.model.hidden_size * min(length, LONG))))
    wrong = np.zeros(length, np.int64)
    ends, missed, losses = np.zeros(size, np.int64), np.zeros(size, bool), np.zeros(size)
    for start in range(0, size, chunk):
        # The last chunk is filled up with strings of its own, which do not count, so that one program serves all.
        rows = np.arange(start, start + chunk)
        codes = strings.codes[np.minimum(rows, size - 1)]
        mistakes, *last = _judge_prefixes(program, task, params, codes, rows < size)
        wrong += np.asarray(mistakes)
        there = slice(start, min(start + chunk, size))
        for whole, part in zip((ends, missed, losses), last, strict=True):
            whole[there] = np.asarray(part)[: there.stop - start]
    by_length = {place + 1: (int(count), size) for place, count in enumerate(wrong)}
    return Score(int(missed.sum()), size, float(np.mean(losses)), mistakes_by(ends, missed), by_length, sampled=True)


@functools.partial(jax.jit, static_argnames=("program", "task"))
def _judge_prefixes(
    program: Program, task: StringTask, params: PyTree, codes: Array, counts: Array
) -> tuple[Array, Array, Array, Array]:
    """Reads strings [N, T], of which some count [N], symbol by symbol; nothing is kept of a symbol but the mistakes.

    Returns:
        Mistakes after each symbol, [T]; and after the last one the right answer, whether it was missed, the loss, [N].
    """
    model = program.with_params(params)

    def following(carry: Any, symbols: Any) -> tuple[Any, Any]:
        state, truth = model.step(carry[0], symbols), task.advance(carry[1], symbols)
        wrong = program.objective.decide(model.output(state)) != task.answer(truth)
        return (state, truth), jnp.sum(wrong & counts)

    size = codes.shape[0]
    start = model.initial_state(size), jax.tree.map(jnp.asarray, task.start((size,)))
    (state, truth), mistakes = jax.lax.scan(following, start, codes.T)
    outputs, ends = model.output(state), task.answer(truth)
    return mistakes, ends, program.objective.decide(outputs) != ends, program.objective.loss(outputs, ends)
