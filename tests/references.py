"""Independent implementations to compare with: plain loops in NumPy, one sequence and one unit of thought at a time."""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm(weights, inputs, hidden, cell):
    """Inputs [T, D], hidden and cell [H] -> the states after each symbol, [T, H] each."""
    hiddens, cells = [], []
    for x in inputs:
        i, f, g, o = np.split(weights.input @ x + weights.hidden @ hidden + weights.bias, 4)
        cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
        hidden = sigmoid(o) * np.tanh(cell)
        hiddens.append(hidden)
        cells.append(cell)
    return np.array(hiddens), np.array(cells)


def gru(weights, inputs, hidden):
    """Inputs [T, D], hidden [H] -> the hidden states after each symbol, [T, H]."""
    hiddens, (input_r, input_z, input_n) = [], np.split(weights.input, 3)
    hidden_r, hidden_z, hidden_n = np.split(weights.hidden, 3)
    bias_r, bias_z, bias_n, bias_hn = np.split(weights.bias, 4)
    for x in inputs:
        r = sigmoid(input_r @ x + hidden_r @ hidden + bias_r)
        z = sigmoid(input_z @ x + hidden_z @ hidden + bias_z)
        n = np.tanh(input_n @ x + bias_n + r * (hidden_n @ hidden + bias_hn))
        hidden = (1 - z) * n + z * hidden
        hiddens.append(hidden)
    return np.array(hiddens)


def elman(weights, inputs, hidden):
    """Inputs [T, D], hidden [H] -> the hidden states after each symbol, [T, H]."""
    hiddens = []
    for x in inputs:
        hidden = np.tanh(weights.input @ x + weights.hidden @ hidden + weights.bias)
        hiddens.append(hidden)
    return np.array(hiddens)


CELLS = {"lstm": lstm, "gru": gru, "rnn": elman}


def read(kind, weights, inputs, start, resets, backward=False):
    """One layer reads one sequence in one direction; each stretch between two resets is a sequence of its own.

    Args:
        kind: a key of CELLS.
        weights: of the cell.
        inputs: [T, D].
        start: the state before the symbol that is read first, [H] each.
        resets: [T], where a stretch begins.
        backward: read from the last symbol to the first.

    Returns:
        The states after each symbol, [T, H] each, and the one after the symbol that is read last.
    """
    time = len(inputs)
    begins = [step for step in range(time) if step == 0 or resets[step]]
    states, final = [np.zeros((time, len(leaf))) for leaf in start], start
    stretches = list(zip(begins, [*begins[1:], time], strict=False))
    for number, (begin, end) in enumerate(stretches[::-1] if backward else stretches):
        begins_anew = number > 0 or (resets[begin] and not backward)
        first = [np.zeros_like(leaf) for leaf in start] if begins_anew else start
        order = slice(None, None, -1 if backward else 1)
        found = CELLS[kind](weights, inputs[begin:end][order], *first)
        found = found if isinstance(found, tuple) else (found,)
        for leaf, part in zip(states, found, strict=True):
            leaf[begin:end] = part[order]
        final = tuple(part[-1] for part in found)
    return states, tuple(final)


def stack(kind, weights, directions, inputs, starts, length, resets):
    """Layers on top of each other read one padded sequence.

    Args:
        kind: a key of CELLS.
        weights: one a layer and direction.
        directions: 1, or 2 with a backward cell after each forward one.
        inputs: [T, D].
        starts: one state a layer and direction, [H] each.
        length: symbols that count, those above T as T.
        resets: [T], where a new sequence begins.

    Returns:
        Outputs, [T, H] or [T, 2·H], zeros beyond the length; and one state a layer and direction.
    """
    time, finals = len(inputs), []
    below, resets = inputs[:length], resets[:length]
    for layer in range(len(weights) // directions):
        found = []
        for direction in range(directions):
            number = layer * directions + direction
            states, final = read(kind, weights[number], below, starts[number], resets, backward=direction == 1)
            found.append(states[0])
            finals.append(final)
        below = np.concatenate(found, axis=1)
    return np.pad(below, ((0, time - len(below)), (0, 0))), finals
