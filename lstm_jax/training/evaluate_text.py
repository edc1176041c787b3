"""How well does a network foretell a text? Window by window, or read from end to end."""

import functools

import jax
import numpy as np

from lstm_jax.axes import Array, PyTree
from lstm_jax.tasks.strings import Strings
from lstm_jax.training.evaluate import judge_examples, judge_outputs
from lstm_jax.training.score import Judged, Score
from lstm_jax.training.step import Program

CHUNK = 256
"""Symbols whose outputs are in memory at once where a text is read from end to end."""

PIECE = 16
"""Chunks between which Python can answer a signal: with 100,000 words each takes a tenth of a second."""

TOGETHER = 2**23
"""Symbols of windows that are in memory at once where they are judged one by one."""


def score_windows(program: Program, params: PyTree, codes: np.ndarray, length: int, most: int) -> Score:
    """The score on the symbols that follow `length` others each.

    Args:
        program: what the network is.
        params: its weights.
        codes: the text, [N].
        length: T, symbols of context.
        most: windows to look at; if there are more, they are spaced evenly.
    """
    windows = len(codes) - length
    starts = np.arange(windows) if windows <= most else np.linspace(0, windows - 1, most).astype(np.int64)
    parts = np.array_split(starts, -(-len(starts) * length // TOGETHER))
    judged = [_judge_windows(program, params, codes, part, length) for part in parts]
    together = Judged(*map(np.concatenate, zip(*judged, strict=True)))
    return summary(together, sampled=len(starts) < windows)


def _judge_windows(program: Program, params: PyTree, codes: np.ndarray, starts: np.ndarray, length: int) -> Judged:
    contexts = Strings(codes[starts[:, None] + np.arange(length)], np.full(len(starts), length, np.int32))
    return judge_examples(program, params, contexts, codes[starts + length])


def score_stream(program: Program, params: PyTree, codes: np.ndarray) -> Score:
    """The score on every symbol of a text [N] but the first, all symbols before it having been read."""
    count = len(codes) - 1
    pieces = max(1, -(-count // (CHUNK * PIECE)))
    chunks = -(-count // (CHUNK * pieces))
    padding = pieces * chunks * CHUNK - count
    parts = (np.pad(part, (0, padding)).reshape(pieces, chunks, CHUNK) for part in (codes[:-1], codes[1:]))
    state, judged = program.with_params(params).initial_state(1), []
    for symbols, right in zip(*parts, strict=True):
        state, piece = _judge_piece(program, params, state, symbols, right)
        judged.append(jax.tree.map(np.asarray, piece))
    kept = (np.concatenate(leaves).reshape(-1)[:count] for leaves in zip(*judged, strict=True))
    return summary(Judged(*kept), sampled=False)


@functools.partial(jax.jit, static_argnames="program")
def _judge_piece(
    program: Program, params: PyTree, state: PyTree, symbols: Array, right: Array
) -> tuple[PyTree, Judged]:
    """The state after a piece of a text, and what is judged of it: [chunks, CHUNK]."""
    model = program.with_params(params)

    def chunk(state: PyTree, part: tuple[Array, Array]) -> tuple[PyTree, Judged]:
        read, state = model.read_every(part[0][:, None], state)
        return state, judge_outputs(program.objective, model.read_out(read)[:, :, 0], part[1])

    return jax.lax.scan(chunk, state, (symbols, right))


def summary(judged: Judged, sampled: bool) -> Score:
    """Counts mistakes."""
    wrong = np.asarray(judged.decided) != judged.right
    return Score(int(wrong.sum()), len(wrong), float(np.mean(judged.loss, dtype=np.float64)), {}, {}, sampled)
