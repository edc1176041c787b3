"""The page: read back with the standard library's parser and compared with the rows."""

from collections import Counter
from html.parser import HTMLParser

import pytest

from lstm_jax.sweeps.closing import best_networks
from lstm_jax.sweeps.figures import Sweep
from lstm_jax.sweeps.page import duration
from lstm_jax.sweeps.page_table import OF_A_ROW, OF_A_SETTING, command_box
from lstm_jax.sweeps.report import write_report
from lstm_jax.sweeps.table import show, sort_rows, summarize
from tests.sweeps.cases import LENGTHS, THRESHOLD, run_of, some_fail, sweep_of

VOID = {"meta", "br", "img", "link", "input", "hr", "wbr"}


class Page(HTMLParser):
    """Collects tables as rows of (exact value, text), code, titles, identifiers and what names a resource."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tables, self.codes, self.titles, self.ids, self.urls, self.open = [], [], [], [], [], []
        self.tags = Counter()
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags[tag] += 1
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.urls += [value for key, value in attributes.items() if key in ("src", "href", "xlink:href", "action")]
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append([attributes.get("data-value"), ""])
        elif tag in ("code", "title"):
            (self.codes if tag == "code" else self.titles).append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if "code" in self.open:
            self.codes[-1] += data
        elif "title" in self.open:
            self.titles[-1] += data
        elif "td" in self.open or "th" in self.open:
            self.tables[-1][-1][-1][1] += data


def page_of(rows, curves, varied, tmp_path, **words):
    rows = sort_rows(rows)
    sweep = Sweep(rows, summarize(rows, THRESHOLD), curves, tuple(varied), THRESHOLD)
    words = {"title": "A sweep", "command": "python -m scripts.sweep", "seconds": 75.0} | words
    write_report(tmp_path, sweep, **words)
    text = (tmp_path / "report.html").read_text()
    return sweep, text, Page(text)


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    return page_of(*sweep_of(LENGTHS, 8, failures=some_fail), LENGTHS, tmp_path_factory.mktemp("grid"))


def test_tables_hold_every_number(grid):
    sweep, _, page = grid
    for table, lines, columns in (
        (page.tables[0], sweep.summaries, OF_A_SETTING),
        (page.tables[1], sweep.rows, OF_A_ROW),
    ):
        head, *body = table
        assert [text for _, text in head] == ["command", *LENGTHS, *columns]
        assert len(body) == len(lines)
        for line, cells in zip(lines, body, strict=True):
            values = [*line.varied.values(), *(getattr(line, attribute) for attribute, _ in columns.values())]
            assert [value for value, _ in cells[1:]] == [None if value is None else show(value) for value in values]
            for value, (_, text), (_, write) in zip(values[2:], cells[3:], columns.values(), strict=True):
                if isinstance(value, int | float):
                    assert text == write(value)
                else:
                    assert text in ({"–", ""} if value is None else {value})


def test_errors_stand_beside_the_settings(grid):
    _, _, page = grid
    runs = [text for _, text in page.tables[1][0]]
    assert [text for _, text in page.tables[0][0]][: 2 + len(LENGTHS)] == ["command", *LENGTHS, "mean error"]
    assert runs[: 3 + len(LENGTHS)] == ["command", *LENGTHS, "error", "seed"]


def test_every_row_and_cell_has_its_command(grid):
    sweep, text, page = grid
    commands = [*(one.command for one in sweep.summaries), *(row.command for row in sweep.rows)]
    assert page.codes[:1] + page.codes[2:] == ["python -m scripts.sweep", *commands]
    hovers = Counter(title.splitlines()[-1] for title in page.titles[1:])
    assert all(text.count(f">in {one.folder}<") == 1 + one.seeds for one in sweep.summaries)
    assert hovers == {one.command: 3 for one in sweep.summaries}


def test_the_best_network_is_named_at_the_head_and_the_smallest_error_leads_to_its_row(tmp_path):
    sweep, text, page = page_of(*sweep_of({"hidden_size": [4, 8]}, 2), ["hidden_size"], tmp_path)
    (best,) = best_networks(sweep.rows, THRESHOLD, tmp_path)
    head = text[: text.index("</header>")]
    assert f"<strong>Best</strong> {best.words}. Train it:</p>" in head
    assert page.codes[1] == best.command and head.count('class="copy"') == 2
    row = min(sweep.rows, key=lambda row: row.test_error)
    assert f'<a href="#run-{row.run}-{row.seed}">' in head and f"run-{row.run}-{row.seed}" in page.ids


def test_the_page_needs_nothing_else_and_no_name_is_used_twice(grid, tmp_path):
    _, text, page = grid
    assert all(url.startswith("#") and url[1:] in page.ids for url in page.urls) and page.urls
    assert max(Counter(page.ids).values()) == 1
    assert "@import" not in text and "url(h" not in text and page.tags["script"] == 1
    # Three heat maps, parallel coordinates; the two others for wide and for narrow screens.
    assert 'name="viewport"' in text and page.tags["svg"] == 7
    assert all(part.split(")")[0] in page.ids for part in text.split("url(#")[1:])


def test_failures_are_told_once_with_their_seeds(grid):
    _, text, _ = grid
    assert "the loss of seed &lt;2&gt; &amp; others is not finite at step 612" in text
    assert "seq_len=20, hidden_size=4 seed 2, 5</li>" in text
    assert "seq_len=40, hidden_size=32 seed 0, 1, 2, 3, 4, 5, 6, 7</li>" in text


NASTY = "</title></script><script>alert('1')</script>\"'&<img src=x onerror=y> $x$ ${y} \u202e"


def test_settings_may_hold_anything(tmp_path):
    rows, curves = run_of({"cell": NASTY}, 2, varied=["cell"], failures={1: NASTY})
    sweep, _, page = page_of(rows, {rows[0].run: curves}, ["cell"], tmp_path, title=NASTY, command=NASTY)
    assert page.tags["script"] == page.tags["table"] - 1 == 1 and page.tags["img"] == 0
    assert page.titles[0] == page.codes[0] == NASTY
    assert page.tables[1][1][1] == [NASTY, NASTY]
    assert page.codes[2:] == [sweep.summaries[0].command, *(row.command for row in sweep.rows)]


def test_a_single_run_and_one_without_evaluations(tmp_path):
    rows, _ = run_of({}, 1, varied=[], failures={0: "no memory"})
    _, text, page = page_of(rows, {}, [], tmp_path)
    assert page.tags["svg"] == 0 and "Pictures" not in text and "no memory" in text
    assert {path.name for path in tmp_path.iterdir()} == {"report.html", "pictures"}


def test_the_page_says_why_there_are_no_learning_curves(tmp_path):
    rows, curves = run_of({}, 2, varied=[], every=2_000)
    _, text, page = page_of(rows, {rows[0].run: curves}, [], tmp_path)
    assert page.tags["svg"] == 0
    assert "<p>There are no learning curves: each run was evaluated once. --set eval_every=200, " in text


def test_pictures_of_an_earlier_report_are_removed(tmp_path):
    page_of(*sweep_of({"hidden_size": [4, 8], "seq_len": [5, 6]}, 1), ["hidden_size", "seq_len"], tmp_path)
    (tmp_path / "pictures" / "mine.txt").write_text("not a picture")
    page_of(*sweep_of({"hidden_size": [4, 8]}, 1), ["hidden_size"], tmp_path)
    assert {path.stem for path in (tmp_path / "pictures").iterdir()} == {
        "error_by_hidden_size",
        "learning_curves",
        "mine",
    }


@pytest.mark.parametrize(("varied", "pairs"), [({}, 1), ({"num_layers": [1, 2]}, 1), ({"seq_len": [5, 6]}, 0)])
def test_no_picture_is_alone_in_a_last_row(varied, pairs, tmp_path):
    axes = {"hidden_size": [4, 8], **varied}
    axes = {"clip_norm": [0.5, 1.0], **axes} if "num_layers" in varied else axes
    _, text, _ = page_of(*sweep_of(axes, 1), axes, tmp_path)
    assert text.count('class="pictures pairs"') == pairs


def test_a_command_is_broken_between_words_only():
    assert "<code><span>a</span> <span>--b=&lt;</span></code>" in command_box("a --b=<")


@pytest.mark.parametrize(
    ("seconds", "text"), [(1.25, "1.2 s"), (75, "1 min"), (3_599, "1 h 0 min"), (9_000, "2 h 30 min")]
)
def test_times_in_words(seconds, text):
    assert duration(seconds) == text
