"""Checkpoints that are read while somebody else writes and removes them."""

import numpy as np
import pytest

from lstm_jax.runs import watched
from lstm_jax.runs.checkpoint import KEPT, CheckpointError, Checkpoints
from lstm_jax.runs.watched import WatchedCheckpoints
from tests.runs.test_checkpoint import TREE, data_files, flip_a_bit, tree_at


def state_of(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_who_only_reads_changes_nothing(tmp_path):
    assert WatchedCheckpoints(tmp_path / "none").restore(TREE) == (None, [])
    assert not (tmp_path / "none").exists()
    checkpoints = Checkpoints(tmp_path)
    for step in (10, 20):
        checkpoints.save(step, tree_at(step), {})
    for path in data_files(tmp_path, 20)[-3:]:
        flip_a_bit(path)
    before = state_of(tmp_path)
    restored, damaged = WatchedCheckpoints(tmp_path).restore(TREE)
    assert (restored.step, len(damaged)) == (10, 1)
    assert damaged[0].startswith("the checkpoint of step 20 is damaged: ")
    assert state_of(tmp_path) == before


@pytest.mark.parametrize("ends", [True, False])
def test_a_checkpoint_may_go_while_they_are_listed(tmp_path, monkeypatch, ends):
    trainer = Checkpoints(tmp_path)
    trainer.save(10, tree_at(10), {})
    manage, tries = WatchedCheckpoints._manage, iter(range(1000))

    def overtaken(self, **how):
        if not ends or next(tries) < 2:
            raise FileNotFoundError(2, "No such file or directory", f"{tmp_path}/5")
        return manage(self, **how)

    monkeypatch.setattr(WatchedCheckpoints, "_manage", overtaken)
    if not ends:
        with pytest.raises(CheckpointError, match="replaced faster than they can be read"):
            WatchedCheckpoints(tmp_path)
        return
    assert WatchedCheckpoints(tmp_path).restore(TREE)[0].step == 10


@pytest.mark.parametrize("ends", [True, False])
def test_who_only_reads_begins_again_where_the_trainer_was_faster(tmp_path, monkeypatch, ends):
    trainer, steps = Checkpoints(tmp_path), iter(range(KEPT, 1000))
    for step in range(KEPT):
        trainer.save(step, tree_at(step), {})
    reader = WatchedCheckpoints(tmp_path)
    read = reader._manager.restore

    def overtaken(step, **how):
        if not ends or step < 2 * KEPT:
            for new in range(KEPT):
                trainer.save(next(steps), tree_at(step + 1 + new), {})
        return read(step, **how)

    monkeypatch.setattr(reader._manager, "restore", overtaken)
    monkeypatch.setattr(watched, "TRIES", 3)
    if not ends:
        with pytest.raises(CheckpointError, match="replaced faster than they can be read"):
            reader.restore(TREE)
        return
    restored, damaged = reader.restore(TREE)
    assert (restored.step, damaged) == (3 * KEPT - 1, [])
    np.testing.assert_array_equal(restored.tree["weights"], tree_at(restored.step)["weights"])
