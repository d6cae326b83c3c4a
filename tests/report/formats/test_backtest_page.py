"""The page of a contest: whole, offline, and with every number that was scored."""

import re
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pytest

from oa_sim.report.formats import backtest_page
from oa_sim.validation import scoring
from oa_sim.validation.benchmark_forecasters import PEERS
from oa_sim.validation.forecasts import Forecast
from oa_sim.validation.scoring import Entry, score

AREAS = ("Derby", "Oldham", "St <Helens> & more", *(f"area {i}" for i in range(40)))
MADE = {
    "train_until": 2019,
    "version": "0.9.1",
    "files": {"la_<panel>.csv": "c0ffee" * 8},
    "gates": {"verdict": "PASS", "reason": "all limits are met"},
    "draws": 4000,
}
READ = ["1,234 rows were read & 5 left out.", "A row < 3 is no row."]


def entries(ours="ours <1>"):
    rng = np.random.default_rng(6)
    found = []
    for measure, group in (("key_stage_2", "disadvantaged"), ("key_stage_2", "other"), ("suspensions", "all")):
        for year in (2022, 2023):
            actual = rng.standard_normal(len(AREAS))
            actual[2] += 6
            for kind in ("relative", "level"):
                at = (measure, group, year, year - 2019, kind, AREAS, actual)
                for place, name in enumerate(PEERS):
                    told = Forecast(mean=0.1 * rng.standard_normal(len(AREAS)), sd=np.full(len(AREAS), 1 + place / 3))
                    found.append(Entry(name, *at, told))
                found.append(Entry(ours, *at, Forecast(rng.standard_normal((200, len(AREAS))))))
    return found


@pytest.fixture(scope="module")
def scores():
    return score(entries(), "ours <1>")


@pytest.fixture(scope="module")
def page(scores):
    return backtest_page.page(scores, READ, MADE)


class Outline(HTMLParser):
    """The tags of a page, checked to close in order."""

    VOID = ("meta", "br", "path", "use", "rect", "circle", "line")

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag


@pytest.fixture(scope="module")
def seen(page):
    outline = Outline()
    outline.feed(page)
    assert outline.open == []
    return outline.seen


def test_it_needs_nothing_from_outside(page, seen):
    assert not [attrs for _, attrs in seen if "src" in attrs]
    assert not [tag for tag, _ in seen if tag in ("script", "link", "iframe", "object")]
    assert not re.findall(r"url\((?!#)", page)
    assert all(attrs["href"].startswith("#") for _, attrs in seen if "href" in attrs)


def test_it_is_for_readers_of_british_english_who_may_not_see_it(seen):
    assert ("html", {"lang": "en-GB"}) in seen
    pictures = [attrs for tag, attrs in seen if tag == "svg"]
    assert len(pictures) == 2
    assert all(attrs["role"] == "img" and re.search(r"\d", attrs["aria-label"]) for attrs in pictures)
    tags = [tag for tag, _ in seen]
    assert tags.count("caption") == tags.count("table") >= 8
    assert all(attrs.get("scope") in ("col", "row") for tag, attrs in seen if tag == "th")


def test_no_two_parts_of_the_page_have_one_name(seen):
    ids = [attrs["id"] for _, attrs in seen if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_it_holds_every_number_of_the_table(page, scores):
    rows = page[page.index("Every score") :].split("<tr>")[2:]
    assert len(rows) == len(scores.table)
    for row, text in zip(scores.table.itertuples(), rows, strict=True):
        cells = [unescape(re.sub(r"<.*?>", "", cell)) for cell in re.findall(r"<t[hd].*?</t[hd]>", text)]
        assert cells[0] == row.model
        assert cells[4:6] == [str(row.horizon), row.scale]
        assert cells[6:9] == [str(row.n), f"{row.crps:.4f}", f"{row.crps_ratio_rw:.3f}"]
        held = [float(cell.removesuffix("%")) for cell in cells[9:]]
        np.testing.assert_allclose(held, [100 * row.cov50, 100 * row.cov80, 100 * row.cov95], atol=0.051)


def test_the_verdict_stands_first_in_two_sentences_with_numbers(page, scores):
    first, second = scoring.verdict(scores)
    assert re.search(r"is \d\.\d\d \(scale relative\) and \d\.\d\d \(scale level\)", first)
    assert "258 held-out figures of 2021/22 and 2022/23" in first
    assert re.search(r"50, 80 and 95% intervals held \d+, \d+ and \d+% of the figures", second)
    assert page.index("held-out figures") < page.index("<h2")


def test_ours_leads_every_table_of_models(page):
    contest = page[page.index("The contest") : page.index("Does it know")]
    names = re.findall(r'<th scope="row">(.*?)</th>', contest)
    assert names == 2 * ["<strong>ours &lt;1&gt;</strong>", *PEERS]


def test_the_worst_miss_is_named(page):
    missed = page[page.index("The worst misses") : page.index("What was read")]
    assert missed.count("St &lt;Helens&gt; &amp; more") == 6
    assert "Key stage 2" in missed


def test_names_are_escaped(page):
    for part in ("ours <1>", "St <Helens>", "la_<panel>", "read & 5", "row < 3"):
        assert part not in page
    for part in ("ours &lt;1&gt;", "la_&lt;panel&gt;", "read &amp; 5", "row &lt; 3"):
        assert part in page


def test_it_says_how_it_was_made(page):
    for part in ("2018/19", "0.9.1", "c0ffee" * 8, "all limits are met", "4000"):
        assert part in page


def test_a_failed_gate_leads_the_page(scores):
    gates = {"verdict": "FAIL", "reason": "R-hat is 1.30, above 1.01"}
    page = backtest_page.page(scores, READ, MADE | {"gates": gates})
    assert page.index("R-hat is 1.30") < page.index("<h1")


def test_one_scale_and_no_peer_but_the_random_walk_are_enough():
    some = [e for e in entries("ours") if e.model in ("ours", "random walk") and e.scale == "relative"]
    page = backtest_page.page(score(some, "ours"), [], MADE)
    assert "scale level" not in page
    assert "best of the other peers" not in page
