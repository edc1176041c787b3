"""Runs whose loss stops being finite: alone they end, among several seeds only those end that it happens to."""

import json

from tests.experiments.commands import run

STEEP = ["--optimizer=sgd", "--clip_norm=0", "--readout=number", "--lr_schedule=constant", "--num_steps=60"]


def play(*flags, **how):
    return run(*STEEP, *flags, experiment="sign_sum", **how)


def test_seeds_that_fail_end_alone(tmp_path):
    done = play("--learning_rate=1", "--num_seeds=8", f"--workdir={tmp_path}")
    result = json.loads((tmp_path / "result.json").read_text())
    failed, left = ([seed["seed"] for seed in result[name]] for name in ("failed", "seeds"))
    assert failed and left and sorted(failed + left) == list(range(8))
    for seed in failed:
        assert f"Without seed {seed}: the loss or its gradient is not finite at step " in done.stdout
    again = play("--learning_rate=1", "--num_seeds=8", f"--workdir={tmp_path}")
    assert f"Without seed {failed[0]}: " in again.stdout


def test_where_all_fail_there_is_no_result_now_or_later(tmp_path):
    for _ in range(2):
        done = play("--learning_rate=1e4", "--num_seeds=3", f"--workdir={tmp_path}", status=1)
        assert "with each of the seeds the loss or its gradient is not finite at step" in done.stderr
    assert not (tmp_path / "result.json").exists()
