"""Scores against plain evaluation of every string, one by one."""

import itertools

import numpy as np
import pytest
import scipy.stats

from lstm_jax.recurrent.native import passes as native
from lstm_jax.tasks.strings import Strings, digits
from lstm_jax.training import evaluate
from lstm_jax.training.evaluate import Judged, read_along, read_whole, score_strings, score_unseen, tally
from tests.training.cases import trained


def params_of(members):
    import jax

    return jax.tree.map(lambda leaf: leaf[0], members.params)


def plain_score(setup, params, lengths):
    """Reads every unseen string in full: mistakes, strings, mistakes by answer and by length."""
    known = {(tuple(row[:n]), n) for row, n in zip(*setup.problem.strings(0).known, strict=True)}
    mistakes, size, by_answer, by_length = 0, 0, {}, {}
    for length in lengths:
        codes = digits(np.arange(2**length), length, 2)
        outputs = read_whole(setup.program, params, codes, np.full(len(codes), length)).outputs
        for row, output in zip(codes, np.asarray(outputs), strict=True):
            if (tuple(row), length) in known:
                continue
            decided = output.argmax() if len(output) > 1 else round(float(output[0]))
            wrong = int(decided != row.sum())
            mistakes, size = mistakes + wrong, size + 1
            for counts, key in ((by_answer, int(row.sum())), (by_length, length)):
                before = counts.get(key, (0, 0))
                counts[key] = (before[0] + wrong, before[1] + 1)
    return mistakes, size, by_answer, by_length


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"num_layers": 2, "cell": "gru"},
        {"readout": "number", "read_from": "cell", "supervise": "every_step"},
        {"min_seq_len": 2},
        {"bidirectional": True},
        {"bidirectional": True, "min_seq_len": 3, "cell": "rnn"},
    ],
)
@pytest.mark.parametrize("columns", [evaluate.COLUMNS, 40])
def test_the_exact_score_equals_reading_every_string(settings, columns, monkeypatch):
    # With few columns the strings do not fit into one block, and the tree is walked.
    monkeypatch.setattr(evaluate, "COLUMNS", columns)
    setup, members = trained(**settings)
    lengths = range(settings.get("min_seq_len", 6), 7)
    score = score_unseen(setup.program, setup.problem.task, params_of(members), setup.problem.strings(0).known, lengths)
    expected = plain_score(setup, params_of(members), lengths)
    assert (score.mistakes, score.size, score.by_answer, score.by_length) == expected
    assert score.interval == (score.error, score.error)


@pytest.mark.skipif(not native.available(), reason="no CPU computes here, or the kernel cannot be compiled")
@pytest.mark.parametrize(
    ("settings", "columns", "most"),
    [
        ({}, evaluate.COLUMNS, 1),
        ({}, 40, None),  # the continuations are for all devices
        ({"impl": "scan"}, evaluate.COLUMNS, None),
        ({"cell": "rnn"}, evaluate.COLUMNS, None),
        ({"cell": "flax_lstm"}, evaluate.COLUMNS, None),
        ({"dtype": "bfloat16"}, evaluate.COLUMNS, None),
    ],
)
def test_a_layer_with_threads_of_its_own_reads_all_strings_on_one_device(settings, columns, most, monkeypatch):
    monkeypatch.setattr(evaluate, "COLUMNS", columns)
    asked, batch_mesh = [], evaluate.batch_mesh
    monkeypatch.setattr(evaluate, "batch_mesh", lambda *request: asked.append(request[1]) or batch_mesh(*request))
    setup, members = trained(1, **settings)
    evaluate.judge_all(setup.program, setup.problem.task, params_of(members), range(6, 7))
    assert asked == [most]


def test_given_strings_are_scored_in_their_order():
    setup, members = trained()
    strings = Strings(digits(np.arange(13), 6, 2), np.full(13, 6, np.int32))
    score = score_strings(setup.program, setup.problem.task, params_of(members), strings)
    outputs = read_whole(setup.program, params_of(members), *strings).outputs
    assert score.mistakes == int((np.argmax(outputs, axis=1) != strings.codes.sum(axis=1)).sum())
    assert score.sampled


@pytest.mark.parametrize("settings", [{}, {"readout": "number", "read_from": "cell", "num_layers": 2}])
def test_what_is_said_on_the_way_is_what_is_said_of_each_beginning(settings):
    setup, members = trained(**settings)
    params, codes = params_of(members), digits(np.arange(13), 6, 2)
    said = read_along(setup.program, params, codes)
    for length in range(1, 7):
        outputs = read_whole(setup.program, params, codes[:, :length], np.full(len(codes), length)).outputs
        np.testing.assert_allclose(said.outputs[:, length - 1], outputs, rtol=1e-5, atol=1e-5)
        np.testing.assert_array_equal(said.decided[:, length - 1], setup.program.objective.decide(outputs.T))


@pytest.mark.parametrize(("mistakes", "size"), [(0, 1000), (3, 1000), (500, 1000), (1000, 1000)])
def test_the_confidence_interval_is_wilsons(mistakes, size):
    judged = Judged(np.arange(size) < mistakes, np.zeros(size, bool), np.zeros(size))
    score = tally(judged, np.ones(size, np.int32), sampled=True)
    expected = scipy.stats.binomtest(mistakes, size).proportion_ci(method="wilson")
    np.testing.assert_allclose(score.interval, (expected.low, expected.high), atol=1e-9)


def test_tally_counts_by_answer_and_length():
    right = np.array([3, 3, 5, 7])
    judged = Judged(np.array([3, 4, 5, 0]), right, np.array([1.0, 2.0, 3.0, 6.0]))
    score = tally(judged, np.array([2, 2, 2, 9]), sampled=False)
    assert (score.mistakes, score.size, score.loss, score.error) == (2, 4, 3.0, 0.5)
    assert score.by_answer == {3: (1, 2), 5: (0, 1), 7: (1, 1)}
    assert score.by_length == {2: (1, 3), 9: (1, 1)}


def test_all_strings_are_enumerated():
    codes, lengths = evaluate._all_strings(2, 3, 5)
    assert {tuple(row) for row in codes} == {(*bits, 0, 0) for bits in itertools.product([0, 1], repeat=3)}
    assert set(lengths) == {3}
