"""A contestant's side of the conversation: prepares what it is asked for, and times it when it is its turn.

Requests and answers are lines of JSON on standard input and output. Plain Python 3.10 and NumPy, so that a contestant
can live in another interpreter than the library.

    {"do": "prepare", "pass": "forward" | "both" | ..., "arrays": FILE or null, ...}   -> first call, calls, outcome
    {"do": "repeat"}                                                                   -> seconds a call
"""

import json
import math
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, TextIO

import numpy as np

SECONDS = 0.05
"""What a repetition lasts at least: far more than the clock and the conversation take."""

WARM_UP = 0.01
"""How long calls go uncounted when a turn begins: the caches hold another's data, and cores that rested are slow at
first. Measured after 0.2 s of rest, LSTM of 512 units, one sequence: 418 instead of 323 µs a call for 8 ms (this
library), 5.8 instead of 4.3 ms for two calls (PyTorch)."""

Call = Callable[[], Any]
Prepare = Callable[[Mapping[str, Any], Mapping[str, np.ndarray]], Call]


def options() -> Any:
    """What the whole process is told at its start, by the first argument."""
    return json.loads(sys.argv[1])


def answers() -> TextIO:
    """Where answers go: the standard output; what libraries print goes elsewhere from now on."""
    stream = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return stream


def serve(about: Mapping[str, Any], prepare: Prepare, as_numpy: Callable[[Any], np.ndarray] = np.asarray) -> None:
    """Says what it is, then answers requests until there are no more.

    Args:
        about: what the contestant is: platform, device, versions.
        prepare: makes, from a request and its arrays, a function that does the work once, to its very end. It returns
            for `forward` the outputs [B, T, H], for `both` the loss and a function without arguments that gives the
            gradient by the input kernel as a list.
        as_numpy: an array of this library as one of NumPy.
    """
    stream = answers()
    print(json.dumps(about), file=stream, flush=True)
    call: Call | None = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["do"] == "prepare":
                call = None  # before the next one asks for memory
                call, answer = _prepared(prepare, request, as_numpy)
            else:
                assert call is not None, "a repetition was asked for before anything was prepared"
                answer = {"seconds": repetition(call, request["calls"])}
        except Exception as error:  # whatever a library raises: the other shapes can still be measured
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=stream, flush=True)


def _prepared(
    prepare: Prepare, request: Mapping[str, Any], as_numpy: Callable[[Any], np.ndarray]
) -> tuple[Call, dict[str, Any]]:
    arrays = dict(np.load(request["arrays"])) if request["arrays"] else {}
    call = prepare(request, arrays)
    started = time.perf_counter()
    result = call()
    first = time.perf_counter() - started
    once = min(repetition(call, 1) for _ in range(2))
    calls = max(1, math.ceil(SECONDS / once))
    return call, {"first_call_seconds": first, "calls": calls, **_outcome(request["pass"], result, as_numpy)}


def _outcome(which: str, result: Any, as_numpy: Callable[[Any], np.ndarray]) -> dict[str, float]:
    """What shows whether two contestants do the same work: the loss, and the norm of a gradient through all of time."""
    if which == "forward":
        return {"loss": float(np.mean(as_numpy(result).astype(np.float64)[:, -1] ** 2))}
    if which == "both":
        loss, gradient = result
        squares = [np.sum(as_numpy(part).astype(np.float64) ** 2) for part in gradient()]
        return {"loss": float(as_numpy(loss)), "gradient": float(np.sqrt(sum(squares)))}
    return {}


def repetition(call: Call, calls: int) -> float:
    """Seconds a call, the mean of several in a row, after those of a moment, or one, that warm everything up."""
    resumed = time.perf_counter()
    call()
    while time.perf_counter() - resumed < WARM_UP:
        call()
    started = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - started) / calls
