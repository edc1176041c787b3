"""The commands, as a user types them, on tiny work: what they show, write and refuse."""

import dataclasses
import json
import re
import subprocess
import sys

import pytest

from benchmarks import peers, scaling, sweep
from lstm_jax.settings import SettingError
from tests.experiments.commands import ROOT, environment

TINY = ["--shapes=B4,T3,D1,H5", "--cells=lstm", "--repetitions=3", "--matmul_size=64"]


def run(module, *flags, status=0):
    command = [sys.executable, "-W", "error", "-m", f"benchmarks.{module}", *flags]
    surroundings = {**environment(), "COLUMNS": "90", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=surroundings, timeout=240)
    assert done.returncode == status, f"status {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("peers")
    files = [f"--json={folder}/peers.json", f"--plot={folder}/peers.svg", f"--markdown={folder}/peers.md"]
    done = run("peers", *TINY, "--peers=lstm_jax,torch", "--torch_python=/nonexistent", *files)
    return folder, done.stdout


def test_our_layer_is_measured_and_the_missing_one_is_reported(measured):
    folder, output = measured
    record = json.loads((folder / "peers.json").read_text())
    assert len(record["results"]) == 2 * 2
    for result in record["results"]:
        if result["peer"] == "torch":
            assert result["not_measured"] == "/nonexistent: No such file or directory"
            assert result["seconds"] == []
        else:
            assert len(result["seconds"]) == 3
            assert result["quartiles"][0] <= result["median"] <= result["quartiles"][1]
            shape = result["shape"]
            size = shape["batch"] * shape["time"] * shape["hidden"] * (shape["hidden"] + shape["features"])
            rate = {"forward": 8, "both": 24}[result["pass"]] * size / result["median"] / 1e9
            assert result["gflops"] == pytest.approx(rate)
            assert result["share_of_matmul"] == pytest.approx(rate / max(record["matmul_gflops"].values()))
            assert result["first_call_seconds"] > result["median"]
            assert result["calls"] * result["median"] > 0.005, "the clock's grain must not matter"
    assert record["machine"]["versions"].keys() >= {"jax", "flax", "lstm-jax", "python"}
    assert record["platform"] == "cpu"
    assert "not measured: PyTorch: /nonexistent: No such file or directory" in output


def test_the_table_shows_what_the_record_says(measured):
    folder, output = measured
    results = json.loads((folder / "peers.json").read_text())["results"]
    heading = "LSTM, forward + backward, B4 T3 D1 H5\n"
    table = "\n".join(line.rstrip() for line in output.splitlines()).partition(heading)[2].partition("\n\n")[0]
    ours = next(line for line in table.splitlines() if line.startswith("lstm_jax"))
    shown, unit = re.search(r"([\d.]+) (µs|ms)", ours).groups()
    (median,) = [
        one["median"]
        for one in results
        if (one["peer"], one["pass"], one["shape"]["hidden"]) == ("lstm_jax", "both", 5)
    ]
    assert float(shown) * {"µs": 1e-6, "ms": 1e-3}[unit] == pytest.approx(median, rel=0.01)
    assert max(map(len, output.split("Measured on")[1].splitlines()[1:])) <= 90


def test_the_document_and_the_picture(measured):
    folder, _ = measured
    document = (folder / "peers.md").read_text()
    assert "Measured on a processor" in document
    assert "](peers.svg)" in document
    assert "| B4 T3 D1 H5 |" in document
    assert "-m benchmarks.peers" in document
    assert "<svg" in (folder / "peers.svg").read_text()


@pytest.mark.parametrize(
    ("module", "flag", "allowed"),
    [
        (peers, "--peers=lstm_jax,tensorflow", "must be some of lstm_jax, torch, flax"),
        (peers, "--shapes=B10,T0,D1,H4", "must be shapes like B1000,T20,D1,H24"),
        (peers, "--cells=rnn", "must be some of lstm, gru"),
        (peers, "--passes=backward", "must be some of forward, both"),
        (peers, "--repetitions=0", "must be an integer from 1 to 10,000"),
        (peers, "--dtype=float16", "must be one of float32, bfloat16"),
        (peers, "--plot=picture.gif", "must end in .png or .svg"),
        (peers, "--json=/nonexistent/peers.json", "must be a file in a folder that exists"),
        (scaling, "--base=B1", "must be shapes like"),
        (scaling, "--hidden=0", "must be integers from 1"),
        (scaling, "--long=0", "must be integers from 1"),
        (scaling, "--members=two", "must be integers from 1"),
    ],
)
def test_wrong_values_are_refused(module, flag, allowed):
    name, value = flag.removeprefix("--").split("=", 1)
    settings = module.Settings()
    value = type(getattr(settings, name))(value)
    with pytest.raises(SettingError, match=f"^{re.escape(flag)}: {re.escape(allowed)}"):
        dataclasses.replace(settings, **{name: value}).check()


@pytest.mark.parametrize("module", ["peers", "scaling"])
def test_a_refusal_is_one_line(module):
    error = run(module, "--repetitions=none", status=2).stderr
    assert error == "error: --repetitions=none: must be an integer from 1 to 10,000\n"


def test_a_platform_that_is_not_there_is_refused():
    error = run("peers", *TINY, "--peers=lstm_jax", "--platform=gpu", status=2).stderr
    assert error.startswith("error: --platform=gpu: cannot be used here")
    assert error.count("\n") == 1


def test_scaling_measures_every_point_in_a_process_of_its_own(tmp_path):
    files = [f"--json={tmp_path}/s.json", f"--plot={tmp_path}/s.png", f"--markdown={tmp_path}/s.md"]
    sizes = ["--base=B4,T3,D1,H5", "--time=3", "--hidden=", "--batch=", "--members=1", "--repetitions=1"]
    sizes += ["--long=6,12", "--remat=4"]
    output = run("scaling", *sizes, *files).stdout
    record = json.loads((tmp_path / "s.json").read_text())
    length, members = record["curves"]
    assert [point["size"] for point in length["points"]] == [3]
    assert members["base"] == {"batch": 4, "time": 20, "features": 1, "hidden": 5}
    assert all(point["bytes"] > 0 for curve in record["curves"] for point in curve["points"])
    assert "length T (B4 D1 H5)" in output
    assert [run["remat"] for run in record["long"]] == [0, 4]
    # The peak is that of the whole process, so it is above that of an idle one.
    assert all(point["bytes"] > record["idle_bytes"] for run in record["long"] for point in run["points"])
    assert "long sequences (B1 D1 H5)" in output
    assert "segments of 4 computed anew" in (tmp_path / "s.md").read_text()
    assert (tmp_path / "s.png").read_bytes().startswith(b"\x89PNG")
    assert "](s.png)" in (tmp_path / "s.md").read_text()


def test_a_sweep_is_measured_beside_its_runs_and_the_missing_peer_is_reported(tmp_path):
    tiny = ["--seq_len=4", "--hidden_size=2,3", "--num_seeds=2", "--num_steps=10"]
    files = [f"--json={tmp_path}/sweep.json", f"--markdown={tmp_path}/sweep.md"]
    done = run("sweep", *tiny, "--torch_python=/nonexistent", *files, status=1)
    record = json.loads((tmp_path / "sweep.json").read_text())
    assert record["grid"] == [[4, 2], [4, 3]]
    assert len(record["alone"]) == 2
    assert min(record["alone"]) > 0.5, "a whole process, JAX included"
    assert "PyTorch was not measured: /nonexistent: No such file or directory" in done.stdout
    assert sweep.describe(record) in (tmp_path / "sweep.md").read_text()


def test_the_parts_of_a_sweep_are_added_up():
    content = {
        "grid": [(5, 4), (5, 8)],
        "num_seeds": 3,
        "num_steps": 100,
        "sweep": 10.0,
        "alone": [4.0, 6.0],
        "torch": {"1": [0.05, 0.15]},
        "not_measured": "",
        "machine": {"cores": 2, "processor": "P", "versions": {"jax": "1"}},
        "date": "today",
        "command": "C",
    }
    rows = [line.split(" | ") for line in sweep.describe(content).splitlines() if line.startswith("| the ")]
    assert rows[0][:2] == ["| the sweep, 6 runs", "10.0"]
    assert rows[1][1:] == ["30.0", "0.33 |"]
    assert rows[2][1:] == ["60.0", "0.17 |"]
