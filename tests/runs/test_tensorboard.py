"""A finished run as TensorBoard serves it over HTTP: scalars, text, pictures and hyperparameters."""

import io
import itertools
import json
import re
import socket
import subprocess
import sys
import time
import urllib.request

import matplotlib.image
import pytest

from tests.experiments.commands import SMALL, run


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    folder = tmp_path_factory.mktemp("board")
    run(*SMALL, f"--workdir={folder}")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    where = [f"--logdir={folder / 'tb'}", "--host=127.0.0.1", f"--port={port}", "--load_fast=false"]
    with subprocess.Popen(
        [sys.executable, "-m", "tensorboard.main", *where], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        yield Board(f"http://127.0.0.1:{port}/data")
        server.terminate()


class Board:
    def __init__(self, address):
        self.address = address

    def ask(self, path, **body):
        """The JSON that is served there; waits for the server to have started and read the files."""
        data = json.dumps(body).encode() if body else None
        headers = {"Content-Type": "application/json"}
        for _ in range(150):
            try:
                request = urllib.request.Request(f"{self.address}/{path}", data, headers)
                with urllib.request.urlopen(request, timeout=10) as answer:
                    content = json.load(answer)
                if content:
                    return content
            except OSError:
                pass
            time.sleep(0.2)
        raise AssertionError(f"nothing is served at {path}")

    def session_groups(self):
        """The rows of the HParams table."""
        return self.ask(
            "plugin/hparams/session_groups",
            experimentName="",
            allowedStatuses=["STATUS_UNKNOWN", "STATUS_SUCCESS", "STATUS_RUNNING"],
            colParams=[],
            startIndex=0,
            sliceSize=100,
        )["sessionGroups"]


def test_the_runs_are_train_and_test(board):
    assert set(board.ask("runs")) == {"train", "test"}


def test_scalars(board):
    tags = board.ask("plugin/scalars/tags")
    assert {"loss", "error", "learning_rate", "grad_norm", "steps_per_second"} <= set(tags["train"])
    assert {"loss", "error"} <= set(tags["test"])
    assert {f"error_by_count/{count:02d}" for count in range(1, 8)} <= set(tags["test"])
    assert {f"example_string/{count:02d}" for count in range(9)} <= set(tags["test"])
    points = board.ask("plugin/scalars/scalars?run=train&tag=loss")
    assert [step for _, step, _ in points] == list(range(50, 401, 50))
    assert points[-1][2] < points[0][2]
    probabilities = [board.ask(f"plugin/scalars/scalars?run=test&tag=example_string/{c:02d}")[-1][2] for c in range(9)]
    assert sum(probabilities) == pytest.approx(1, abs=1e-4)


def test_the_final_table_as_text(board):
    assert set(board.ask("plugin/text/tags")["test"]) == {"result/text_summary", "running_count/text_summary"}
    text = board.ask("plugin/text/text?run=test&tag=result/text_summary")[0]["text"]
    assert "<table>" in text
    assert "unseen strings" in text


def test_the_answers_after_each_symbol_of_an_example(board):
    steps = board.ask("plugin/text/text?run=test&tag=running_count/text_summary")
    assert [step["step"] for step in steps] == [200, 400]
    lines = re.search("<code>(.*?)</code>", steps[-1]["text"], re.DOTALL)[1].strip().splitlines()
    symbols, true, network = (line.split() for line in lines)
    assert (true[0], network[0]) == ("true", "network")
    assert [int(count) for count in true[1:]] == list(itertools.accumulate(map(int, symbols)))
    assert len(network) == len(true)


def test_pictures(board):
    assert set(board.ask("plugin/images/tags")["test"]) == {"error_by_count", "example_string"}
    picture = board.ask("plugin/images/images?run=test&tag=example_string&sample=0")[0]
    address = f"{board.address}/plugin/images/individualImage?{picture['query']}"
    with urllib.request.urlopen(address, timeout=10) as answer:
        pixels = matplotlib.image.imread(io.BytesIO(answer.read()), "png")
    assert pixels.shape[:2] == (512, 768)
    assert pixels.std() > 0.05


def test_hyperparameters_with_final_metrics(board):
    experiment = board.ask("plugin/hparams/experiment", experimentName="")
    assert {"hidden_size", "seq_len", "learning_rate"} <= {info["name"] for info in experiment["hparamInfos"]}
    groups = board.session_groups()
    assert [group["name"] for group in groups] == ["test"]
    assert groups[0]["hparams"]["hidden_size"] == 8
    metrics = {metric["name"]["tag"]: metric["value"] for metric in groups[0]["metricValues"]}
    assert 0 <= metrics["final/test_error"] <= 1
