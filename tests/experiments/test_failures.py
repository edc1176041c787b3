"""Runs whose loss stops being finite: alone they end, among several seeds only those end that it happens to."""

import json
import signal

from tests.experiments.commands import begin, run, stop, wait_for_checkpoint

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
    asked = run("--predict=++", f"--workdir={tmp_path}", experiment="sign_sum").stdout
    assert [f"seed {seed}:" in asked for seed in range(8)] == [seed in left for seed in range(8)]
    # What is shown is what the first seed does: nothing, from where it failed on. The one after it goes on.
    first = next(seed for seed in failed if seed + 1 in left)
    play("--learning_rate=1", f"--seed={first}", "--num_seeds=2", "--log_every=1", f"--workdir={tmp_path / 'first'}")


def test_where_all_fail_there_is_no_result_now_or_later(tmp_path):
    for _ in range(2):
        done = play("--learning_rate=1e4", "--num_seeds=3", f"--workdir={tmp_path}", status=1)
        assert "with each of the seeds the loss or its gradient is not finite at step" in done.stderr
    assert not (tmp_path / "result.json").exists()
    asked = run("--predict=++", f"--workdir={tmp_path}", experiment="sign_sum", status=2)
    assert "holds no" in asked.stderr


def test_a_question_to_a_damaged_network_is_answered_by_a_line_that_says_so(tmp_path):
    run("--num_steps=20", "--eval_every=20", f"--workdir={tmp_path}")
    for part in tmp_path.glob("checkpoints/20/arrays/**/d/*"):
        part.write_text("x")
    done = run("--predict=01", f"--workdir={tmp_path}", status=2)
    assert "holds no checkpoint of a trained network; the checkpoint of step 20 is damaged" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_network_that_has_not_had_all_its_updates_says_so(tmp_path):
    process = begin("--num_steps=1000000", "--checkpoint_every=20", f"--workdir={tmp_path}")
    wait_for_checkpoint(tmp_path, 20, process)
    stop(process, signal.SIGINT)
    assert "of its 1,000,000 updates." in run("--predict=01", f"--workdir={tmp_path}").stdout
