"""How a batch is cut."""

import jax
import pytest

from lstm_jax.training.cuts import Cut, choose_cut


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
    assert choose_cut(batch, work, kept, 2) == Cut(slices, 2)


@pytest.mark.parametrize(
    ("batch", "work", "kept", "cut"),
    [
        (1000, 2_400, 11_520, Cut(1, 2)),  # the kernel's own threads are faster than two devices
        (1000, 2_400, 576_000, Cut(20, 2)),  # 1,000 symbols: slices too small for the threads, side by side
        (256, 66_048, 196_608, Cut(2, 1)),  # one after another: what they keep is handed out again
        (512, 66_048, 196_608, Cut(4, 1)),
        (128, 263_168, 393_216, Cut(2, 2)),  # slices too narrow for them
        (128, 66_048, 98_304, Cut(1, 1)),
        (32, 524_288, 196_608, Cut(1, 2)),
        (128, 327_680, 786_432, Cut(4, 2)),
        (32, 1_114_112, 1_228_800, Cut(1, 2)),
    ],
)
def test_a_layer_with_threads_is_cut_as_was_measured_to_be_fastest(batch, work, kept, cut):
    assert choose_cut(batch, work, kept, 2, threads=True) == cut


def test_several_processes_share_what_one_would_compute_in_turn(monkeypatch):
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    assert choose_cut(256, 66_048, 196_608, 2, threads=True) == Cut(2, 2)


@pytest.mark.parametrize("batch", [1, 7, 128, 1000, 1024])
@pytest.mark.parametrize("devices", [1, 2, 8])
def test_slices_are_equal_and_never_more_than_there_are_strings(batch, devices):
    slices = choose_cut(batch, 2400, 11_520, devices).slices
    assert batch % slices == 0
    assert slices == 1 or batch // slices >= 100
