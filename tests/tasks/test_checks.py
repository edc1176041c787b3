"""Tasks that are not what they must be: each is refused with the member that is wrong."""

import dataclasses

import numpy as np
import pytest

from lstm_jax.runs.config import RunConfig
from lstm_jax.runs.string_problem import StringProblem
from lstm_jax.tasks.checks import TaskError, check_string_task
from lstm_jax.tasks.count_bits import CountBits
from lstm_jax.tasks.sign_sum import SignSum
from lstm_jax.tasks.task import StringTask


@dataclasses.dataclass(frozen=True)
class Parity(StringTask):
    """The smallest task that there is: nothing was published."""

    name: str = "parity"
    alphabet: str = "01"
    features: tuple = ((0.0,), (1.0,))
    asked: str = "parity"
    recipe = {}  # noqa: RUF012
    variants = {}  # noqa: RUF012

    def published(self, chosen):
        return {}

    def answer_range(self, length):
        return 0, 1

    def start(self, shape):
        return np.zeros(shape, np.int32)

    def advance(self, state, symbols):
        return state ^ symbols.astype(np.int32)

    def answer(self, state):
        return state


def with_(**members):
    """A task with other members; those of the protocol itself, which return nothing, are inherited if left out."""
    return type("Other", (Parity,), members)()


def numpys_where(self, state, symbols):
    return np.where(symbols == 1, 1 - state, state)


def in_place(self, state, symbols):
    state[symbols == 1] ^= 1
    return state


def halves(self, state, symbols):
    return state + 0.5 * symbols


def rounded(self, state):
    return state.astype(int) % 2


WRONG = [
    (with_(answer=StringTask.answer), "answer must return the right answers, an array of integers"),
    (with_(start=StringTask.start), "start must return the state before the first symbol"),
    (with_(advance=StringTask.advance), "advance must return a state of the form that `start` returns"),
    (
        with_(answer_range=StringTask.answer_range),
        "answer_range must return the smallest and the largest answer, two integers, not None",
    ),
    (Parity(alphabet=None), "alphabet must be a string of 2 to 256 different symbols"),
    (Parity(asked=None), "asked must be what an answer is called"),
    (with_(recipe=None), "recipe must be settings by name; {} where nothing was published"),
    (with_(variants=None), "variants must be settings by name; {}"),
    (
        with_(published=StringTask.published),
        "published must return `error` and `what` at least; {} where nothing was published",
    ),
    (Parity(name=""), "name must be that of the experiment"),
    (Parity(alphabet="010"), "alphabet must be"),
    (Parity(alphabet="012"), "features must have a row for each of the 3 symbols of the alphabet, but has 2"),
    (Parity(features=((0.0,), (1.0, 2.0))), "features must be a tuple of rows, tuples of as many numbers each"),
    (Parity(features=((0.0,), ("1",))), "features must be finite numbers"),
    (Parity(features=[[0.0], [1.0]]), "features must be made of tuples, not lists"),
    (with_(__hash__=None), "the class must be frozen (@dataclasses.dataclass(frozen=True))"),
    (with_(answer_range=lambda self, length: (0, 0)), "answer_range(1) is (0, 0), but the answer to '1' is 1"),
    (with_(answer_range=lambda self, length: (1, 0)), "answer_range must be from a smaller to a larger number"),
    (with_(answer_range=lambda self, length: (0, 2**length)), "at most ±32,767, not (0, 1048576)"),
    (with_(answer_range=lambda self, length: (0, 30 - length)), "answer_range has (0, 29) for 1 symbols, and (0, 10)"),
    (with_(answer=lambda self, state: state / 2), "answer must return the right answers, an array of integers"),
    (with_(answer=lambda self, state: state.sum()), "answer must return the right answers"),
    (with_(advance=numpys_where), "advance must work on JAX's arrays, too, with operators and methods"),
    (with_(advance=in_place), "advance must work on JAX's arrays, too"),
    (with_(answer=lambda self, state: np.abs(state)), "answer must work on JAX's arrays, too"),
    (with_(advance=halves, answer=rounded), "advance must keep the shapes and types"),
    (with_(recipe={"num_stepz": 3}), "recipe names a setting that there is not: num_stepz"),
]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(("task", "message"), WRONG)
def test_what_is_wrong_with_a_task_is_said_before_anything_begins(task, message):
    config = RunConfig(task).replace({"supervise": "every_step"})
    for begin in (lambda: config.fitted(()), lambda: StringProblem(config)):
        with pytest.raises(TaskError) as error:
            begin()
        assert message in str(error.value)
        assert str(error.value).startswith("task ")
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("task", [Parity(), CountBits(), SignSum()])
@pytest.mark.parametrize("settings", [{}, {"seq_len": 1}, {"seq_len": 10_000}, {"supervise": "every_step"}])
def test_a_task_that_is_right_is_right_at_any_length(task, settings):
    check_string_task(task, RunConfig(task).replace(settings).settings())


def test_a_task_without_published_figures_is_trained_and_reported(tmp_path):
    from lstm_jax.runs.session import Session
    from lstm_jax.runs.string_view import StringView

    config = RunConfig(Parity()).replace({"seq_len": 4, "train_size": 8, "batch_size": 4, "hidden_size": 3})
    session = Session([config], tmp_path, 0.0)
    session.train_chunk(1)
    assert StringView(config, session.setup.problem).by_epoch == {}
    assert session.setup.problem.result()["published"] == {}
