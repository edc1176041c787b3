"""Tables of a page that are sorted by a click, with the command behind each row."""

from collections.abc import Callable, Mapping, Sequence
from html import escape

from lstm_jax.settings import Value
from lstm_jax.sweeps.figures import percent
from lstm_jax.sweeps.table import Row, Summary, show

type Write = Callable[[float], str]

COUNT: Write = "{:,.0f}".format
SECONDS: Write = "{:,.1f}".format
LOSS: Write = "{:.4g}".format

OF_A_SETTING: dict[str, tuple[str, Write | None]] = {
    "mean error": ("mean_error", percent),
    "standard deviation": ("sd_error", percent),
    "best error": ("best_error", percent),
    "success rate": ("success_rate", percent),
    "median updates until solved": ("median_steps_to_solve", COUNT),
    "seeds": ("seeds", COUNT),
    "done": ("done", COUNT),
    "seconds": ("wall_seconds", SECONDS),
}
"""The columns of summaries: header, attribute, and how its number is written."""

OF_A_ROW: dict[str, tuple[str, Write | None]] = {
    "error": ("test_error", percent),
    "seed": ("seed", str),
    "status": ("status", None),
    "mistakes": ("test_mistakes", COUNT),
    "of": ("test_size", COUNT),
    "loss": ("test_loss", LOSS),
    "updates": ("steps", COUNT),
    "updates until solved": ("steps_to_solve", COUNT),
    "seconds of the run": ("wall_seconds", SECONDS),
    "reason": ("reason", None),
}
"""The columns of rows."""


def table(
    lines: Sequence[Row | Summary], varied: Sequence[str], columns: Mapping[str, tuple[str, Write | None]]
) -> str:
    """A table with a column for the command, one for each setting that varies, and those given.

    The exact number of a cell is its `data-value`; a cell without one is empty.
    """
    cells: dict[str, list[tuple[Value | None, Write | None]]] = {
        name: [(line.varied[name], None) for line in lines] for name in varied
    }
    for header, (attribute, write) in columns.items():
        cells[header] = [(getattr(line, attribute), write) for line in lines]
        if not any(value is not None for value, _ in cells[header]):
            del cells[header]
    numeric = {header: all(_is_number(value) for value, _ in column) for header, column in cells.items()}
    head = "".join(_header(header, numeric[header]) for header in cells)
    body = []
    for number, line in enumerate(lines):
        row = "".join(_cell(header, *column[number], numeric[header]) for header, column in cells.items())
        shown = f'{command_box(line.command)}<p class="place">in {escape(line.folder)}</p>'
        name = f' id="{name_of(line)}"' if isinstance(line, Row) else ""
        body.append(f"<tr{name}><td><details><summary>show</summary>{shown}</details></td>{row}</tr>\n")
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="table"><table>'
        f"<thead><tr><th><span>command</span></th>{head}</tr></thead>\n<tbody>\n{''.join(body)}</tbody></table></div>"
    )


def name_of(row: Row) -> str:
    """What a link to a row says."""
    return f"run-{row.run}-{row.seed}"


def command_box(command: str) -> str:
    """A command to copy; lines break between its words, not within `--flag`."""
    button = '<button type="button" class="copy">copy</button>'
    words = " ".join(f"<span>{escape(word)}</span>" for word in command.split(" "))
    return f'<div class="command"><code>{words}</code>{button}</div>'


def _is_number(value: Value | None) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _header(name: str, numeric: bool) -> str:
    kind = ' class="number"' if numeric else ""
    broken = escape(name).replace("_", "_<wbr>")  # narrow columns leave room for the errors beside them
    return f'<th scope="col"{kind} aria-sort="none"><button type="button">{broken}</button></th>'


def _cell(header: str, value: Value | None, write: Write | None, numeric: bool) -> str:
    if value is None:
        return '<td class="number">–</td>' if numeric else "<td></td>"
    kind = "number" if numeric else "reason" if header == "reason" else "words"
    text = write(value) if write and isinstance(value, int | float) else show(value)
    return f'<td class="{kind}" data-value="{escape(show(value))}">{escape(text)}</td>'
