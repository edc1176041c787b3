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
