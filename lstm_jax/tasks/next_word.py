"""Which word comes next, after n words of a text?

After `had a general` the fable goes on with `council`. The fable is "Belling the Cat", number 67 of The Fables of Æsop
as told anew by Joseph Jacobs (Macmillan, 1894; in the public domain, https://en.wikisource.org/wiki/The_Fables_of_Æsop_(Jacobs)),
in the form that the TensorFlow tutorial gives it: lower case, blanks around each punctuation mark, no quotation marks.
"""

import dataclasses
from typing import Any

from lstm_jax.tasks.text_settings import TextSettings


@dataclasses.dataclass(frozen=True)
class NextWord:
    """The symbol after each window of a text."""

    name: str = "next_word"

    def published(self, settings: TextSettings, num_layers: int) -> dict[str, Any]:
        """What the TensorFlow tutorial reports for LSTM 512 and 3 words of its fable; empty for everything else.

        `accuracy`: from ... to, while training, over the last 1,000 of 50,000 iterations; `error`: what is left by the
        best of it; `loss`: over the same iterations, where it was reported; `windows`: what its
        listing says of the 1,000 iterations before these. `seconds`: of its own program, measured as in `StringTask`.
        """
        same = ("text_file", "tokens", "lowercase", "min_count", "seq_len", "held_out", "valid_share")
        as_published = all(getattr(settings, name) == getattr(TextSettings, name) for name in same)
        accuracy = {1: (0.906, 0.912), 2: (0.930, 0.952)}.get(num_layers)
        if not as_published or accuracy is None:
            return {}
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
