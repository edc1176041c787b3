"""Which device does what, and into how many slices a batch is cut."""

import jax
import pytest

from lstm_jax.training.mesh import choose_slices, plan_layout


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
    layout = plan_layout(members, slices, devices, "cpu")
    assert (layout.member_devices, layout.batch_devices) == expected
    assert layout.padded_members % layout.member_devices == 0
    assert layout.padded_members >= members


@pytest.mark.parametrize(
    ("batch", "work", "kept", "slices"),
    [
        (1000, 2_400, 11_520, 4),  # 24 units, 20 symbols: a slice stays in the cache
        (400, 2_400, 11_520, 2),  # so does one of two
        (512, 66_048, 196_608, 4),  # 128 units, 64 symbols: below the size for which pages are mapped anew
        (256, 66_048, 196_608, 2),  # so does one of two
        (128, 327_680, 786_432, 4),
        (32, 1_114_112, 1_228_800, 1),  # 512 units: the weights are what takes time, and would be read twice
    ],
)
def test_slices_on_two_devices_are_those_measured_to_be_fastest(batch, work, kept, slices):
    assert choose_slices(batch, work, kept, 2) == slices


@pytest.mark.parametrize(
    ("batch", "work", "kept", "slices"),
    [
        (1000, 2_400, 11_520, 1),  # the kernel's own threads are faster than two devices
        (256, 66_048, 196_608, 2),
        (128, 327_680, 786_432, 4),
        (32, 1_114_112, 1_228_800, 1),
    ],
)
def test_slices_of_a_layer_with_threads_are_those_measured_to_be_fastest(batch, work, kept, slices):
    assert choose_slices(batch, work, kept, 2, threads=True) == slices


@pytest.mark.parametrize("batch", [1, 7, 128, 1000, 1024])
@pytest.mark.parametrize("devices", [1, 2, 8])
def test_slices_are_equal_and_never_more_than_there_are_strings(batch, devices):
    slices = choose_slices(batch, 2400, 11_520, devices)
    assert batch % slices == 0
    assert slices == 1 or batch // slices >= 100
