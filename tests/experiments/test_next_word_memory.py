"""A vocabulary of 100,000 symbols is learned in little memory."""

import json
import os
import subprocess

from tests.experiments.commands import ROOT, command, environment

SYMBOLS, BATCH, LENGTH = 100_000, 1_024, 16
GIB = 2**30


def test_a_hundred_thousand_symbols_need_no_array_of_symbols_by_predictions(tmp_path):
    assert SYMBOLS * BATCH * LENGTH * 4 > 4 * GIB, "one-hot codes, or the whole softmax, of one batch"
    (tmp_path / "text").write_text(" ".join(map(str, range(SYMBOLS))))
    flags = [
        *(f"--text_file={tmp_path / 'text'}", "--num_sampled=64", f"--batch_size={BATCH}", f"--seq_len={LENGTH}"),
        *("--supervise=every_step", "--hidden_size=16", "--num_steps=3", "--test_size=20", f"--workdir={tmp_path}/run"),
    ]
    with open(tmp_path / "said", "w") as said:
        words = command(*flags, experiment="next_word")
        child = subprocess.Popen(words, stdout=said, stderr=subprocess.STDOUT, cwd=ROOT, env=environment())
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)  # it was waited for here, not by `child`
    assert child.returncode == 0, (tmp_path / "said").read_text()
    assert usage.ru_maxrss * 1_024 < 4 * GIB
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert (result["symbols"], result["steps"]) == (SYMBOLS, 3)
