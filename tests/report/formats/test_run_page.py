"""The page: whole, offline, and readable by those who do not see its pictures."""

import dataclasses
import json
import re
from html.parser import HTMLParser

import pytest

from oa_sim.report.formats import run_page
from oa_sim.simulation import narrative


class Outline(HTMLParser):
    """The tags of a page, checked to close in order."""

    VOID = ("meta", "br", "hr", "img", "link", "path", "use", "rect", "circle", "line")

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
def page(every_area):
    return run_page.page(every_area, narrative.headline(every_area))


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


def test_every_picture_says_in_words_what_it_shows(seen):
    pictures = [attrs for tag, attrs in seen if tag == "svg" and attrs.get("aria-hidden") != "true"]
    assert len(pictures) >= 11
    assert all(attrs.get("role") == "img" and len(attrs.get("aria-label", "")) > 20 for attrs in pictures)


def test_no_two_parts_of_the_page_have_one_name(seen):
    ids = [attrs["id"] for _, attrs in seen if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_it_names_every_area_and_measure_and_what_makes_it_traceable(page, every_area):
    facts = every_area.manifest
    for part in (facts["run_id"], facts["data_hash"][:12], facts["oa_sim"], str(facts["seed"])):
        assert part in page
    for area in every_area.draws.area.values:
        assert area in page


def test_the_headline_stands_first(page, every_area):
    sentence = narrative.headline(every_area)[0].replace(" %", "\N{NO-BREAK SPACE}%")
    assert sentence in page
    assert page.index(sentence) < page.index("<h2")


def test_without_impact_it_says_so(run_tiny):
    result = run_tiny("scenario=no_programme")
    assert "no impact" in run_page.page(result, narrative.headline(result))


def test_a_failed_gate_leads_the_page(tiny):
    gates = tiny.manifest["gates"] | {"verdict": "FAIL", "reason": "R-hat is 1.30, above 1.01"}
    failed = dataclasses.replace(tiny, manifest=tiny.manifest | {"gates": gates})
    page = run_page.page(failed, narrative.headline(failed))
    assert page.index("R-hat is 1.30") < page.index("<h1")
    assert "[FAIL]" in page


def test_names_are_escaped(tiny):
    scenario = tiny.manifest["scenario"] | {"name": "a<b"}
    renamed = dataclasses.replace(tiny, manifest=json.loads(json.dumps(tiny.manifest)) | {"scenario": scenario})
    page = run_page.page(renamed, ["1 < 2 & 3"])
    assert "a<b" not in page
    assert "1 &lt; 2 &amp; 3" in page


def test_a_sentence_has_no_more_digits_than_its_spread_supports(tiny):
    for sentence in narrative.headline(tiny):
        assert not re.findall(r"\d\.\d{4}", sentence)
        assert "90%" in sentence or sentence.startswith("Still to verify")  # which counts rows, exactly
