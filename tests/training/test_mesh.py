"""Which device does what where several processes train one run."""

import jax
import pytest

from lstm_jax.training.mesh import plan_layout


@pytest.mark.parametrize("processes", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("each", [1, 2, 3])
def test_every_process_has_as_much_to_do_as_any_other(processes, each, monkeypatch):
    monkeypatch.setattr(jax, "process_count", lambda: processes)
    devices = processes * each
    for members in range(1, 9):
        for slices in (1, 2, 3, 4, 8):
            layout = plan_layout(members, slices, devices, "cpu")
            used = layout.member_devices * layout.batch_devices
            assert used <= devices
            assert slices % layout.batch_devices == 0
            assert used % processes == 0 or processes % used == 0
            if processes == 1:
                assert layout.member_devices == min(members, devices)
