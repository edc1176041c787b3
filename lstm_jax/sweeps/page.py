"""The report of a sweep as one page that needs nothing else: pictures, tables, and the command behind each number."""

import string
from collections.abc import Sequence
from html import escape
from importlib.resources import files

from lstm_jax.sweeps.closing import Best, hardest
from lstm_jax.sweeps.courses import why_no_curves
from lstm_jax.sweeps.figures import Picture, Sweep, percent, svg_of
from lstm_jax.sweeps.inline import inline_svg
from lstm_jax.sweeps.labels import describe
from lstm_jax.sweeps.page_table import COUNT, OF_A_ROW, OF_A_SETTING, command_box, name_of, table
from lstm_jax.sweeps.table import DONE, DROPPED, FAILED, Row

WIDE = 5.0
"""Pictures of more inches than this have a row of the page for themselves."""


def make_page(
    sweep: Sweep,
    pictures: Sequence[tuple[Picture, str]],
    bests: Sequence[Best],
    *,
    title: str,
    command: str,
    seconds: float,
) -> str:
    """The page as HTML.

    Args:
        sweep: all runs.
        pictures: with the SVG of each.
        bests: the networks to go on with, one a question.
        title: of the page.
        command: that made the sweep.
        seconds: of wall time, that it took.
    """
    drawn = _pictures(pictures) if pictures else ""
    lacking = why_no_curves(sweep)
    sections = [
        _section("Pictures", drawn + (f"\n<p>{escape(lacking)}</p>" if lacking else "")) if drawn or lacking else "",
        _section("Settings", table(sweep.summaries, sweep.varied, OF_A_SETTING)),
        _section("Failed", _failures(sweep.rows)) if any(row.status == FAILED for row in sweep.rows) else "",
        _section("Runs", table(sweep.rows, sweep.varied, OF_A_ROW)),
    ]
    return string.Template(_part("report.html")).substitute(
        title=escape(title),
        style=_part("report.css"),
        script=_part("report.js"),
        overview=_overview(sweep, seconds) + command_box(command) + _bests(bests),
        sections="\n".join(sections),
    )


def duration(seconds: float) -> str:
    """A time in words, such as `2 h 5 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def _part(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>\n{content}\n</section>"


def _overview(sweep: Sweep, seconds: float) -> str:
    done = [row for row in sweep.rows if row.status == DONE]
    dropped = sum(row.status == DROPPED for row in sweep.rows)
    solved = sum(row.test_error is not None and row.test_error <= sweep.threshold for row in done)
    facts = {
        "settings": COUNT(len(sweep.summaries)),
        "runs": COUNT(len(sweep.rows)),
        "done": COUNT(len(done)),
        "failed": COUNT(sum(row.status == FAILED for row in sweep.rows)),
        **({"dropped": COUNT(dropped)} if dropped else {}),
        f"solved: error ≤ {percent(sweep.threshold)}": COUNT(solved),
        "smallest error": _smallest_error(done),
        "wall time": duration(seconds),
    }
    cells = "".join(f"<div><dt>{escape(name)}</dt><dd>{fact}</dd></div>" for name, fact in facts.items())
    return f'<dl class="facts">{cells}</dl>\n'


def _smallest_error(done: Sequence[Row]) -> str:
    """With a link to its row: which network it is matters as much."""
    error, name = min(
        ((row.test_error, name_of(row)) for row in done if row.test_error is not None), default=(None, "")
    )
    return "–" if error is None else f'<a href="#{name}">{escape(percent(error))}</a>'


def _bests(bests: Sequence[Best]) -> str:
    """Those of many questions are behind a click, but for the hardest."""
    first = hardest(bests)
    boxes = {best.words: _best(best) for best in bests}
    others = [boxes[best.words] for best in bests if best not in first]
    more = f"<details><summary>Best of {len(others)} easier questions</summary>{''.join(others)}</details>"
    return "".join(boxes[best.words] for best in first) + (more if others else "")


def _best(best: Best) -> str:
    return f'<p class="best"><strong>Best</strong> {escape(best.words)}. Train it:</p>\n{command_box(best.command)}'


def _pictures(pictures: Sequence[tuple[Picture, str]]) -> str:
    """Two in a row where three would leave a single one to the last row."""
    small = sum(picture.figure.get_figwidth() <= WIDE for picture, _ in pictures)
    pairs = " pairs" if small == 2 or small % 3 == 1 else ""
    return f'<div class="pictures{pairs}">{"".join(_figure(*one) for one in pictures)}</div>'


def _figure(picture: Picture, svg: str) -> str:
    kind = "wide" if picture.figure.get_figwidth() > WIDE else ""
    drawing = inline_svg(svg, picture.name, picture.spoken, picture.titles)
    if picture.narrow is not None:
        narrow = inline_svg(svg_of(picture.narrow), f"{picture.name}-narrow", picture.spoken, picture.titles)
        kind, drawing = f"{kind} by-width", drawing + narrow
    elif kind:
        drawing = f'<div class="scroll" tabindex="0" role="region" aria-label="picture">{drawing}</div>'
    return f'<figure class="{kind}">{drawing}<figcaption>{escape(picture.caption)}</figcaption></figure>\n'


def _failures(rows: Sequence[Row]) -> str:
    """Every reason once, with the seeds that it stopped."""
    by_reason: dict[str, dict[str, list[Row]]] = {}
    for row in rows:
        if row.status == FAILED:
            by_reason.setdefault(row.reason or row.status, {}).setdefault(row.run, []).append(row)
    items = []
    for reason, runs in by_reason.items():
        where = "; ".join(
            escape(f"{describe(own[0].varied)} seed {', '.join(str(row.seed) for row in own)}".strip())
            for own in runs.values()
        )
        items.append(f'<li><span class="reason">{escape(reason)}</span>{where}</li>')
    return f'<ul class="failures">{"".join(items)}</ul>'
