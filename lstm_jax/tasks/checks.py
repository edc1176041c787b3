"""Whether a task is what `tasks.task` asks for: a member that is missing or wrong would make plausible results."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, NoReturn

import jax
import jax.numpy as jnp
import numpy as np

from lstm_jax.axes import PyTree
from lstm_jax.tasks.task import StringTask, Task

FEW = 256
"""How many of the shortest strings are all gone through."""

LONGEST = 200
"""Symbols of the longest strings that are gone through: a few milliseconds."""

SAMPLES = 16
"""Random strings that are gone through, besides those of one symbol again and again."""

LARGEST = np.iinfo(np.int16).max
"""Answers are kept in 16 bits where strings are not longer than that."""


class TaskError(Exception):
    """A task that cannot be used: one sentence names the member and what it must be."""


def check_task(task: Task, chosen: Mapping[str, Any]) -> None:
    """Whether a task has all that every task has.

    Args:
        task: any task.
        chosen: all settings by name.

    Raises:
        TaskError: names the first member that is wrong.
    """
    if not isinstance(task.name, str) or not task.name:
        _refuse(task, "name", "must be that of the experiment, such as 'count_bits'")
    fields: tuple[dataclasses.Field, ...] = dataclasses.fields(task) if dataclasses.is_dataclass(task) else ()
    for field in fields:
        if not _has_hash(getattr(task, field.name)):
            _refuse(task, field.name, "must be made of tuples, not lists or arrays: it is part of a compiled program")
    if not _has_hash(task):
        _refuse(task, "the class", "must be frozen (@dataclasses.dataclass(frozen=True)): a compiled program has it")
    for member, settings in (("recipe", task.recipe), ("variants", task.variants)):
        if not isinstance(settings, Mapping):
            _refuse(task, member, "must be settings by name; {} where nothing was published")
        for name in settings:
            if name not in chosen:
                _refuse(task, member, f"names a setting that there is not: {name}")
    figures = task.published(chosen)
    if not isinstance(figures, Mapping) or (figures and not {"error", "what"} <= figures.keys()):
        _refuse(task, "published", "must return `error` and `what` at least; {} where nothing was published")


def check_string_task(task: StringTask, chosen: Mapping[str, Any]) -> None:
    """Whether a task on strings has all that it needs, and answers a few strings in the same way as it says.

    Args:
        task: what is asked.
        chosen: all settings by name, those of strings in their ranges.

    Raises:
        TaskError: names the first member that is wrong.
    """
    check_task(task, chosen)
    _check_symbols(task)
    if not isinstance(task.asked, str) or not task.asked:
        _refuse(task, "asked", "must be what an answer is called, such as 'count'")
    length, base = min(chosen["seq_len"], LONGEST), len(task.alphabet)
    _check_range(task, chosen["seq_len"])
    short = max(1, min(length, int(math.log(FEW, base) + 1e-9)))
    every = np.stack(np.unravel_index(np.arange(base**short), [base] * short), axis=1).astype(np.uint8)
    random = np.random.default_rng(0).integers(0, base, (SAMPLES, length), dtype=np.uint8)
    for codes in (every, np.concatenate([np.tile(np.arange(base, dtype=np.uint8)[:, None], length), random])):
        _go_through(task, codes)
    _check_on_jax(task)
    if chosen["readout"] == "class":
        _check_classes(task, chosen, length)


def _refuse(task: Task, member: str, must: str) -> NoReturn:
    name = task.name if isinstance(task.name, str) and task.name else type(task).__name__
    raise TaskError(f"task {name}: {member} {must}")


def _has_hash(value: object) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _check_symbols(task: StringTask) -> None:
    alphabet, features = task.alphabet, task.features
    if not isinstance(alphabet, str) or not 2 <= len(alphabet) == len(set(alphabet)) <= FEW:
        _refuse(task, "alphabet", f"must be a string of 2 to {FEW} different symbols")
    rows = isinstance(features, tuple) and all(isinstance(row, tuple) and row for row in features)
    if not rows or len({len(row) for row in features}) != 1:
        _refuse(task, "features", "must be a tuple of rows, tuples of as many numbers each, such as ((0.0,), (1.0,))")
    if len(features) != len(alphabet):
        what = f"a row for each of the {len(alphabet)} symbols of the alphabet"
        _refuse(task, "features", f"must have {what}, but has {len(features)}")
    if not all(isinstance(number, int | float) and math.isfinite(number) for row in features for number in row):
        _refuse(task, "features", "must be finite numbers")


def _check_range(task: StringTask, length: int) -> tuple[int, int]:
    """The smallest and the largest answer that strings of a length can have."""
    found: Any = task.answer_range(length)
    kinds = (int, np.integer)
    if not isinstance(found, tuple) or len(found) != 2 or not all(isinstance(end, kinds) for end in found):
        _refuse(task, "answer_range", f"must return the smallest and the largest answer, two integers, not {found!r}")
    low, high = found
    if low > high or max(-low, high) > max(length, LARGEST):
        most = max(length, LARGEST)
        _refuse(task, "answer_range", f"must be from a smaller to a larger number, at most ±{most:,}, not {found!r}")
    return low, high


def _go_through(task: StringTask, codes: np.ndarray) -> None:
    """Asks for the answer after each symbol of strings, codes [N, T]."""
    start = state = task.start(codes.shape[:1])
    form: Any = jax.tree.structure(start)
    if not jax.tree.leaves(start):
        _refuse(task, "start", "must return the state before the first symbol: an array, or a tuple of arrays")
    for place, symbols in enumerate(codes.T, 1):
        state = task.advance(state, symbols)
        if jax.tree.structure(state) != form:
            _refuse(task, "advance", "must return a state of the form that `start` returns")
        answers = np.asarray(task.answer(state))
        if answers.shape != symbols.shape or not np.issubdtype(answers.dtype, np.integer):
            _refuse(task, "answer", "must return the right answers, an array of integers, one for each string")
        low, high = _check_range(task, place)
        outside = np.flatnonzero((answers < low) | (answers > high))
        if len(outside):
            text = "".join(task.alphabet[code] for code in codes[outside[0], :place])
            said = f"answer_range({place}) is {(low, high)}, but the answer to {text!r} is {answers[outside[0]]}"
            _refuse(task, "answer_range", f"must hold all answers: {said}")


def _check_on_jax(task: StringTask) -> None:
    """Whether the automaton can be part of a compiled program; nothing is computed."""
    state = jax.eval_shape(lambda start: jax.tree.map(jnp.asarray, start), task.start((2,)))
    symbols = jax.ShapeDtypeStruct((2,), np.uint8)
    after = _traced(task, "advance", state, symbols)
    before, now = (jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), tree) for tree in (state, after))
    if before != now:
        _refuse(task, "advance", "must keep the shapes and types of the arrays that `start` returns")
    _traced(task, "answer", state)


def _traced(task: StringTask, member: str, *arguments: PyTree) -> PyTree:
    try:
        return jax.eval_shape(getattr(task, member), *arguments)
    except Exception as error:  # it worked on NumPy's arrays: whatever is wrong has to do with JAX
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        how = "with operators and methods of arrays, or jax.numpy, and no functions of numpy"
        raise TaskError(f"task {task.name}: {member} must work on JAX's arrays, too, {how}: {reason}") from error


def _check_classes(task: StringTask, chosen: Mapping[str, Any], longest: int) -> None:
    """A network has classes for the answers to the longest strings: those to shorter ones must be among them."""
    grows = chosen["growth"] > 0 and not chosen["train_size"]
    every = chosen["supervise"] == "every_step" or grows
    shortest = 1 if every else chosen["min_seq_len"] or chosen["seq_len"]
    low, high = _check_range(task, chosen["seq_len"])
    for length in range(shortest, longest + 1):
        ends = _check_range(task, length)
        if ends[0] < low or ends[1] > high:
            said = f"has {ends} for {length} symbols, and {(low, high)} for {chosen['seq_len']}"
            must = "must not shrink as strings grow: there are classes for the longest only"
            _refuse(task, "answer_range", f"{said}; it {must}")
