"""PyTorch: `nn.LSTM` and `nn.GRU` as they come. Needs torch and NumPy alone, in any Python from 3.10 on."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from benchmarks.contestants.serve import Call, options, serve

LAYERS = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}


def make_layer(cell: str, arrays: Mapping[str, np.ndarray]) -> torch.nn.RNNBase:
    """The layer with the given weights: the gate order is the same, the second of its two biases is zero."""
    gates, features = arrays["input_kernel"].shape
    layer = LAYERS[cell](features, arrays["hidden_kernel"].shape[1], batch_first=True)
    weights = arrays["input_kernel"], arrays["hidden_kernel"], arrays["bias"], np.zeros(gates, np.float32)
    with torch.no_grad():
        for parameter, values in zip(layer.parameters(), weights, strict=True):
            parameter.copy_(torch.from_numpy(values))
    return layer


def main() -> None:
    """Answers requests."""
    wanted = options()
    on_gpu = wanted["platform"] == "gpu" or (wanted["platform"] == "auto" and torch.cuda.is_available())
    device = torch.device("cuda" if on_gpu else "cpu")
    name = torch.cuda.get_device_name(device) if on_gpu else "cpu"
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = wanted["matmul_precision"] == "default"

    def finish() -> None:
        if on_gpu:
            torch.cuda.synchronize()

    def prepare(request: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Call:
        dtype = getattr(torch, request["dtype"])
        layer = make_layer(request["cell"], arrays).to(device, dtype)
        inputs = torch.from_numpy(arrays["inputs"]).to(device, dtype)
        parameters = list(layer.parameters())

        def forward() -> torch.Tensor:
            with torch.inference_mode():
                outputs, _ = layer(inputs)
            finish()
            return outputs

        def both() -> tuple[torch.Tensor, Callable[[], list[torch.Tensor]]]:
            _, state = layer(inputs)
            hidden = state[0][0] if request["cell"] == "lstm" else state[0]
            loss = hidden.float().square().mean()
            gradients = torch.autograd.grad(loss, parameters)
            finish()
            return loss, lambda: [gradients[0]]

        return {"forward": forward, "both": both}[request["pass"]]

    about = {
        "platform": "gpu" if on_gpu else "cpu",
        "device": name,
        "parallel": f"{torch.get_num_threads()} threads",
        "versions": {"torch": torch.__version__},
    }
    serve(about, prepare, lambda tensor: tensor.detach().float().cpu().numpy())


if __name__ == "__main__":
    main()
