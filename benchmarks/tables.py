"""Measurements as tables: rows of words, shown in a terminal or written as Markdown."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from benchmarks.participants import PEERS
from benchmarks.results import OURS, Measurement
from benchmarks.work import CELLS, PASSES

type Rows = list[list[str]]

NOT_MEASURED, DISAGREES = "–", "!"
UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))


def unit_of(seconds: float) -> tuple[float, str]:
    """The unit in which a time has one to three digits before the point."""
    return next((unit for unit in UNITS if seconds >= unit[0]), UNITS[-1])


def three_digits(value: float) -> str:
    """A number with three digits that count."""
    return f"{value:.{max(0, 2 - len(str(int(value))) + 1)}f}" if value < 1000 else f"{value:,.0f}"


def duration(seconds: float) -> str:
    """A time such as `2.31 ms`."""
    size, name = unit_of(seconds)
    return f"{three_digits(seconds / size)} {name}"


def title(one: Measurement) -> str:
    """What was computed, such as `LSTM, forward + backward, B100 T20 D1 H24`."""
    return f"{one.cell.upper()}, {PASSES[one.which]}, {one.shape}"


def details(measurements: Sequence[Measurement], matmul_gflops: float | None) -> Rows:
    """All that is known of each contestant at one piece of work; the first row names the columns.

    `of matmul` is empty where `matmul_gflops`, the rate of a large product, was not measured.
    """
    rows = [["", "median", "quartiles", "× ours", "GFLOP/s", "of matmul", "first call"]]
    ours = _ours(measurements)
    for one in measurements:
        label = PEERS[one.peer].label + (f" {DISAGREES}" if one.disagrees else "")
        if not one.measured:
            rows.append([label, *[NOT_MEASURED] * 6])
            continue
        size, _ = unit_of(one.median)
        low, high = (three_digits(edge / size) for edge in one.quartiles)
        share = f"{one.gflops / matmul_gflops:.0%}" if matmul_gflops else NOT_MEASURED
        rate = [three_digits(one.gflops), share]
        ratio = three_digits(one.median / ours.median) if ours else NOT_MEASURED
        rows.append([label, duration(one.median), f"{low}-{high}", ratio, *rate, duration(one.first_call_seconds or 0)])
    return rows


def summary(measurements: Sequence[Measurement], names: Sequence[str]) -> Rows:
    """Our time, and that of the others relative to it, a row a shape, for one cell and one pass."""
    rows = [["", *(PEERS[name].label for name in names)]]
    for shape in dict.fromkeys(one.shape for one in measurements):
        here = {one.peer: one for one in measurements if one.shape == shape}
        rows.append([str(shape), *(_summary_cell(here.get(name), _ours(list(here.values()))) for name in names)])
    return rows


def _summary_cell(one: Measurement | None, ours: Measurement | None) -> str:
    if one is None or not one.measured:
        return NOT_MEASURED
    mark = f" {DISAGREES}" if one.disagrees else ""
    if ours is None or one is ours:
        return duration(one.median) + mark
    return f"{three_digits(one.median / ours.median)}×{mark}"


def _ours(measurements: Sequence[Measurement]) -> Measurement | None:
    return next((one for one in measurements if one.peer == OURS and one.measured), None)


def summaries(measurements: Sequence[Measurement]) -> list[tuple[str, Rows]]:
    """A title and a summary for each cell and pass."""
    found = []
    for cell in CELLS:
        for which, words in PASSES.items():
            part = [one for one in measurements if (one.cell, one.which) == (cell, which)]
            names = list(dict.fromkeys(one.peer for one in part))
            if part:
                found.append((f"{cell.upper()}, {words}", summary(part, names)))
    return found


def remarks(measurements: Sequence[Measurement]) -> list[str]:
    """One line for each reason why something was not measured, and for each contestant that computes something else."""
    lines = set()
    for one in measurements:
        label = PEERS[one.peer].label
        if one.not_measured:
            lines.add(f"not measured: {label}: {one.not_measured}")
        if one.disagrees:
            lines.add(f"MISMATCH: {label} computes something else at {title(one)}: {one.disagrees}")
    return sorted(lines)


def for_terminal(heading: str, rows: Rows) -> Table:
    """A table for rich; what is faster than our layer, and what computes something else, stands out."""
    gap = 2 if len(rows[0]) < 8 else 1  # eight columns fit into a terminal of 80
    table = Table(title=heading, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.padding = (0, gap, 0, 0)
    for number, name in enumerate(rows[0]):
        widest = max(len(row[number]) for row in rows[1:])
        table.add_column(name, justify="right" if number else "left", min_width=widest)
    for row in rows[1:]:
        style = "bold red" if any(cell.endswith(DISAGREES) for cell in row) else ""
        table.add_row(*(Text(cell) for cell in row), style=style)
    return table


def as_markdown(rows: Rows) -> str:
    """A table in Markdown."""
    lines = [rows[0], ["---", *["---:"] * (len(rows[0]) - 1)], *rows[1:]]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
