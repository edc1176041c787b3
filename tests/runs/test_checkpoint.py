"""Checkpoints that are whole, damaged, missing, or cannot be written."""

import errno
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lstm_jax.runs.checkpoint import KEPT, CheckpointError, Checkpoints

TREE = {
    "weights": np.arange(6, dtype=np.float32).reshape(2, 3),
    "key": jax.random.split(jax.random.key(7), 2),
    "nested": (np.array([True, False]), jnp.int32(5)),
}


def tree_at(step):
    return {**TREE, "weights": TREE["weights"] + step}


def data_files(folder, step):
    files = [path for path in (folder / str(step) / "arrays").rglob("*") if path.is_file()]
    return sorted(files, key=lambda path: path.stat().st_size)


def test_every_bit_comes_back(tmp_path):
    Checkpoints(tmp_path).save(3, TREE, {"seconds": 1.5})
    restored, damaged = Checkpoints(tmp_path).restore(TREE)
    assert (restored.step, restored.notes["seconds"], damaged) == (3, 1.5, [])
    assert jax.random.key_data(restored.tree["key"]).tolist() == jax.random.key_data(TREE["key"]).tolist()
    for ours, theirs in zip(*(jax.tree.leaves({**tree, "key": 0}) for tree in (restored.tree, TREE)), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_without_a_checkpoint_there_is_nothing(tmp_path):
    assert Checkpoints(tmp_path).restore(TREE) == (None, [])


def test_only_the_newest_are_kept(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    for step in range(6):
        checkpoints.save(step, tree_at(step), {})
    assert checkpoints.steps() == list(range(6 - KEPT, 6))


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGES = {
    "truncated": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "emptied": lambda path: path.write_bytes(b""),
    "removed": lambda path: path.unlink(),
    "a bit flipped": flip_a_bit,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_reported_and_the_one_before_it_used(tmp_path, damage):
    checkpoints = Checkpoints(tmp_path)
    for step in (10, 20):
        checkpoints.save(step, tree_at(step), {})
    for path in data_files(tmp_path, 20)[-3:]:
        DAMAGES[damage](path)
    restored, damaged = Checkpoints(tmp_path).restore(TREE)
    assert restored.step == 10
    np.testing.assert_array_equal(restored.tree["weights"], tree_at(10)["weights"])
    assert len(damaged) == 1
    assert "the checkpoint of step 20 is damaged and was set aside" in damaged[0]
    assert len(list(tmp_path.glob("damaged-20-*"))) == 1
    again = Checkpoints(tmp_path)
    again.save(20, tree_at(20), {})
    assert again.restore(TREE)[0].step == 20


def unreadable(path):
    """Has the system answer EIO, Input/output error, to whoever reads the file."""
    path.unlink()
    path.symlink_to("/proc/self/mem")


def endless(path):
    """Has tensorstore hear of an error, ELOOP, that is neither a missing file nor a wrong content."""
    path.unlink()
    path.symlink_to(path.name)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="the system is not Linux")
@pytest.mark.parametrize(
    ("name", "fail", "said"),
    [
        ("notes/metadata", unreadable, "Input/output error"),
        ("arrays/_METADATA", unreadable, "Input/output error"),
        ("arrays/manifest.ocdbt", endless, "Too many levels of symbolic links"),
    ],
)
def test_what_the_machine_cannot_read_now_stays_where_it_is(tmp_path, name, fail, said):
    checkpoints = Checkpoints(tmp_path)
    for step in (10, 20):
        checkpoints.save(step, tree_at(step), {})
    before, path = sorted(place.name for place in tmp_path.iterdir()), tmp_path / "20" / name
    content = path.read_bytes()
    fail(path)
    with pytest.raises(CheckpointError, match=rf"step 20 cannot be read now \({said}\), and nothing was changed"):
        Checkpoints(tmp_path).restore(TREE)
    assert sorted(place.name for place in tmp_path.iterdir()) == before
    path.unlink()
    path.write_bytes(content)
    assert Checkpoints(tmp_path).restore(TREE)[0].step == 20


FAULTS = {
    "Too many open files": OSError(errno.EMFILE, "Too many open files"),
    "Stale file handle": ValueError("UNKNOWN: Error reading local file [os_error_code='116']"),
    "MemoryError": MemoryError(),
    "can't start new thread": RuntimeError("can't start new thread"),
}


@pytest.mark.parametrize("said", FAULTS)
def test_a_fault_is_no_damage_even_if_another_error_came_of_it(tmp_path, monkeypatch, said):
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(1, TREE, {})

    def fails(*_, **__):
        try:
            raise FAULTS[said]
        except Exception as error:
            raise ValueError("no such thing") from error

    monkeypatch.setattr(checkpoints._manager, "restore", fails)
    with pytest.raises(CheckpointError, match=f"cannot be read now \\({said}\\)"):
        checkpoints.restore(TREE)
    assert [path.name for path in tmp_path.iterdir()] == ["1"]


def test_another_structure_is_not_accepted(tmp_path):
    Checkpoints(tmp_path).save(1, TREE, {})
    other = {**TREE, "weights": np.zeros((9, 9), np.float32)}
    with pytest.raises(CheckpointError, match=r"of another program.*weights"):
        Checkpoints(tmp_path).restore(other)
    assert Checkpoints(tmp_path).restore(TREE)[0].step == 1


def test_a_full_disk_leaves_the_last_good_checkpoint(tmp_path, monkeypatch):
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(1, tree_at(1), {})

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoints._manager, "save", full)
    with pytest.raises(
        CheckpointError, match=r"step 2 could not be written, the checkpoint of step 1 is kept.*No space"
    ):
        checkpoints.save(2, tree_at(2), {})
    assert Checkpoints(tmp_path).restore(TREE)[0].step == 1
