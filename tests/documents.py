"""The commands that the documents tell people to type."""

import re
import shlex

from tests.experiments.commands import ROOT

SHORT = ["--num_steps=20", "--eval_every=20", "--checkpoint_every=20", "--hidden_size=4"]
"""A few updates of a small network: whether the commands work is tested, not how well they learn."""


def bash_lines(document: str) -> list[str]:
    """The lines of all its bash blocks; what a backslash continues is one line."""
    blocks = re.findall(r"```bash\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)
    return [line for block in blocks for line in block.replace("\\\n", " ").splitlines() if line]


def words(line: str) -> list[str]:
    """The flags of a line `python -m MODULE --flag ...`."""
    return shlex.split(line, comments=True)[3:]


def experiment(line: str) -> str:
    """Which experiment such a line runs."""
    return line.split()[2].removeprefix("experiments.")
