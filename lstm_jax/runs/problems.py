"""Which kind of problem a run has: strings or a text."""

from collections.abc import Collection, Mapping
from typing import Any

from lstm_jax.runs import string_tables, text_view
from lstm_jax.runs.config import RunConfig
from lstm_jax.runs.problem import Problem, View
from lstm_jax.runs.string_problem import StringProblem, errors_on_strings
from lstm_jax.runs.string_view import StringView
from lstm_jax.runs.text_problem import TextProblem, errors_of_counting
from lstm_jax.runs.text_view import TextView
from lstm_jax.runs.texts import identify
from lstm_jax.tasks.text_settings import TextSettings

PUBLISHED = "published"


def make_problem(config: RunConfig) -> Problem:
    """The data of a run, and how a network is judged by it."""
    return TextProblem(config) if isinstance(config.data, TextSettings) else StringProblem(config)


def make_view(config: RunConfig, problem: Problem) -> View:
    """What a person is shown of a run."""
    if isinstance(problem, TextProblem):
        return TextView(config, problem)
    assert isinstance(problem, StringProblem)
    return StringView(config, problem)


def identified(config: RunConfig, given: Collection[str]) -> RunConfig:
    """The run as it is known by: one on a text has the checksum of what is in its file.

    Args:
        config: all settings.
        given: names of the settings that were given by hand.

    Raises:
        SettingError: the text cannot be read, or is not the one that the run in --workdir began with.
        FolderError: the folder's record cannot be read.
    """
    return identify(config, given) if isinstance(config.data, TextSettings) else config


def tested_on(settings: Mapping[str, Any]) -> str:
    """What the errors of a run with these settings are errors on, such as `unseen strings`."""
    return text_view.tested(settings) if "tokens" in settings else string_tables.tested({"config": settings})


def errors_without_learning(result: Mapping[str, Any]) -> dict[str, float]:
    """The errors (0..1) to compare a run with, over all its seeds, by name.

    Args:
        result: its result.json.
    """
    found = errors_of_counting(result) if "ngrams" in result else errors_on_strings(result)
    if result["published"] and "accuracy" not in result["published"]:  # of a text it was counted while training
        found[PUBLISHED] = result["published"]["error"]
    return found
