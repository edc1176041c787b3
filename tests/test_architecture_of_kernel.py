"""The house, its part in C++: rooms stay small there, too."""

import re

import pytest

from tests.test_architecture import ROOT

KERNEL = sorted(
    path
    for files in ("lstm_jax/recurrent/native/*.h", "lstm_jax/recurrent/native/*.cc", "tests/recurrent/*.cc")
    for path in ROOT.glob(files)
)
NO_FUNCTION = re.compile(r"\s*(template .*)?(class|struct|namespace|extern|enum)\b")


def functions(source: str) -> list[tuple[str, int]]:
    """The first line and the number of lines of what has braces in C++, classes and namespaces apart."""
    found, opened = [], []
    lines = [re.sub(r"//.*|\"[^\"]*\"", "", line).rstrip() for line in source.splitlines()]
    for number, line in enumerate(lines):
        for brace in re.findall("[{}]", line):
            if brace == "}":
                found.append((opened.pop(), number))
                continue
            first = number
            while first and lines[first - 1] and lines[first - 1][-1] not in ";{}:>" and "#" not in lines[first - 1]:
                first -= 1  # a signature of several lines
            opened.append(first)
    return [(lines[first], last + 1 - first) for first, last in found if not NO_FUNCTION.match(lines[first])]


@pytest.mark.parametrize("path", KERNEL, ids=lambda path: path.name)
def test_the_kernel_has_small_rooms_too(path):
    lines = path.read_text().splitlines()
    assert len(lines) <= 200
    assert max(map(len, lines)) <= 120
    assert not [f"{first} has {length} lines" for first, length in functions(path.read_text()) if length > 40]


def test_a_long_function_of_the_kernel_would_be_noticed():
    body = "    // {\n" + '    say("}");\n' * 38
    source = "class A {\n\n  int add(int one,\n          int other) const {\n" + body + "  }\n};\n"
    assert functions(source) == [("  int add(int one,", 42)]
