"""A sweep on a Ray cluster of two nodes, one of which is killed in the middle, ends with the table of the local one."""

import os
import signal
import subprocess
import sys
import time
import types

import pytest

from lstm_jax.sweeps.ray_cluster import RayExecutor
from tests.experiments.commands import ROOT, environment
from tests.scripts.commands import begin, sweep, tables

pytest.importorskip("ray")

LONG = [
    *("--experiment=count_bits", "--set=train_size=20", "--set=batch_size=10", "--set=seq_len=5,6"),
    *("--set=hidden_size=3", "--set=learning_rate=0.01,0.02", "--set=num_steps=15000", "--set=log_every=1000"),
    *("--set=eval_every=5000", "--set=checkpoint_every=500", "--num_seeds=2"),
]

NODES = """
import sys
from ray.cluster_utils import Cluster

own = {"num_cpus": 1, "num_gpus": 0, "object_store_memory": 80_000_000}
cluster = Cluster(initialize_head=True, head_node_args={**own, "include_dashboard": False})
second = cluster.add_node(**own)
print(cluster.address, flush=True)
sys.stdin.readline()
cluster.remove_node(second, allow_graceful=False)
print("killed", flush=True)
sys.stdin.readline()
cluster.shutdown()
"""

SLOW_RAY = """
def init(*_, **__):
    raise Exception("The node timed out.")

def shutdown():
    pass
"""


@pytest.fixture
def nodes():
    """A process that keeps two nodes, and kills the second, SIGKILL, when it gets a line."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    surroundings = {**environment(), "RAY_USAGE_STATS_ENABLED": "0"}
    with subprocess.Popen([sys.executable, "-c", NODES], env=surroundings, cwd=ROOT, **pipes) as process:
        yield process
        process.communicate("\n\n", timeout=60)


def test_a_node_that_is_killed(nodes, tmp_path):
    address = nodes.stdout.readline().strip()
    folder = tmp_path / "ray"
    process = begin(*LONG, f"--workdir={folder}", "--executor=ray", f"--ray_address={address}")
    until = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < until:
        if len({path.parts[-3] for path in folder.glob("groups/*/checkpoints/1*")}) == 2:
            break
        time.sleep(0.02)
    nodes.stdin.write("\n")
    nodes.stdin.flush()
    assert nodes.stdout.readline() == "killed\n"
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert "updates, 2 at a time" in said
    assert said.count("goes on from its last checkpoint") == 1, said
    sweep(*LONG, f"--workdir={tmp_path / 'local'}")
    assert tables(folder) == tables(tmp_path / "local")


def test_it_is_asked_to_stop(tmp_path):
    folder = tmp_path / "ray"
    endless = [flag.replace("num_steps=15000", "num_steps=900000") for flag in LONG]
    process = begin(*endless, f"--workdir={folder}", "--executor=ray")
    until = time.monotonic() + 120
    while process.poll() is None and not list(folder.glob("groups/*/step")) and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 130, said
    assert "interrupted; resume with:\n" in said
    assert list(folder.glob("groups/*/checkpoints/*"))


def test_needs_that_this_machine_can_never_meet(tmp_path):
    done = sweep(*LONG, f"--workdir={tmp_path}", "--executor=ray", "--cpus_per_group=4000", status=2)
    assert "no machine of the cluster has 4000 cores and 0 GPUs (--cpus_per_group, --gpus_per_group)" in done.stderr


def test_places_are_counted_on_each_node():
    nodes = [{"Alive": True, "Resources": {"CPU": 3.0}}, {"Alive": True, "Resources": {"CPU": 3.0, "GPU": 1.0}}]
    executor = RayExecutor.__new__(RayExecutor)
    executor._ray = types.SimpleNamespace(nodes=lambda: [*nodes, {"Alive": False, "Resources": {"CPU": 64.0}}])
    assert [executor.places(*needs) for needs in ((2, 0), (1, 0), (1, 1), (4, 0), (0, 0.5))] == [2, 6, 1, 0, 2]


def test_no_cluster_is_one_line(tmp_path):
    done = sweep(*LONG, f"--workdir={tmp_path}", "--executor=ray", "--ray_address=127.0.0.1:1", status=2)
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "--ray_address=127.0.0.1:1: no Ray cluster can be reached there" in done.stderr


@pytest.mark.parametrize(
    ("package", "said"),
    [
        ("raise ImportError('not here')", "needs Ray: pip install ray, or this package as '.[ray]'"),
        (SLOW_RAY, "Ray does not start; nothing is lost, try again: The node timed out."),
    ],
)
def test_without_a_working_ray_it_says_what_to_do(package, said, tmp_path, monkeypatch):
    (tmp_path / "hidden" / "ray").mkdir(parents=True)
    (tmp_path / "hidden" / "ray" / "__init__.py").write_text(package)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "hidden"), str(ROOT)]))
    done = sweep(*LONG, f"--workdir={tmp_path / 'sweep'}", "--executor=ray", status=2)
    assert done.stderr == f"error: --executor=ray: {said}\n"
