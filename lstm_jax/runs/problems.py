"""Which kind of problem a run has."""

from lstm_jax.runs.config import RunConfig
from lstm_jax.runs.problem import Problem, View
from lstm_jax.runs.string_problem import StringProblem
from lstm_jax.runs.string_view import StringView


def make_problem(config: RunConfig) -> Problem:
    """The data of a run, and how a network is judged by it."""
    return StringProblem(config)


def make_view(config: RunConfig, problem: Problem) -> View:
    """What a person is shown of a run."""
    assert isinstance(problem, StringProblem)
    return StringView(config, problem)
