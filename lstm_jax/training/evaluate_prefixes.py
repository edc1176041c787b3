"""How far does it carry? One reading of long strings gives the answers at every length."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from lstm_jax.axes import Array, PyTree
from lstm_jax.tasks.strings import Strings, running_answers
from lstm_jax.tasks.task import StringTask
from lstm_jax.training.evaluate import COLUMNS
from lstm_jax.training.score import Score
from lstm_jax.training.step import Program


def score_prefixes(program: Program, task: StringTask, params: PyTree, strings: Strings) -> Score:
    """The score after the last symbol of strings of one length, and, by length, the mistakes at each of their prefixes.

    Args:
        program: what the network is; it reads in one direction.
        task: what is asked.
        params: its weights.
        strings: [N, T], all T long.
    """
    size, length = strings.codes.shape
    chunk = max(1, min(size, 256 * COLUMNS // (program.model.hidden_size * length)))
    right = running_answers(task, strings)
    wrong = np.zeros(length, np.int64)
    last_wrong, losses = [], []
    for start in range(0, size, chunk):
        # The last chunk is filled up with strings of its own, so that one program serves all.
        rows = np.minimum(np.arange(start, start + chunk), size - 1)
        there = min(chunk, size - start)
        mistakes, loss = _judge_prefixes(program, params, strings.codes[rows], right[rows])
        wrong += np.sum(np.asarray(mistakes)[:there], axis=0, dtype=np.int64)
        last_wrong.append(np.asarray(mistakes)[:there, -1])
        losses.append(np.asarray(loss)[:there])
    ends, missed = right[:, -1], np.concatenate(last_wrong)
    by_answer = {
        int(answer): (int(missed[ends == answer].sum()), int((ends == answer).sum())) for answer in np.unique(ends)
    }
    by_length = {place + 1: (int(count), size) for place, count in enumerate(wrong)}
    loss = float(np.mean(np.concatenate(losses), dtype=np.float64))
    return Score(int(missed.sum()), size, loss, by_answer, by_length, sampled=True)


@functools.partial(jax.jit, static_argnames="program")
def _judge_prefixes(program: Program, params: PyTree, codes: Array, right: Array) -> tuple[Array, Array]:
    """Mistakes [N, T], and the loss after the last symbol, [N]."""
    model = program.with_params(params)

    def following(state: PyTree, part: tuple[Array, Array]) -> tuple[PyTree, tuple[Array, Array]]:
        symbols, right = part
        state = model.step(state, symbols)
        outputs = model.output(state)
        return state, (program.objective.decide(outputs) != right, program.objective.loss(outputs, right))

    start = model.initial_state(codes.shape[0])
    _, (wrong, losses) = jax.lax.scan(following, start, (codes.T, jnp.asarray(right, jnp.int32).T))
    return wrong.T, losses[-1]
