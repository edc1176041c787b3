"""What a sweep leaves behind for people to look at, made from its rows: pictures, one page."""

from pathlib import Path

from lstm_jax.runs.files import write_whole
from lstm_jax.sweeps.closing import best_networks
from lstm_jax.sweeps.figures import Sweep, save
from lstm_jax.sweeps.page import make_page
from lstm_jax.sweeps.pictures import draw

PAGE, PICTURES = "report.html", "pictures"


def write_report(folder: Path, sweep: Sweep, *, title: str, command: str, seconds: float) -> None:
    """Writes pictures/NAME.png and .svg, and report.html, each whole or not at all.

    Args:
        folder: of the sweep.
        sweep: all runs.
        title: of the page.
        command: that made the sweep.
        seconds: of wall time, that it took.
    """
    pictures = folder / PICTURES
    pictures.mkdir(exist_ok=True)
    drawn = [(picture, save(picture, pictures)) for picture in draw(sweep)]
    _remove_others(pictures, {picture.name for picture, _ in drawn})
    bests = best_networks(sweep.rows, sweep.threshold, folder, sweep.question)
    write_whole(folder / PAGE, make_page(sweep, drawn, bests, title=title, command=command, seconds=seconds))


def _remove_others(pictures: Path, names: set[str]) -> None:
    """Pictures that an earlier report had and this one does not, such as of settings that do not vary any more."""
    for path in pictures.iterdir():
        if path.suffix in (".png", ".svg") and path.stem not in names:
            path.unlink()
