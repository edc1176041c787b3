"""Which device does what, and into how many slices a batch is cut."""

import jax
import pytest

from lstm_jax.training.cuts import Cut
from lstm_jax.training.mesh import plan_layout


@pytest.mark.parametrize("processes", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("each", [1, 2, 3])
def test_every_process_has_as_much_to_do_as_any_other(processes, each, monkeypatch):
    monkeypatch.setattr(jax, "process_count", lambda: processes)
    devices = processes * each
    for members in range(1, 9):
        for slices in (1, 2, 3, 4, 8):
            layout = plan_layout(members, Cut(slices, devices), devices, "cpu")
            used = layout.member_devices * layout.batch_devices
            assert used <= devices
            assert slices % layout.batch_devices == 0
            assert used % processes == 0 or processes % used == 0
            if processes == 1:
                assert layout.member_devices == min(members, devices)


@pytest.mark.parametrize(
    ("members", "slices", "devices", "expected"),
    [
        (1, 2, 2, (1, 2)),
        (1, 1, 2, (1, 1)),
        (8, 2, 2, (2, 1)),
        (3, 1, 2, (2, 1)),
        (1, 8, 4, (1, 4)),
        (2, 8, 8, (2, 4)),
        (1, 2, 3, (1, 2)),
        (1, 5, 6, (1, 5)),
        (1, 4, 12, (1, 4)),
    ],
)
def test_members_come_first_when_devices_are_shared_out(members, slices, devices, expected):
    layout = plan_layout(members, Cut(slices, devices), devices, "cpu")
    assert (layout.member_devices, layout.batch_devices) == expected
    assert layout.padded_members % layout.member_devices == 0
    assert layout.padded_members >= members


def test_a_batch_uses_no_more_devices_than_pay():
    layout = plan_layout(1, Cut(4, 1), 2, "cpu")
    assert (layout.slices, layout.batch_devices) == (4, 1)
