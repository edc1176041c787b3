"""What all pictures of a sweep have in common: how they look, what they are of, and their files."""

import dataclasses
import functools
import io
import math
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from lstm_jax.runs.files import write_whole
from lstm_jax.settings import Value
from lstm_jax.sweeps.collect import Curve
from lstm_jax.sweeps.judged import judged_on
from lstm_jax.sweeps.labels import Labels, labels_of
from lstm_jax.sweeps.table import Row, Summary

INK, FAINT, PAPER = "#1f2328", "#8c959f", "#fdfdfd"

STYLE: Any = {
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "hatch.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "figure.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "svg.fonttype": "path",
    "svg.hashsalt": "sweep",
    "text.parse_math": False,
}

COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#a67c00", "#6f4fa0", "#6b2c00")
"""Told apart with any colour vision: Okabe and Ito (jfly.uni-koeln.de/color), their yellow and black replaced."""

WIDTH = 3.8
"""Inches of a picture with one panel: its text can be read on a phone that is as wide."""


LETTER, TITLE_LETTER = 0.075, 0.072
"""Inches of a letter in a legend, and in a title, rather more than less."""


@dataclasses.dataclass(frozen=True)
class Baseline:
    """An error (0..1) to compare with, such as that of always giving the most frequent answer.

    It holds for the runs that have these settings; for all runs if there are none.
    """

    name: str
    error: float
    settings: Mapping[str, Value] = dataclasses.field(default_factory=dict)

    def holds_for(self, settings: Mapping[str, Value]) -> bool:
        """Whether it is to be compared with a run with these settings."""
        return all(settings.get(name) == value for name, value in self.settings.items())


@dataclasses.dataclass(frozen=True)
class Sweep:
    """What pictures are made of.

    Args:
        rows: in the order of `table.sort_rows`.
        summaries: of the same runs.
        curves: by run, then by seed.
        varied: names of the settings that vary.
        threshold: the error (0..1) from which on the task counts as solved.
        baselines: to compare with.
        drawn: the settings that vary whose values were drawn from a range.
        question: the settings that vary and change what is asked.
    """

    rows: list[Row]
    summaries: list[Summary]
    curves: Mapping[str, Mapping[int, Curve]]
    varied: tuple[str, ...]
    threshold: float
    baselines: tuple[Baseline, ...] = ()
    drawn: tuple[str, ...] = ()
    question: tuple[str, ...] = ()

    @functools.cached_property
    def labels(self) -> Mapping[str, Labels]:
        """Of the values of each setting that varies."""
        return {name: labels_of(one.varied[name] for one in self.summaries) for name in self.varied}

    @functools.cached_property
    def tested(self) -> str:
        """What errors are those on, such as `unseen strings`."""
        return judged_on(row.settings for row in self.rows)


@dataclasses.dataclass(frozen=True)
class Picture:
    """What is shown, and how.

    Args:
        name: of its files.
        caption: a sentence on what it shows.
        figure: for a screen that is wide enough for it.
        titles: what its marked parts (gid) stand for.
        narrow: the same for a phone; None: `figure` will do.
        title: what is written above it in the figure.
    """

    name: str
    caption: str
    figure: Figure
    titles: Mapping[str, str] = dataclasses.field(default_factory=dict)
    narrow: Figure | None = None
    title: str = ""

    @property
    def spoken(self) -> str:
        """What a screen reader says instead of it."""
        return f"{self.title}. {self.caption}" if self.title else self.caption


def styled(draw):
    """Decorates a function that draws: its artists are made in the style of all pictures."""
    return matplotlib.rc_context(STYLE)(draw)


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, inches; nothing that is drawn in it overlaps or is cut off."""
    figure = Figure(figsize=(width, height), dpi=160, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


@styled
def save(picture: Picture, folder: Path) -> str:
    """Writes NAME.png and NAME.svg, each whole or not at all; equal pictures make equal files. Returns the SVG."""
    png, svg = io.BytesIO(), svg_of(picture.figure)
    picture.figure.savefig(png, format="png", metadata={"Software": None})
    write_whole(folder / f"{picture.name}.png", png.getvalue())
    write_whole(folder / f"{picture.name}.svg", svg)
    return svg


@styled
def svg_of(figure: Figure) -> str:
    """A figure as SVG, the same for the same figure."""
    svg = io.StringIO()
    figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    return svg.getvalue()


def legend_below(figure: Figure, handles: list[Any]) -> None:
    """A legend under all panels, for which the figure becomes higher; none if there is nothing to explain."""
    if handles:
        width, height = figure.get_size_inches()
        labels = [textwrap.wrap(handle.get_label(), int((width - 0.7) / LETTER)) for handle in handles]
        for handle, lines in zip(handles, labels, strict=True):
            handle.set_label("\n".join(lines))
        columns = max(1, int(width / (LETTER * max(len(line) for lines in labels for line in lines) + 0.55)))
        figure.set_size_inches(width, height + 0.17 * math.ceil(sum(map(len, labels)) / columns) + 0.1)
        figure.legend(handles=handles, loc="outside lower center", ncols=columns, handlelength=2.4)


def wrapped(text: str, inches: float) -> str:
    """A title in as many lines as it takes in this width."""
    return "\n".join(textwrap.wrap(text, max(12, int(inches / TITLE_LETTER))))


def add_title(figure: Figure, title: str) -> None:
    """A title above all panels, for which the figure becomes higher."""
    width, height = figure.get_size_inches()
    text = wrapped(title, width - 0.2)
    figure.set_size_inches(width, height + 0.18 * (text.count("\n") + 1) + 0.05)
    figure.suptitle(text, fontsize=10)


def hatched(label: str, hatch: str) -> Patch:
    """A field without a number."""
    return Patch(facecolor="none", edgecolor=FAINT, hatch=hatch, linewidth=0.6, label=label)


def percent(share: float) -> str:
    """A share (0..1) as a percentage with two digits."""
    if share and abs(share) < 1e-6:
        return f"{100 * share:.1e}%"
    return f"{float(f'{100 * share:.2g}'):.10g}%"
