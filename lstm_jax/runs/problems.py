"""Which kind of problem a run has: strings or a text."""

from lstm_jax.runs.config import RunConfig
from lstm_jax.runs.problem import Problem, View
from lstm_jax.runs.string_problem import StringProblem
from lstm_jax.runs.string_view import StringView
from lstm_jax.runs.text_problem import TextProblem
from lstm_jax.runs.text_view import TextView
from lstm_jax.tasks.text_settings import TextSettings


def make_problem(config: RunConfig) -> Problem:
    """The data of a run, and how a network is judged by it."""
    return TextProblem(config) if isinstance(config.data, TextSettings) else StringProblem(config)


def make_view(config: RunConfig, problem: Problem) -> View:
    """What a person is shown of a run."""
    if isinstance(problem, TextProblem):
        return TextView(config, problem)
    assert isinstance(problem, StringProblem)
    return StringView(config, problem)
