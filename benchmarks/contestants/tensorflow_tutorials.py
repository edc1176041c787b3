"""TensorFlow: the tutorials' recipes as they were programmed, graphs that Python feeds once an update.

Needs TensorFlow 2 and NumPy alone, in any Python from 3.10 on. The process is told `program`, `updates` and `codes`,
the words of the fable as integers. It says what it is, and when all is done how long the updates after the first took,
and how well it learned.
"""

import collections
import json
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf

from benchmarks.contestants.serve import answers, options

Feed = dict[Any, np.ndarray]

RECENT = 1_000
"""Updates at the end of which the accuracy while training is the mean: what the tutorial on words publishes."""


class Program(NamedTuple):
    """A graph and how it is fed."""

    fetches: dict[str, Any]
    """What a session computes in an update; `right`: the share of right answers to it."""
    loss: Any
    feed: Callable[[int], Feed]
    """What update k = 0, 1, ... sees, each asked for once and in turn."""
    test: tuple[Any, list[Feed]] = (None, [])
    """What is computed of the strings that were held back, in pieces."""
    test_every: int = 0
    """Updates between tests; 0: one test at the end."""


def lstm(steps: Sequence[Any], units: int, kernel: Any = None) -> list[Any]:
    """An LSTM over the steps [B, D], unrolled into the graph; one product a step, a forget bias of 1."""
    with tf.variable_scope(None, default_name="lstm"):
        weights = tf.get_variable("kernel", [int(steps[0].shape[1]) + units, 4 * units], initializer=kernel)
        bias = tf.get_variable("bias", [4 * units], initializer=tf.zeros_initializer())
    hidden = cell = tf.zeros([tf.shape(steps[0])[0], units])
    outputs = []
    for step in steps:
        gates = tf.nn.bias_add(tf.matmul(tf.concat([step, hidden], 1), weights), bias)
        entry, candidate, forget, exit_ = tf.split(gates, 4, 1)
        cell = tf.sigmoid(forget + 1.0) * cell + tf.sigmoid(entry) * tf.tanh(candidate)
        hidden = tf.sigmoid(exit_) * tf.tanh(cell)
        outputs.append(hidden)
    return outputs


def linear(inputs: Any, outputs: int, kernel: Any, bias: Any) -> Any:
    """The readout [B, outputs]."""
    size = int(inputs.shape[1])
    return tf.matmul(inputs, tf.Variable(kernel([size, outputs]))) + tf.Variable(bias([outputs]))


def some(value: float) -> Callable[[list[int]], Any]:
    """An initialiser with one value."""
    return lambda shape: tf.constant(value, shape=shape)


def count_bits(codes: Sequence[int]) -> Program:
    """10,000 of the 2^20 strings in ten batches, summed cross-entropy, Adam; all others are the test."""
    numbers = np.random.default_rng(0).permutation(2**20)
    strings = (numbers[:, None] >> np.arange(20) & 1).astype(np.float32)[..., None]
    counts = np.eye(21, dtype=np.float32)[strings.sum((1, 2)).astype(int)]
    data, target = tf.placeholder(tf.float32, [None, 20, 1]), tf.placeholder(tf.float32, [None, 21])
    last = lstm(tf.unstack(data, axis=1), 24)[-1]
    shares = tf.nn.softmax(linear(last, 21, tf.truncated_normal, some(0.1)))
    loss = -tf.reduce_sum(target * tf.log(tf.clip_by_value(shares, 1e-10, 1.0)))
    wrong = tf.reduce_mean(tf.cast(tf.not_equal(tf.argmax(target, 1), tf.argmax(shares, 1)), tf.float32))

    def piece(start: int, size: int) -> Feed:
        return {data: strings[start : start + size], target: counts[start : start + size]}

    tests = [piece(start, 50_000) for start in range(10_000, 2**20, 50_000)]
    update = tf.train.AdamOptimizer().minimize(loss)
    return Program({"update": update}, loss, lambda k: piece(k % 10 * 1_000, 1_000), (wrong, tests))


def sign_sum(codes: Sequence[int]) -> Program:
    """1,024 of the 4,096 strings at once, summed squared error, Adam; the others are the test, every 20 updates."""
    numbers = np.random.default_rng(0).permutation(4**6)
    signs = numbers[:, None] >> 2 * np.arange(6) & 3  # 0: 0, 1: +, 2: -, 3: I
    meaning = np.cumprod(np.where(signs == 3, -1, 1), axis=1)
    sums = (meaning * ((signs == 1) * 1 - (signs == 2))).sum(1, keepdims=True).astype(np.float32)
    strings = np.eye(4, dtype=np.float32)[signs][..., 1:]
    data, target = tf.placeholder(tf.float32, [None, 6, 3]), tf.placeholder(tf.float32, [None, 1])
    last = lstm(tf.unstack(data, axis=1), 24, tf.truncated_normal_initializer(-0.2, 0.1))[-1]
    answers = linear(last, 1, tf.truncated_normal, some(0.1))
    loss = tf.reduce_sum(tf.square(target - answers))
    wrong = tf.reduce_mean(tf.cast(tf.not_equal(target, tf.round(answers)), tf.float32))
    training = {data: strings[:1_024], target: sums[:1_024]}
    unseen = {data: strings[1_024:], target: sums[1_024:]}
    update = tf.train.AdamOptimizer().minimize(loss)
    return Program({"update": update}, loss, lambda k: training, (wrong, [unseen]), test_every=20)


def next_word(codes: Sequence[int], layers: int = 1) -> Program:
    """Three words an update, each as its bare code; softmax cross-entropy, RMSProp."""
    words, beginnings = max(codes) + 1, windows(len(codes))
    data, target = tf.placeholder(tf.float32, [None, 3]), tf.placeholder(tf.float32, [None, words])
    steps = tf.split(data, 3, 1)
    for _ in range(layers):
        steps = lstm(steps, 512)
    scores = linear(steps[-1], words, tf.random_normal, tf.random_normal)
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=scores, labels=target))
    right = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(scores, 1), tf.argmax(target, 1)), tf.float32))

    def feed(update: int) -> Feed:
        start = next(beginnings)
        context = np.reshape([float(code) for code in codes[start : start + 3]], [1, 3])
        one_hot = np.zeros([1, words])
        one_hot[0, codes[start + 3]] = 1.0
        return {data: context, target: one_hot}

    update = tf.train.RMSPropOptimizer(learning_rate=1e-3).minimize(loss)
    return Program({"update": update, "right": right, "loss": loss, "scores": scores}, loss, feed)


def windows(words: int) -> Iterator[int]:
    """Where windows of four words begin, each after the last; a new pass through the text at any of five places."""
    place, rng = words, np.random.default_rng()
    while True:
        if place > words - 4:
            place = int(rng.integers(5))
        yield place
        place += 4


PROGRAMS: dict[str, Callable[[Sequence[int]], Program]] = {
    "count_bits": count_bits,
    "sign_sum": sign_sum,
    "next_word": next_word,
    "next_word_2": lambda codes: next_word(codes, layers=2),
}


def train(program: Program, updates: int) -> dict[str, float]:
    """Makes the updates. Returns the seconds of all but the first, the loss before and after, the share of wrong
    answers to what was held back, and that of right ones while training, where the program computes them."""
    outcome, feeds = program.test
    recent = collections.deque[float](maxlen=RECENT)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        first = program.feed(0)
        before = float(session.run(program.loss, first))
        session.run(program.fetches, first)
        started = time.perf_counter()
        for update in range(1, updates):
            recent.append(session.run(program.fetches, program.feed(update)).get("right"))
            if program.test_every and (update + 1) % program.test_every == 0:
                session.run(outcome, feeds[0])
        seconds = time.perf_counter() - started
        tests = [float(session.run(outcome, feed)) for feed in feeds]
        after = float(session.run(program.loss, first))
    wrong = {"wrong": float(np.mean(tests))} if tests else {}
    right = {"accuracy": float(np.mean(recent))} if "right" in program.fetches else {}
    return {"seconds": seconds, "loss_before": before, "loss": after, **wrong, **right}


if __name__ == "__main__":
    tf.disable_eager_execution()
    with answers() as stream:
        about = {"versions": {"tensorflow": tf.version.VERSION}, "device": "cpu", "parallel": ""}
        print(json.dumps(about), file=stream, flush=True)
        asked = options()
        print(json.dumps(train(PROGRAMS[asked["program"]](asked["codes"]), asked["updates"])), file=stream, flush=True)
