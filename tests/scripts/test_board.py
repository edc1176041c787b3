"""A sweep as TensorBoard serves it over HTTP: all runs with their hyperparameters and final metrics."""

import json
import socket
import subprocess
import sys

import pytest

from tests.runs.test_tensorboard import Board
from tests.scripts.commands import TINY, rows, sweep


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("board") / "sweep"
    sweep(*TINY, f"--workdir={folder}", "--set=seq_len=5,6", "--set=learning_rate=0.01,0.02", "--num_seeds=2")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    where = [f"--logdir={folder / 'runs'}", "--host=127.0.0.1", f"--port={port}", "--load_fast=false"]
    with subprocess.Popen(
        [sys.executable, "-m", "tensorboard.main", *where], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        yield folder, Board(f"http://127.0.0.1:{port}/data")
        server.terminate()


def test_every_run_is_there_with_the_same_hyperparameters_and_its_final_metrics(served):
    folder, board = served
    summaries = {row["run"]: row for row in rows(folder, "summary")}
    assert set(board.ask("runs")) == {f"{run}/tb/{split}" for run in summaries for split in ("train", "test")}
    groups = board.session_groups()
    assert {group["name"] for group in groups} == {f"{run}/tb/test" for run in summaries}
    assert len({json.dumps(sorted(group["hparams"])) for group in groups}) == 1
    for group in groups:
        summary = summaries[group["name"].split("/")[0]]
        assert group["hparams"]["seq_len"] == int(summary["seq_len"])
        assert group["hparams"]["learning_rate"] == float(summary["learning_rate"])
        metrics = {metric["name"]["tag"]: metric["value"] for metric in group["metricValues"]}
        assert metrics["final/test_error"] == pytest.approx(float(summary["mean_error"]))


def test_what_varies_can_be_an_axis_of_the_tables(served):
    _, board = served
    experiment = board.ask("plugin/hparams/experiment", experimentName="")
    infos = {info["name"]: info for info in experiment["hparamInfos"]}
    assert {infos[name]["type"] for name in ("seq_len", "learning_rate")} == {"DATA_TYPE_FLOAT64"}
    assert "final/test_error" in {info["name"]["tag"] for info in experiment["metricInfos"]}
