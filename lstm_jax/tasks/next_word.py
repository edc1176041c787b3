"""Which word comes next, after n words of a text?

After `had a general` the fable goes on with `council`. The fable is "Belling the Cat", number 67 of The Fables of Æsop
as told anew by Joseph Jacobs (Macmillan, 1894; in the public domain, https://en.wikisource.org/wiki/The_Fables_of_Æsop_(Jacobs)),
in the form that the TensorFlow tutorial gives it: lower case, blanks around each punctuation mark, no quotation marks.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar


@dataclasses.dataclass(frozen=True)
class NextWord:
    """The symbol after each window of a text."""

    name: str = "next_word"
    recipe: ClassVar[Mapping[str, Any]] = {
        "hidden_size": 512,
        "input": "code",
        "order": "sliding",
        "batch_size": 1,
        "num_steps": 50_000,
        "optimizer": "rmsprop",
        "learning_rate": 1e-3,
        "lr_schedule": "constant",
        "clip_norm": 0.0,
        "readout_init": "normal",
        "readout_stddev": 1.0,
        "readout_bias_stddev": 1.0,
    }
    variants: ClassVar[Mapping[str, tuple[Any, ...]]] = {"num_layers": (2,)}

    def published(self, chosen: Mapping[str, Any]) -> dict[str, Any]:
        """What the TensorFlow tutorial reports for LSTM 512, of one layer or two, and 3 words of its fable.

        `error`: what is left by the best `accuracy`; `windows`: what its listing says of the 1,000 iterations before.
        """
        num_layers = 2 if chosen["num_layers"] == 2 else 1
        accuracy = {1: (0.906, 0.912), 2: (0.930, 0.952)}[num_layers]
        figures = {
            "accuracy": list(accuracy),
            "error": round(1 - max(accuracy), 3),
            "iterations": 50_000,
            "what": "the TensorFlow tutorial",
        }
        if num_layers == 1:
            before = {49_000: {"accuracy": 0.885, "loss": 0.529}}
            return {**figures, "loss": 0.416, "windows": before, "seconds": 132.5}
        return {**figures, "seconds": 350.0}
