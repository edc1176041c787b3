"""Which processes belong together: flags that are wrong, surroundings that mean one process or several."""

import os

import pytest

from lstm_jax.runs import cluster, processes
from lstm_jax.settings import SettingError


@pytest.fixture(autouse=True)
def no_cluster_around(monkeypatch):
    """The surroundings of the tests say nothing of a cluster, whatever they are."""
    for name in os.environ:
        if name.startswith(("SLURM_", "OMPI_", "KUBERNETES_", "JOB_COMPLETION_")):
            monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("address", "count", "number", "message"),
    [
        ("host0", 2, 0, "--coordinator_address=host0: must be HOST:PORT"),
        ("host0:0", 2, 0, "must be HOST:PORT"),
        ("host0:65536", 2, 0, "must be HOST:PORT"),
        (":12345", 2, 0, "must be HOST:PORT"),
        ("host0:12345", 0, 0, "--num_processes=0: must be an integer of at least 1"),
        ("host0:12345", 2, 2, "--process_id=2: must be an integer from 0 to 1"),
        ("[::1]:12345", 2, -1, "--process_id=-1: must be an integer from 0 to 1"),
        (
            "host0:12345",
            None,
            None,
            "--coordinator_address=host0:12345: needs --num_processes and --process_id as well",
        ),
        (None, None, 0, "--process_id=0: needs --coordinator_address and --num_processes as well"),
    ],
)
def test_what_cannot_be_joined(address, count, number, message):
    with pytest.raises(SettingError) as caught:
        cluster.join(address, count, number)
    assert message in str(caught.value)
    assert processes.is_alone()


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, []),
        ({"SLURM_JOB_ID": "7", "SLURM_NTASKS": "8"}, []),
        ({"SLURM_JOB_ID": "7", "SLURM_NTASKS": "8", "SLURM_STEP_NUM_TASKS": "1"}, []),
        ({"SLURM_JOB_ID": "7", "SLURM_STEP_NUM_TASKS": "8"}, ["asked"]),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, []),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1", "JOB_COMPLETION_INDEX": "0"}, ["asked"]),
        ({"OMPI_COMM_WORLD_SIZE": "1"}, []),
        ({"OMPI_COMM_WORLD_SIZE": "2"}, ["asked"]),
        ({"SLURM_JOB_ID": "7", "SLURM_NTASKS": "8", "OMPI_COMM_WORLD_SIZE": "4"}, ["asked"]),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1", "OMPI_COMM_WORLD_SIZE": "4"}, ["asked"]),
    ],
)
def test_jax_is_asked_for_a_cluster_where_there_may_be_one(variables, expected, monkeypatch):
    asked = []

    def initialize(*arguments):
        assert arguments == (None, None, None)
        if variables:
            asked.append("asked")
            return
        raise ValueError("coordinator_address should be defined.")

    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(cluster.jax.distributed, "initialize", initialize)
    cluster.join(None, None, None)
    assert asked == expected


def test_a_cluster_that_cannot_be_used_is_named(monkeypatch):
    def initialize(*_):
        raise RuntimeError("jobs must be indexed")

    monkeypatch.setattr(cluster.jax.distributed, "initialize", initialize)
    with pytest.raises(SettingError, match="jobs must be indexed"):
        cluster.join(None, None, None)
    with pytest.raises(SettingError, match=r"--coordinator_address=host0:12345: cannot be used \(jobs must"):
        cluster.join("host0:12345", 2, 0)


ConfigException = type("ConfigException", (Exception,), {})  # of the kubernetes package: unlike JAX's own errors
INDEXED_JOB = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "JOB_COMPLETION_INDEX": "0"}
NO_ADDRESS = ValueError("coordinator_address should be defined.")
BY_HAND = "give --coordinator_address, --num_processes and --process_id"
FOUND = "--num_processes=unset: the processes of this cluster cannot be found: "
KUBERNETES = 'install the package kubernetes (pip install "jax[k8s]"), or '


def refused(monkeypatch, variables, error, *given):
    """What `join` says where JAX fails in some surroundings."""

    def initialize(*_, **__):
        raise error

    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(cluster.jax.distributed, "initialize", initialize)
    with pytest.raises(SettingError) as caught:
        cluster.join(*(given or (None, None, None)))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("installed", [True, False])
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConfigException("Service host/port\nis not set."), "ConfigException: Service host/port is not set."),
        (KeyError("job-name"), "KeyError: 'job-name'"),
        (ModuleNotFoundError("No module named 'kubernetes'", name="kubernetes"), "No module named 'kubernetes'"),
        (AttributeError(), "(AttributeError)"),
        (NO_ADDRESS, "coordinator_address should be defined."),
    ],
)
def test_kubernetes_that_cannot_be_asked_is_one_line_with_the_remedy(monkeypatch, error, words, installed):
    found = object() if installed else None
    monkeypatch.setattr(cluster.importlib.util, "find_spec", lambda name: found if name == "kubernetes" else None)
    message = refused(monkeypatch, INDEXED_JOB, error)
    assert message.startswith(FOUND + ("" if installed else KUBERNETES) + BY_HAND + " (")
    assert words in message


@pytest.mark.parametrize(
    "variables",
    [
        {"OMPI_COMM_WORLD_SIZE": "4"},
        {"SLURM_JOB_ID": "7", "SLURM_STEP_NUM_TASKS": "2"},
        {"SLURM_JOB_ID": "7", "OMPI_COMM_WORLD_SIZE": "2"},
    ],
)
def test_one_of_several_does_not_go_on_alone(monkeypatch, variables):
    assert refused(monkeypatch, variables, NO_ADDRESS).startswith(FOUND + BY_HAND)


def test_another_package_that_is_missing_is_named(monkeypatch):
    error = ImportError("No module named 'mpi4py'", name="mpi4py")
    message = refused(monkeypatch, {"OMPI_COMM_WORLD_SIZE": "4"}, error)
    assert message.startswith(f"{FOUND}install the package mpi4py, or {BY_HAND}")


def test_nothing_that_an_error_says_is_lost(monkeypatch):
    error = RuntimeError("x" * 300 + "\nsubdomain: jaxpods")
    error.__cause__ = ConfigException("forbidden")
    message = refused(monkeypatch, INDEXED_JOB, error)
    assert message.endswith(f"({'x' * 300} subdomain: jaxpods; ConfigException: forbidden)")
    message = refused(monkeypatch, {}, KeyError("labels"), "host0:12345", 2, 0)
    assert message == "--coordinator_address=host0:12345: cannot be used (KeyError: 'labels')"


@pytest.mark.parametrize(("extra", "asked"), [({}, False), ({"OMPI_COMM_WORLD_SIZE": "2"}, True)])
def test_kubernetes_is_not_asked_for_what_was_said(monkeypatch, extra, asked):
    told = []
    for name, value in {**INDEXED_JOB, **extra}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(cluster.jax.distributed, "initialize", lambda *_, **how: told.append(how))
    cluster.join("host0:12345", 2, 0)
    assert told == [{} if asked else {"cluster_detection_method": "deactivate"}]


def test_in_one_process_nothing_is_sent():
    value = {"step": float("nan"), "path": ("a", 1)}
    assert processes.agree(value) is value
    assert processes.exchange(value) == [value]
    assert processes.share(value) is value
    assert processes.leave(3) == 3
    with pytest.raises(OSError, match="full"), processes.watched():
        processes.first(lambda: (_ for _ in ()).throw(OSError("full")), OSError)
