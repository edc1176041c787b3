"""How a sweep is conducted, with workers that do what a script says."""

import collections

import pytest

from lstm_jax.sweeps.conduct import RETRIES, Listener, conduct
from lstm_jax.sweeps.executor import (
    DIED,
    FAULT,
    INTERRUPTED,
    OUT_OF_MEMORY,
    STEP,
    TASK_DONE,
    TASK_FAILED,
    Event,
    Executor,
)
from lstm_jax.sweeps.rungs import Rung
from lstm_jax.sweeps.store import Store
from lstm_jax.sweeps.task import make_tasks
from tests.sweeps.runs import EXPERIMENT, plan_of


class Scripted(Executor):
    """Ends each task as `how(task, times)` says, where `times` counts from 1 how often it was begun."""

    def __init__(self, store, how):
        self.store, self.how, self.waiting, self.order = store, how, collections.deque(), []
        self.times = collections.Counter()

    def submit(self, task):
        assert (self.store.group_folder(task.name) / "task.json").exists()
        self.waiting.append(task)

    def wait(self, seconds):
        if not self.waiting:
            return []
        task = self.waiting.popleft()
        self.times[task.name] += 1
        self.order.append(task)
        kind = self.how(task, self.times[task.name])
        if kind == TASK_DONE:
            for run in task.runs:
                self.store.end(run.identity, {}, {})
        return [Event(STEP, task.name, 4), Event(kind, task.name, reason="as the script says")]

    def stop(self):
        self.waiting.clear()
        return 0

    def close(self):
        pass


class Heard(Listener):
    def __init__(self):
        self.done, self.said, self.steps = [], [], []

    def step(self, task, step):
        self.steps.append((task.name, step))

    def ended(self, task):
        self.done.append(task)

    def left(self, task, reason):
        self.said.append(reason)

    def say(self, line):
        self.said.append(line)


def conducted(tmp_path, how, *, rungs=None, interrupted=lambda: False):
    store, heard = Store(tmp_path / "sweep"), Heard()
    plan = plan_of("learning_rate=0.01,0.02,0.03", "hidden_size=4,5")
    tasks = make_tasks(EXPERIMENT, plan.runs, 1, rungs)
    executor = Scripted(store, how)
    done = conduct(tasks, store, executor, interrupted, heard)
    reasons = [store.ended(run.identity) for run in plan.runs]
    return done, executor, heard, {run.identity: ended for run, ended in zip(plan.runs, reasons, strict=True)}


def test_all_is_done_longest_first(tmp_path):
    done, executor, heard, ended = conducted(tmp_path, lambda task, times: TASK_DONE)
    assert done
    assert [task.runs[0].settings["hidden_size"] for task in executor.order] == [5, 4]
    assert heard.done == executor.order
    assert len(heard.steps) == 2
    assert all(own.failures == {} for own in ended.values())
    assert not list((tmp_path / "sweep" / "groups").iterdir())


@pytest.mark.parametrize("kind", [DIED, INTERRUPTED])  # a worker may also be asked to stop by somebody else
def test_a_task_whose_worker_is_gone_is_begun_again(tmp_path, kind):
    done, executor, heard, ended = conducted(tmp_path, lambda task, times: kind if times <= RETRIES else TASK_DONE)
    assert done
    assert len(executor.order) == 2 * (1 + RETRIES)
    assert all(own.failures == {} for own in ended.values())
    assert "goes on from its last checkpoint: as the script says" in heard.said[0]


def test_what_cannot_be_done_together_is_tried_in_halves_and_takes_nothing_with_it(tmp_path):
    def too_large(task, _):
        return OUT_OF_MEMORY if any(run.settings["learning_rate"] == 0.02 for run in task.runs) else TASK_DONE

    done, _, heard, ended = conducted(tmp_path, too_large)
    assert done
    assert sorted(own.failures == {} for own in ended.values()) == [False] * 2 + [True] * 4
    assert {reason for own in ended.values() for reason in own.failures.values()} == {"as the script says"}
    assert len([line for line in heard.said if "tried in halves" in line]) == 4
    assert not list((tmp_path / "sweep" / "groups").iterdir())


def test_deaths_without_end_end(tmp_path):
    done, executor, _, ended = conducted(tmp_path, lambda task, times: DIED)
    assert done
    assert all(set(own.failures) == {0} for own in ended.values())
    assert max(executor.times.values()) == 1 + RETRIES


def test_what_the_machine_cannot_do_now_is_left_as_it_is_and_the_others_are_done(tmp_path):
    def broken(task, _):
        return FAULT if task.runs[0].settings["hidden_size"] == 4 else TASK_DONE

    done, executor, heard, ended = conducted(tmp_path, broken)
    assert not done
    assert len(executor.order) == 2
    assert sorted(own is None for own in ended.values()) == [False] * 3 + [True] * 3
    assert heard.said == ["as the script says"]
    assert len(list((tmp_path / "sweep" / "groups").iterdir())) == 1


@pytest.mark.parametrize("rungs", [None, lambda runs: [Rung(4, 1)]])
def test_other_failures_are_recorded_once(tmp_path, rungs):
    _, executor, _, ended = conducted(tmp_path, lambda task, times: TASK_FAILED, rungs=rungs)
    assert len(executor.order) == 2
    assert all(own.failures == {0: "as the script says"} for own in ended.values())


def test_members_that_are_compared_are_not_taken_apart(tmp_path):
    _, executor, _, ended = conducted(tmp_path, lambda task, times: OUT_OF_MEMORY, rungs=lambda runs: [Rung(4, 1)])
    assert len(executor.order) == 2
    assert all(own.failures for own in ended.values())


def test_an_interrupted_sweep_keeps_what_is_open(tmp_path):
    count = iter(range(10))
    done, executor, heard, ended = conducted(tmp_path, lambda *_: TASK_DONE, interrupted=lambda: next(count) > 0)
    assert not done
    assert len(executor.order) == len(heard.done) == 1
    assert sum(own is not None for own in ended.values()) == 3
    assert len(list((tmp_path / "sweep" / "groups").iterdir())) == 1
