"""Asking a trained network about strings of one's own."""

from pathlib import Path

import numpy as np

from lstm_jax.runs import folder as folders
from lstm_jax.runs.config import RunConfig
from lstm_jax.runs.session import Session
from lstm_jax.runs.setup import MemberStrings, member_strings
from lstm_jax.settings import SettingError
from lstm_jax.tasks.objectives import ClassObjective, Objective
from lstm_jax.tasks.strings import Strings, encode, final_answers
from lstm_jax.training.evaluate import string_outputs

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
    asked = encode_all(texts, config)
    with folders.locked(folder):
        session = Session(config, folder, 0.0)
        remarks = session.resume()
    if session.step == 0:
        raise folders.FolderError(f"--workdir={folder} holds no checkpoint of a trained network")
    paragraphs = [
        [f"{text}: true {config.task.asked} {right}"]
        for text, right in zip(texts, final_answers(config.task, asked), strict=True)
    ]
    for number, params in enumerate(session.params()):
        outputs = np.asarray(string_outputs(session.setup.program, params, *asked))
        strings = member_strings(config, session.setup.seeds[number])
        for place in range(len(texts)):
            line = describe_answer(config, session.setup.program.objective, outputs[place])
            role = role_of(asked.rows(slice(place, place + 1)), strings)
            paragraphs[place].append(f"  seed {session.setup.seeds[number]}: {line}; {role}")
    return [*remarks, *("\n".join(lines) for lines in paragraphs)]


def encode_all(texts: list[str], config: RunConfig) -> Strings:
    """Strings as codes, each checked."""
    longest = config.strings.seq_len
    codes = np.zeros((len(texts), max(map(len, texts))), np.uint8)
    for row, text in enumerate(texts):
        try:
            encoded = encode(text, config.task.alphabet)
        except ValueError as error:
            raise SettingError("predict", text, str(error)) from None
        if not text:
            raise SettingError("predict", ",".join(texts), "has an empty string")
        if config.model.readout == "class" and len(text) > longest:
            raise SettingError(
                "predict", text, f"has {len(text)} symbols; this network has classes for at most {longest}"
            )
        codes[row, : len(text)] = encoded
    return Strings(codes, np.array([len(text) for text in texts], np.int32))


def describe_answer(config: RunConfig, objective: Objective, outputs: np.ndarray) -> str:
    """The answer and what is behind it: probabilities, or the number before it was rounded."""
    answer = int(objective.decide(outputs))
    if not isinstance(objective, ClassObjective):
        return f"{config.task.asked} {answer} (said {outputs[0]:.4f})"
    probabilities = np.asarray(objective.probabilities(outputs))
    listed = [f"{objective.low + place}: {share:.2%}" for place, share in enumerate(probabilities) if share >= SHOWN]
    return f"{config.task.asked} {answer} (probabilities {', '.join(listed)})"


def role_of(asked: Strings, strings: MemberStrings) -> str:
    """What part a string, [1, T], had in the training of a member."""
    if contains(strings.train, asked):
        return "in the training set"
    return "not in the training set" + (", held out for --patience" if contains(strings.valid, asked) else "")


def contains(strings: Strings, asked: Strings) -> bool:
    """Whether a string, [1, T], is among others."""
    length = asked.lengths[0]
    same = strings.lengths == length
    return bool(np.any(np.all(strings.codes[same][:, :length] == asked.codes[0, :length], axis=1)))
