"""Asking a trained network about strings of one's own."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np

from lstm_jax.axes import PyTree
from lstm_jax.runs import folder as folders
from lstm_jax.runs.config import RunConfig
from lstm_jax.runs.report import counted
from lstm_jax.runs.session import Session
from lstm_jax.runs.string_problem import MemberStrings, StringProblem
from lstm_jax.runs.string_tables import running_lines
from lstm_jax.runs.watched import WatchedSession
from lstm_jax.settings import SettingError
from lstm_jax.tasks.objectives import ClassObjective, Objective
from lstm_jax.tasks.string_settings import StringSettings
from lstm_jax.tasks.strings import Strings, encode, final_answers, running_answers
from lstm_jax.training.evaluate import Said, read_along, read_whole
from lstm_jax.training.step import Program

SHOWN = 1e-4
"""Probabilities below this are not listed."""


def ask(config: RunConfig, folder: Path, texts: list[str]) -> list[str]:
    """What the members trained in a folder answer to each string.

    Args:
        config: the run's settings.
        folder: where it was trained.
        texts: the strings.

    Returns:
        A paragraph a string.

    Raises:
        SettingError: a string has a character that is not in the alphabet, or is empty or too long.
        FolderError: nothing was trained there yet.
    """
    problem = StringProblem(config)
    asked = encode_all(texts, problem, config.model.readout)
    session, remarks = restore(config, folder)
    paragraphs = [
        [f"{text}: true {problem.task.asked} {right}"]
        for text, right in zip(texts, final_answers(problem.task, asked), strict=True)
    ]
    true = running_answers(problem.task, asked)
    program = session.setup.program
    for seed, params in networks(session):
        said, every = answers(program, params, asked)
        for place, text in enumerate(texts):
            line = describe_answer(problem.task.asked, program.objective, Said(*(leaf[place] for leaf in said)))
            role = role_of(asked.rows(slice(place, place + 1)), problem.strings(seed), problem.every_step)
            paragraphs[place].append(f"  seed {seed}: {line}; {role}")
            if every is not None:
                rows = {"true": true[place, : len(text)], f"seed {seed}": every[place, : len(text)]}
                paragraphs[place].extend(running_lines(text, rows))
    for paragraph, text in zip(paragraphs, texts, strict=True):
        paragraph.extend(unlearned_length(config, len(text)))
    return [*remarks, *limits(config), *("\n".join(lines) for lines in paragraphs)]


def answers(program: Program, params: PyTree, asked: Strings) -> tuple[Said, np.ndarray | None]:
    """What a network says after the last symbol of each string, [N], and the answers after each symbol, [N, T].

    There are none on the way where a network reads from both ends.
    """
    if program.model.bidirectional:
        return Said(*map(np.asarray, read_whole(program, params, *asked))), None
    every = Said(*map(np.asarray, read_along(program, params, asked.codes)))
    last = np.arange(len(asked.lengths)), asked.lengths - 1
    return Said(*(leaf[last] for leaf in every)), np.asarray(every.decided)


def restore(config: RunConfig, folder: Path) -> tuple[Session, list[str]]:
    """The networks trained in a folder, and a line for each damaged checkpoint and for a training that has not ended.

    Nothing is changed there, and nobody kept from it: the run may still go on.

    Raises:
        FolderError: nothing was trained there yet.
        CheckpointError: the machine cannot read a checkpoint now, or it is of another program.
    """
    session = WatchedSession([config], folder, 0.0)
    if session.step == 0:
        damaged = "".join(f"; {remark}" for remark in session.remarks)
        raise folders.FolderError(f"--workdir={folder} holds no checkpoint of a trained network{damaged}")
    if len(session.failures) == session.num_members:
        raise folders.FolderError(f"--workdir={folder} holds no network: {session.failures[0]}")
    if session.finished:
        return session, session.remarks
    total = session.config.training.num_steps
    return session, [*session.remarks, f"This network has had {session.step:,} of its {total:,} updates."]


def networks(session: Session) -> Iterator[tuple[int, PyTree]]:
    """Seed and weights of each network whose training did not fail."""
    for number, params in enumerate(session.params()):
        if number not in session.failures:
            yield session.setup.seeds[number], params


def limits(config: RunConfig) -> list[str]:
    """What is to be known of the answers on the way through a string."""
    if config.training.supervise == "every_step":
        return []
    return ["This network was told the answer to each whole string, not the answers on the way."]


def unlearned_length(config: RunConfig, length: int) -> list[str]:
    """A line on a string of a length that is not among those that were learned; none for one that is."""
    settings = cast(StringSettings, config.data)
    grown = settings.growth > 0 and not settings.train_size  # from a single symbol on
    shortest = 1 if grown or config.training.supervise == "every_step" else settings.lengths[0]
    if shortest <= length <= settings.seq_len:
        return []
    learned = f"{shortest} to {settings.seq_len}" if shortest < settings.seq_len else f"{shortest}"
    return [f"  {counted(length, 'symbol')}: this length was never learned, only {learned}"]


def encode_all(texts: list[str], problem: StringProblem, readout: str) -> Strings:
    """Strings as codes, each checked."""
    longest = problem.settings.seq_len
    codes = np.zeros((len(texts), max(map(len, texts))), np.uint8)
    for row, text in enumerate(texts):
        try:
            encoded = encode(text, problem.task.alphabet)
        except ValueError as error:
            raise SettingError("predict", text, str(error)) from None
        if not text:
            allowed = f"has an empty string; give symbols of {problem.task.alphabet}"
            raise SettingError("predict", ",".join(texts), allowed)
        if readout == "class" and len(text) > longest:
            raise SettingError(
                "predict", text, f"has {len(text)} symbols; this network has classes for at most {longest}"
            )
        codes[row, : len(text)] = encoded
    return Strings(codes, np.array([len(text) for text in texts], np.int32))


def describe_answer(asked: str, objective: Objective, said: Said) -> str:
    """The answer and what is behind it: probabilities, or the number before it was rounded."""
    outputs, answer = said
    if not isinstance(objective, ClassObjective):
        return f"{asked} {answer} (said {outputs[0]:z.4f})"
    probabilities = np.asarray(objective.probabilities(outputs))
    listed = [f"{objective.low + place}: {share:.2%}" for place, share in enumerate(probabilities) if share >= SHOWN]
    return f"{asked} {answer} (probabilities {', '.join(listed)})"


def role_of(asked: Strings, strings: MemberStrings, every_step: bool) -> str:
    """What part a string, [1, T], had in the training of a member.

    Args:
        asked: the string.
        strings: those of the member.
        every_step: whether it was told the answer after each symbol of a string.
    """
    if not len(strings.train.lengths):
        return "maybe among the training strings, which were drawn anew at each update"
    beginning = lengths_of(strings.train, asked)
    if asked.lengths[0] in beginning:
        return "in the training set"
    if every_step and len(beginning):
        return "the beginning of a string in the training set, which was told the answer after each symbol"
    held_out = asked.lengths[0] in lengths_of(strings.valid, asked)
    return "not in the training set" + (", held out for --patience" if held_out else "")


def lengths_of(strings: Strings, asked: Strings) -> np.ndarray:
    """How long those strings are that begin with another, [1, T]."""
    length = asked.lengths[0]
    if length > strings.codes.shape[1]:
        return strings.lengths[:0]
    same = np.all(strings.codes[:, :length] == asked.codes[0, :length], axis=1)
    return strings.lengths[same & (strings.lengths >= length)]
