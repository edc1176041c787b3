"""Pictures: which there are, and that nothing is cut off."""

import dataclasses
import itertools
from xml.etree import ElementTree

import numpy as np
import pytest

from lstm_jax.sweeps.baselines import baseline_handles
from lstm_jax.sweeps.figures import Baseline, percent, save
from lstm_jax.sweeps.heat_cells import MEASURES, panels
from lstm_jax.sweeps.pictures import draw
from tests.sweeps.pictured import GRID, SWEEPS, THREE, sweep


@pytest.mark.parametrize("name", SWEEPS)
def test_pictures_are_written_and_nothing_is_cut_off(name, tmp_path):
    one, expected = SWEEPS[name]
    pictures = draw(one)
    assert [picture.name for picture in pictures] == expected.split()
    for picture in pictures:
        svg = save(picture, tmp_path)
        assert (tmp_path / f"{picture.name}.png").read_bytes().startswith(b"\x89PNG")
        assert (tmp_path / f"{picture.name}.svg").read_text() == svg
        ElementTree.fromstring(svg)
        picture.figure.draw_without_rendering()
        whole, (width, height) = picture.figure.get_tightbbox(), picture.figure.get_size_inches()
        assert whole.x0 >= 0 and whole.y0 >= 0 and whole.x1 <= width and whole.y1 <= height, (picture.name, whole)
        # What a picture is of is said in its file as well, and not twice on the page.
        assert picture.title and picture.title not in picture.caption
        for figure in (picture.figure, *([picture.narrow] if picture.narrow else [])):
            assert figure.get_suptitle().replace("\n", " ") == picture.title
        boxes = [part.get_tightbbox() for part in (*picture.figure.axes, *picture.figure.legends)]
        assert not any(a.padded(-1).overlaps(b.padded(-1)) for a, b in itertools.combinations(boxes, 2))


def test_equal_sweeps_make_equal_files(tmp_path):
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        for picture in draw(sweep(THREE, 2)):
            save(picture, folder)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_other_settings_are_panels_or_averaged():
    three = SWEEPS["three settings"][0]
    assert [panel.label for panel in panels(three, MEASURES[0], ("seq_len", "hidden_size"))] == [
        "num_layers=1",
        "num_layers=2",
    ]
    many = sweep({"seq_len": [5, 10], "hidden_size": [4, 8], "batch_size": list(range(1, 8))}, 1)
    (panel,) = panels(many, MEASURES[0], ("seq_len", "hidden_size"))
    errors = [row.test_error for row in many.rows if row.settings["seq_len"] == row.settings["hidden_size"] + 6 == 10]
    assert len(errors) == 7 and panel.cells[1][0].text == percent(np.mean(errors))


def test_baselines_of_a_text_are_told_apart():
    names = [*(f"{order}-gram" for order in range(1, 5)), "best possible", "published"]
    drawn = tuple(Baseline(name, 0.1 / place) for place, name in enumerate(names, 1))
    one = dataclasses.replace(GRID, baselines=drawn)
    _, *handles = baseline_handles(one, drawn)
    assert len({str(handle._unscaled_dash_pattern) for handle in handles}) == len(handles) == len(names)


def test_baselines_that_lie_on_each_other_are_explained_together_and_others_say_where_they_hold():
    by_length = [(name, place / 10, {"seq_len": 5 * place}) for name in ("a", "b") for place in (1, 2)]
    drawn = tuple(Baseline(*one) for one in [*by_length, ("c", 0.1004, {}), ("d", 0.1, {})])
    _, *handles = baseline_handles(dataclasses.replace(GRID, baselines=drawn), drawn)
    labels = [handle.get_label() for handle in handles]
    assert labels == ["a, b: 10% (seq_len=5), 20% (seq_len=10)", "c: 10%", "d: 10%"]
