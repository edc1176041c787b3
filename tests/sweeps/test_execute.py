"""Tasks done in this process: what they leave behind, and the survivors of halving against full runs."""

import errno
import json

import pytest
from jax.errors import JaxRuntimeError

from experiments import next_word
from lstm_jax.runs.checkpoint import CheckpointError
from lstm_jax.sweeps import execute as execution
from lstm_jax.sweeps import gather
from lstm_jax.sweeps.collect import read_metrics
from lstm_jax.sweeps.execute import execute
from lstm_jax.sweeps.executor import FAULT, INTERRUPTED, OUT_OF_MEMORY, TASK_DONE, TASK_FAILED
from lstm_jax.sweeps.gather import Gatherer
from lstm_jax.sweeps.rungs import plan_rungs
from lstm_jax.sweeps.store import Store
from lstm_jax.sweeps.table import DROPPED
from lstm_jax.sweeps.task import make_tasks
from tests.sweeps.runs import EXPERIMENT, plan_of


@pytest.fixture(scope="module")
def plan():
    return plan_of("learning_rate=0.001,0.01,0.05", num_seeds=3)


def done(plan, folder, rungs=None, experiment=EXPERIMENT, **how):
    store = Store(folder)
    (task,) = make_tasks(experiment, plan.runs, 1, rungs)
    store.add_group(task)
    steps = []
    interrupted = how.get("interrupted", lambda steps: False)
    outcome = execute(task, store, lambda: interrupted(steps), lambda step, of: steps.append((step, of)))
    return store, outcome, steps


@pytest.fixture(scope="module")
def whole(plan, tmp_path_factory):
    store, outcome, steps = done(plan, tmp_path_factory.mktemp("whole"))
    assert outcome == (TASK_DONE, "")
    assert steps[-1] == (12, 12)
    return store


def seeds_of(store, run):
    return json.loads((store.run_folder(run.identity) / "result.json").read_text())["seeds"]


def last_evaluation(store, row):
    metrics = read_metrics(store.run_folder(row.run))
    return max(line["step"] for line in metrics if line["split"] == "test" and line["seed"] == row.seed)


def test_the_command_of_each_run_is_recorded(plan, whole):
    for run in plan.runs:
        config = json.loads((whole.run_folder(run.identity) / "config.json").read_text())
        assert config["command"] == run.command


def test_survivors_end_as_in_a_full_run(plan, whole, tmp_path):
    def rungs(runs):
        return plan_rungs(12, 9, 3, 4)

    store, outcome, _ = done(plan, tmp_path, rungs)
    assert outcome == (TASK_DONE, "")
    gatherer = Gatherer(plan, store, 0.01)
    rows = [row for run in plan.runs for row in gatherer.add(run.identity)]
    assert sorted(row.reason or "" for row in rows if row.status == DROPPED) == ["dropped at step 4"] * 8
    curves = {}
    for run in plan.runs:
        for line in (whole.run_folder(run.identity) / "metrics.jsonl").read_text().splitlines():
            row = json.loads(line)
            if row["split"] == "test":
                curves[run.identity, row["seed"], row["step"]] = row["error"]
    best = min(
        (curves[run.identity, seed, 4], number, seed) for number, run in enumerate(plan.runs) for seed in range(3)
    )
    for number, run in enumerate(plan.runs):
        for ours, full in zip(seeds_of(store, run), seeds_of(whole, run), strict=True):
            if (number, full["seed"]) == best[1:]:
                assert ours == full
            else:
                assert ours["steps"] == 4
                assert ours["test_error"] == curves[run.identity, full["seed"], 4]
    assert sorted(last_evaluation(store, row) for row in rows) == [4] * 8 + [12]
    gatherer.write_report("command", 1.0)
    page = (tmp_path / "report.html").read_text()
    assert "<dt>dropped</dt><dd>8</dd>" in page
    assert "<dt>failed</dt><dd>0</dd>" in page
    assert "<h2>Failed</h2>" not in page


STREAMS = {
    **{"stateful": True, "supervise": "every_step", "held_out": 0.1, "seq_len": 5, "hidden_size": 4, "batch_size": 2},
    **{"num_steps": 4, "log_every": 4, "eval_every": 4, "checkpoint_every": 4, "cpu_devices": 2},
}


def test_a_text_whose_state_is_carried_on_has_a_report(tmp_path):
    plan = plan_of("learning_rate=0.01,0.02", experiment=next_word, small=STREAMS)
    store, outcome, _ = done(plan, tmp_path, experiment=next_word.__name__)
    assert outcome == (TASK_DONE, "")
    gatherer = Gatherer(plan, store, 0.01)
    assert [len(gatherer.add(run.identity)) for run in plan.runs] == [1, 1]
    gatherer.write_report("command", 1.0)
    assert "<figure" in (tmp_path / "report.html").read_text()


def test_tables_are_there_even_if_the_report_fails(plan, whole, tmp_path, monkeypatch):
    def fails(results):
        raise TypeError("as the test says")

    gatherer = Gatherer(plan, whole, 0.01)
    for run in plan.runs:
        gatherer.add(run.identity)
    monkeypatch.setattr(gather, "baselines", fails)
    with pytest.raises(TypeError, match="as the test says"):
        gatherer.write_report("command", 1.0)
    for name in ("results", "summary"):
        assert (whole.folder / f"{name}.csv").read_text().count("learning_rate") > 1


def test_an_interrupted_task_goes_on(plan, whole, tmp_path):
    _, outcome, steps = done(plan, tmp_path, interrupted=lambda steps: len(steps) > 0)
    assert outcome[0] == INTERRUPTED
    assert steps[-1][0] < 12
    store, outcome, again = done(plan, tmp_path)
    assert outcome == (TASK_DONE, "")
    assert again[0][0] > steps[-1][0]
    for run in plan.runs:
        assert seeds_of(store, run) == seeds_of(whole, run)
    _, outcome, steps = done(plan, tmp_path)  # a worker that comes too late has nothing to do
    assert (outcome, steps) == ((TASK_DONE, ""), [])


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (MemoryError("8 GiB"), OUT_OF_MEMORY),
        (JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 8 bytes."), OUT_OF_MEMORY),
        (JaxRuntimeError("INTERNAL: an illegal memory access was encountered"), TASK_FAILED),
        (RuntimeError("RESOURCE_EXHAUSTED: of something that halves need as well"), TASK_FAILED),
        (CheckpointError("the checkpoint of step 4 cannot be read now"), FAULT),
        (OSError(errno.ENOSPC, "No space left on device"), FAULT),
        (FileNotFoundError(errno.ENOENT, "No such file or directory"), TASK_FAILED),
    ],
)
def test_what_lacks_memory_and_what_the_machine_cannot_do_is_told(plan, tmp_path, monkeypatch, error, kind):
    def fails(*_, **__):
        raise error

    monkeypatch.setattr(execution, "run_group", fails)
    _, outcome, _ = done(plan, tmp_path)
    assert outcome == (kind, f"{type(error).__name__}: {error}")


def test_what_goes_wrong_is_told(plan, tmp_path):
    (tmp_path / "runs").write_text("in the way")
    _, (kind, reason), _ = done(plan, tmp_path)
    assert kind == TASK_FAILED
    assert "runs" in reason
