"""Going on with a prompt: what is wished for, and what is written."""

import dataclasses
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

from lstm_jax.axes import Array, PyTree
from lstm_jax.runs.report import counted
from lstm_jax.runs.text_problem import TextProblem
from lstm_jax.settings import SettingError, setting
from lstm_jax.tasks.loops import find_loop
from lstm_jax.tasks.vocabulary import UNKNOWN, Vocabulary, shown, split_text
from lstm_jax.training.generate import Choice, continue_stream, continue_windows
from lstm_jax.training.step import Program

SHORT_PROMPT = {"words": 4, "characters": 20}
"""How long an example of a prompt is where any length will do."""

SEARCHED = 10_000
"""How many symbols of the text are looked at to find a prompt without a very long one."""

SHOWN_OF_LOOP = {"words": 32, "characters": 200}
"""How much of a loop is repeated in the remark on it."""


@dataclasses.dataclass(frozen=True)
class Wish:
    """How a text is to go on."""

    num_words: int = setting(32, "words (or characters) to write", minimum=1, maximum=1_000_000)
    temperature: float = setting(
        0.0, "how boldly words (or characters) are drawn; 0: always the likeliest", minimum=0, maximum=1_000
    )
    top_k: int = setting(0, "draw from so many of the likeliest only; 0: from all", minimum=0)
    write_unknown: bool = setting(False, "may write <unk>, which stands for rare or unknown words")
    sample_seed: int = setting(0, "draw other words (or characters) with another number", minimum=0, maximum=2**31 - 1)


class Told(NamedTuple):
    """What was written, as text, and a remark on it, or none."""

    text: str
    remark: str


def continue_prompt(
    problem: TextProblem, program: Program, params: PyTree, prompt: np.ndarray, wish: Wish, key: Array
) -> Told:
    """Goes on with a prompt [T] of codes."""
    streams = problem.settings.stateful
    function = continue_stream if streams else continue_windows
    vocabulary = problem.text.vocabulary
    hidden = np.zeros(len(vocabulary), bool)
    hidden[[] if wish.write_unknown else unknown_codes(vocabulary)] = True
    how = Choice(key, jnp.float32(wish.temperature), hidden & ~hidden.all())
    codes = np.asarray(function(program, params, prompt, wish.num_words, how, wish.top_k))
    told = vocabulary.join(vocabulary.decode(codes))
    drawn = wish.temperature > 0 and wish.top_k != 1  # what is drawn may go on in any way, whatever it ends in
    return Told(told, "" if drawn else describe_loop(problem, np.concatenate([prompt, codes])))


def unknown_codes(vocabulary: Vocabulary) -> list[int]:
    """Codes of what stands for unknown symbols: this vocabulary's own, and that of who prepared the text."""
    found = {vocabulary.unknown, vocabulary.symbols.index(UNKNOWN) if UNKNOWN in vocabulary.symbols else None}
    return sorted(code for code in found if code is not None)


def describe_loop(problem: TextProblem, codes: np.ndarray) -> str:
    """A line on the loop that a text ends in; empty if it does not."""
    loop = find_loop(codes)
    if loop is None:
        return ""
    vocabulary, most = problem.text.vocabulary, SHOWN_OF_LOOP[problem.settings.tokens]
    again = vocabulary.join(vocabulary.show(codes[loop.start :][: min(loop.period, most)]))
    which = f"{again!r}" if loop.period <= most else f"the {loop.period:,} {problem.settings.tokens} from {again!r} on"
    return f"(from {problem.asked} {loop.start + 1:,} on it loops: {which} again and again)"


def example_prompt(problem: TextProblem) -> str:
    """A prompt that can be used: how the text begins, or another part that has no very long and no unknown word.

    Where there is none near the beginning, its words are cut: it says what is wanted, but cannot be used.
    """
    settings, text = problem.settings, problem.text
    size = min(settings.seq_len, SHORT_PROMPT[settings.tokens]) if settings.stateful else settings.seq_len
    codes = text.train[: size + SEARCHED]
    symbols = text.vocabulary.decode(codes)
    long = [shown(symbol) != symbol for symbol in symbols]
    unfit = np.flatnonzero(long | (codes == text.vocabulary.unknown)).tolist()
    ends = [*unfit, len(symbols)]
    begins = [0, *(place + 1 for place in unfit)]
    start = next((begin for begin, end in zip(begins, ends, strict=True) if end - begin >= size), 0)
    return text.vocabulary.join(map(shown, symbols[start : start + size]))


def encode_prompt(problem: TextProblem, prompt: str) -> np.ndarray:
    """The codes of a prompt.

    Raises:
        SettingError: it has a wrong number of words, or one that is not in the text.
    """
    settings, unit = problem.settings, problem.settings.tokens
    symbols = split_text(prompt, unit, settings.lowercase)
    needed, there = settings.seq_len, len(symbols)
    if not there or (there != needed and not settings.stateful):
        wanted = f"at least one {problem.asked}" if settings.stateful else counted(needed, problem.asked)
        reason = f"has {counted(there, problem.asked)}; give {wanted}, such as {example_prompt(problem)!r}"
        raise SettingError("generate", prompt, reason)
    try:
        return problem.text.vocabulary.encode(symbols)
    except ValueError as error:
        raise SettingError("generate", prompt, str(error)) from None


def describe_unknown(problem: TextProblem, prompt: str) -> list[str]:
    """A line for each symbol of a prompt that the network reads as the unknown one."""
    symbols = split_text(prompt, problem.settings.tokens, problem.settings.lowercase)
    return [f"({line})" for line in problem.text.vocabulary.describe_unknown(symbols)]
