"""PyTorch: an update of a network that learns to count bits, as `experiments.count_bits` makes it.

Needs torch and NumPy alone, in any Python from 3.10 on.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from benchmarks.contestants.serve import Call, options, serve


def prepare(request: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Call:
    """One update: `nn.LSTM`, a class a count read from its last state, clipping, Adam. The batch is there already."""
    length, units, batch = (request[name] for name in ("seq_len", "hidden_size", "batch_size"))
    strings = torch.from_numpy(np.random.default_rng(0).integers(0, 2, (batch, length, 1)).astype(np.float32))
    counts = strings.sum((1, 2)).long()
    lstm, readout = torch.nn.LSTM(1, units, batch_first=True), torch.nn.Linear(units, length + 1)
    parameters = [*lstm.parameters(), *readout.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=0.01)

    def update() -> torch.Tensor:
        optimizer.zero_grad()
        _, (hidden, _) = lstm(strings)
        loss = torch.nn.functional.cross_entropy(readout(hidden[0]), counts)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        return loss.detach()

    return update


if __name__ == "__main__":
    torch.set_num_threads(options()["threads"])
    serve({"versions": {"torch": torch.__version__}, "device": "cpu", "parallel": ""}, prepare)
