"""A sweep on a Ray cluster of two nodes, one of which is killed in the middle, ends with the table of the local one."""

import os
import subprocess
import sys
import time

import pytest

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


def test_no_cluster_is_one_line(tmp_path):
    done = sweep(*LONG, f"--workdir={tmp_path}", "--executor=ray", "--ray_address=127.0.0.1:1", status=2)
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "--ray_address=127.0.0.1:1: no Ray cluster can be reached there" in done.stderr


@pytest.mark.parametrize(
    ("package", "said"),
    [
        ("raise ImportError('not here')", "needs Ray: pip install 'lstm-jax[ray]'"),
        (SLOW_RAY, "Ray does not start; nothing is lost, try again: The node timed out."),
    ],
)
def test_without_a_working_ray_it_says_what_to_do(package, said, tmp_path, monkeypatch):
    (tmp_path / "hidden" / "ray").mkdir(parents=True)
    (tmp_path / "hidden" / "ray" / "__init__.py").write_text(package)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "hidden"), str(ROOT)]))
    done = sweep(*LONG, f"--workdir={tmp_path / 'sweep'}", "--executor=ray", status=2)
    assert done.stderr == f"error: --executor=ray: {said}\n"
