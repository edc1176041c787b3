"""What is counted, drawn and compared."""

import signal

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import record
from benchmarks.participants import MATMUL
from benchmarks.process import NotMeasuredError
from benchmarks.results import Measurement, best_rate, compare, exit_status
from benchmarks.tables import details, remarks, summary
from benchmarks.tournament import Conditions, Tournament
from benchmarks.work import CELLS, NUM_GATES, PASSES, Shape, draw, flop, parse_shape
from lstm_jax.recurrent import scan
from lstm_jax.recurrent.cells import CELLS as EQUATIONS
from lstm_jax.recurrent.cells import Weights

SHAPE = Shape(batch=3, time=5, features=2, hidden=4)


def product_flop(jaxpr, times=1):
    """Counts additions and multiplications of all matrix products in a program, loops unrolled."""
    count = 0
    for equation in jaxpr.eqns:
        if equation.primitive.name == "dot_general":
            (contracted, _), _ = equation.params["dimension_numbers"]
            left = equation.invars[0].aval.shape
            inner = np.prod([left[axis] for axis in contracted], dtype=int)
            count += 2 * times * inner * np.prod(equation.outvars[0].aval.shape, dtype=int)
        repeated = times * equation.params.get("length", 1) if equation.primitive.name == "scan" else times
        for value in equation.params.values():
            inner = getattr(value, "jaxpr", value)
            if hasattr(inner, "eqns"):
                count += product_flop(inner, repeated)
    return count


@pytest.mark.parametrize("which", PASSES)
@pytest.mark.parametrize("cell", CELLS)
def test_the_operations_are_those_of_the_textbook_program(cell, which):
    equations = EQUATIONS[cell]
    width, gates = SHAPE.hidden, NUM_GATES[cell] * SHAPE.hidden
    shapes = (gates, SHAPE.features), (gates, width), (equations.num_biases * width,)
    weights = Weights(*map(jnp.zeros, shapes))
    inputs = jnp.zeros((SHAPE.time, SHAPE.features, SHAPE.batch))

    def loss(weights, inputs, state):
        return jnp.sum(scan.unroll(equations, weights, inputs, state)[0].hidden ** 2)

    # By the state as well: the first step's product with it is counted, as every other step's.
    function = jax.grad(loss, argnums=(0, 1, 2)) if which == "both" else loss
    program = jax.make_jaxpr(function)(weights, inputs, equations.zero_state(width, SHAPE.batch))
    assert flop(cell, which, SHAPE) == product_flop(program.jaxpr)


def test_the_operations_are_those_of_a_loop():
    b, t, d, h = 2, 3, 4, 5
    count = 0
    for _ in range(b * t * 4 * h):  # every gate of every unit
        count += 2 * (h + d)  # a multiplication and an addition for each weight
    assert flop("lstm", "forward", Shape(b, t, d, h)) == count
    assert flop("lstm", "both", Shape(b, t, d, h)) == 24 * b * t * h * (h + d)
    assert flop("gru", "both", Shape(b, t, d, h)) == 18 * b * t * h * (h + d)


def test_a_shape_is_read_in_any_order_and_written():
    assert parse_shape("H24, B1000,D1,T20") == Shape(1000, 20, 1, 24)
    assert str(Shape(1000, 20, 1, 24)) == "B1000 T20 D1 H24"
    for wrong in ("", "B1,T2,D3", "B1,T2,D3,H0", "B1,T2,D3,H4,B5", "B1,T2,D3,X4", "1,2,3,4"):
        with pytest.raises(ValueError):
            parse_shape(wrong)


def test_a_reset_gate_before_or_after_the_product_is_the_same():
    recurrent = draw("gru", SHAPE)["hidden_kernel"][2 * SHAPE.hidden :]
    reset, hidden = np.random.default_rng(0).uniform(size=(2, SHAPE.hidden))
    np.testing.assert_allclose(reset * (recurrent @ hidden), recurrent @ (reset * hidden))
    assert np.count_nonzero(recurrent) == SHAPE.hidden


def measurement(peer, loss, gradient=None):
    return Measurement("lstm", "both", SHAPE, peer, [1.0], loss=loss, gradient=gradient)


@pytest.mark.parametrize("loss", [1.1, 0.9, -1.0, float("nan"), float("inf")])
def test_a_different_loss_is_a_mismatch(loss):
    rows = [measurement("torch", loss), measurement("lstm_jax", 1.0), measurement("flax", 1.0005)]
    compare(rows, 1e-3)
    assert [bool(row.disagrees) for row in rows] == [True, False, False]
    assert "its loss is" in rows[0].disagrees


def test_a_mismatch_is_said_aloud_and_in_the_exit_status():
    rows = [measurement("lstm_jax", 1.0), measurement("torch", 1.0)]
    compare(rows, 1e-3)
    assert exit_status(rows) == 0
    assert remarks(rows) == []
    rows.append(measurement("keras", 1.5))
    compare(rows, 1e-3)
    assert exit_status(rows) == 1
    (line,) = remarks(rows)
    assert line.startswith("MISMATCH: Keras computes something else at LSTM, forward + backward, B3 T5 D2 H4")
    marked = {row[0]: row for row in details(rows, 100.0)}
    assert "Keras !" in marked
    assert summary(rows, ["lstm_jax", "torch", "keras"])[1][1:] == ["1.00 s", "1.00×", "1.00× !"]


def test_nothing_measured_is_a_failure():
    rows = [Measurement("lstm", "both", SHAPE, "torch", not_measured="it is not here")]
    assert exit_status(rows) == 1
    assert remarks(rows) == ["not measured: PyTorch: it is not here"]
    assert details(rows, 100.0)[1] == ["PyTorch", *["–"] * 6]


def test_a_different_gradient_is_a_mismatch():
    rows = [measurement("lstm_jax", 1.0, 2.0), measurement("flax", 1.0, 2.1)]
    compare(rows, 1e-3)
    assert rows[1].disagrees == "its gradient is 2.1, that of lstm_jax is 2"


def test_median_quartiles_and_rate():
    one = Measurement("lstm", "both", SHAPE, "lstm_jax", [4.0, 1.0, 2.0, 3.0, 100.0])
    assert one.median == 3
    assert one.quartiles == (2, 4)
    assert one.gflops == pytest.approx(24 * 3 * 5 * 4 * 6 / 3 / 1e9)
    assert Measurement("lstm", "both", SHAPE, "lstm_jax", [4.0]).quartiles == (4, 4)


class FailingProduct:
    """A process that multiplies up to some size, in one millisecond."""

    def __init__(self, largest):
        self.largest = largest

    def ask(self, do, size=0, **_):
        if size > self.largest:
            raise NotMeasuredError("out of memory")
        return {"seconds": 1e-3}


def test_no_process_outlives_the_piece_of_work_that_it_was_started_for(tmp_path):
    conditions = Conditions(platform="cpu", repetitions=3, starts=2)
    doings, processes = [], []
    with Tournament(["lstm_jax"], conditions, tmp_path) as tournament:

        def told(doing):
            doings.append(doing)
            processes.extend(process._process for process in tournament._processes.values())

        (row,) = tournament.measure("gru", "both", Shape(batch=2, time=3, features=1, hidden=4), told)
        assert (row.measured, len(row.seconds), processes[-1].poll()) == (True, 3, None)
    turns = [f"repetition {number} of 3: lstm_jax" for number in (1, 2, 3)]
    assert doings == ["all start", "lstm_jax prepares", turns[0], "all start", "lstm_jax prepares", *turns[1:]]
    assert {process.returncode for process in processes} == {-signal.SIGKILL}
    assert len(set(map(id, processes))) == 1 + len(MATMUL) + 2


@pytest.mark.parametrize(("largest", "size"), [(0, None), (64, 64), (200, 100)])
def test_a_large_product_that_fails_is_not_measured(tmp_path, largest, size):
    tournament = Tournament([], Conditions(), tmp_path)
    tournament._processes = {way: FailingProduct(largest) for way in MATMUL}
    rates = tournament.matmul_gflops(128 if size == 64 else 100)
    expected = None if size is None else pytest.approx(2 * size**3 / 1e6)
    assert rates == dict.fromkeys(MATMUL, expected)
    assert best_rate(rates) == expected
    assert tournament.missing == (dict.fromkeys(MATMUL, "out of memory") if size is None else {})


def test_without_a_large_product_there_is_nothing_to_relate_to():
    row = measurement("lstm_jax", 1.0, 2.0)
    row.first_call_seconds = 2.0
    host = {"cores": 2, "processor": "P", "versions": {}, "devices": ["cpu"]}
    content = {
        **{"machine": host, "platform": "cpu", "date": "today", "command": "C"},
        "conditions": {"dtype": "float32", "matmul_precision": "default", "repetitions": 1, "starts": 1},
        "matmul_gflops": {"one way": None, "another": None},
        "matmul_not_measured": {"one way": "its process ended", "another": "out of memory"},
    }
    assert details([row], best_rate(content["matmul_gflops"]))[1][-2:] == ["–", "2.00 s"]
    assert row.record(None)["share_of_matmul"] is None
    assert row.record(row.gflops * 2)["share_of_matmul"] == 0.5
    words = "not measured (one way: its process ended), not measured (another: out of memory)"
    assert f"Large matrix product, GFLOP/s: {words}" in record.describe(content)
    assert f"- Large matrix product, GFLOP/s: {words}" in record.markdown(content, [row], "")
