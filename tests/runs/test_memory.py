"""Populations that do not fit into the memory are refused; nothing here fills it."""

import jax
import pytest

from experiments import next_word, process_flags, sign_sum, training
from lstm_jax.runs import devices, memory
from lstm_jax.runs.problems import make_problem
from lstm_jax.runs.session import Session
from lstm_jax.runs.setup import make_setup
from lstm_jax.settings import SettingError

SMALL = sign_sum.BASE.replace({"seq_len": 6, "train_size": 1_024, "cpu_devices": 1})


@pytest.mark.parametrize("config", [SMALL, next_word.BASE])
def test_a_member_takes_what_its_arrays_take(config, tmp_path):
    session = Session([config], tmp_path, 0.0)
    state = sum(leaf.nbytes for leaf in jax.tree.leaves(session.members))
    data = sum(leaf.nbytes for leaf in jax.tree.leaves(make_setup(config).data))
    assert memory.bytes_of_member(config, make_problem(config)) == state + 2 * data


def test_more_members_than_fit_are_refused_with_the_number_that_fits(monkeypatch):
    one = memory.bytes_of_member(SMALL, make_problem(SMALL))
    monkeypatch.setattr(memory, "available", lambda: 5 * one)
    memory.check_memory(SMALL.replace({"num_seeds": 5}), make_problem(SMALL))
    many = SMALL.replace({"num_seeds": 100_000})
    with pytest.raises(SettingError, match=r"^--num_seeds=100000: needs \d+\.\d GiB .* 0\.0 GiB .* --num_seeds=5,"):
        memory.check_memory(many, make_problem(many))


def test_it_is_looked_at_before_a_folder_is_made(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "available", lambda: 0)
    monkeypatch.setattr(process_flags, "join", lambda: None)
    monkeypatch.setattr(devices, "configure", lambda config: config)
    config = SMALL.replace({"num_seeds": 2, "num_steps": 1, "workdir": str(tmp_path / "run")})
    with pytest.raises(SettingError, match=r"memory: lower --hidden_size or --train_size$"):
        training.train(config, "", "")
    assert not (tmp_path / "run").exists()


def test_a_container_has_what_it_may_use(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "LIMIT", tmp_path / "memory.max")
    whole = memory.available()
    memory.LIMIT.write_text("1048576\n")
    assert memory.available() == 1_048_576
    memory.LIMIT.write_text("max\n")
    assert memory.available() == whole > 2**29
