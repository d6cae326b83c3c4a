"""The page to explore: its numbers are those of the result, its labels do nothing, and it needs no network."""

import base64
import dataclasses
import json
import re
import zlib

import made_up_view
import numpy as np

from oa_sim import Result, formatting
from oa_sim.explore import page as explorer_page
from oa_sim.explore import views


def told(page):
    """Give the data that a page holds."""
    return json.loads(re.search(r'<script type="application/json" id="view">(.*?)</script>', page, re.DOTALL).group(1))


def numbers_of(part, shape):
    """Give the numbers and decimals that a page holds, read as the page reads them."""
    folded = np.frombuffer(zlib.decompress(base64.b64decode(part["numbers"])), np.uint8)
    folded = folded.reshape(4, -1).T.copy().view("<u4").ravel().astype(np.int64)
    numbers = (folded >> 1) ^ -(folded & 1)
    places = np.frombuffer(zlib.decompress(base64.b64decode(part["decimals"])), np.uint8).astype(int)
    return numbers.reshape(6, *shape), places.reshape(shape)


def test_digits_are_those_of_the_published_figures():
    rng = np.random.default_rng(3)
    width, error = 10 ** rng.uniform(-3, 2.5, 2000), 10 ** rng.uniform(-5, 1.5, 2000)
    middle = rng.normal(0, 50, 2000)
    figures = middle[:, None] + width[:, None] * np.array([0, -0.5, -0.2, 0, 0.2, 0.5])
    places = explorer_page.decimals(figures, error)
    wanted = [formatting.decimals(row[1], row[5], e) for row, e in zip(figures, error, strict=True)]
    assert places.tolist() == wanted
    for whole, row, digits in zip(explorer_page.in_parts(figures, places), figures, wanted, strict=True):
        parts = explorer_page.parts_of(digits)
        shown = [np.floor((number + parts // 2) / parts) / 10.0**digits for number in whole]
        assert [formatting.number(value, digits) for value in shown] == [formatting.number(v, digits) for v in row]


def test_a_page_holds_every_number_to_the_printed_digit(tiny):
    view = views.of_results([tiny])
    figures = view.figures
    held, shape = told(explorer_page.page(view, "a title"))["figures"], (*figures.impact.shape[1:-1], 1)
    anyway, anyway_places = numbers_of(held["counterfactual"], shape)
    change, change_places = numbers_of(held["impact"], shape)
    added, places = numbers_of(held["projection"], shape)
    change[[0, 1, 2, 4, 5]] += change[3]
    added += np.where(places == anyway_places, anyway, 0)
    found = {
        "counterfactual": (anyway, anyway_places),
        "impact": (change, change_places),
        "projection": (added, places),
    }
    for name, (numbers, digits) in found.items():
        wanted = np.moveaxis(figures[name].values, 0, -2)
        assert ((digits == explorer_page.NOT_KNOWN) == np.isnan(wanted[..., 0])).all()
        known = digits != explorer_page.NOT_KNOWN
        scale = 10.0 ** (digits[known] - explorer_page.MOVED)
        for i in range(6):
            parts = explorer_page.parts_of(digits[known] - explorer_page.MOVED)
            printed = np.floor((numbers[i][known] + parts // 2) / parts)
            np.testing.assert_array_equal(printed, np.rint(wanted[..., i][known] * scale))


def test_the_same_view_gives_the_same_bytes(tiny):
    assert explorer_page.page(views.of_results([tiny]), "t") == explorer_page.page(views.of_results([tiny]), "t")


def test_no_label_becomes_markup_and_the_page_names_no_address():
    view = made_up_view.view(len(made_up_view.HOSTILE))
    cases = [made_up_view.case(label) for label in made_up_view.HOSTILE]
    page = explorer_page.page(dataclasses.replace(view, cases=cases, keys=[]), made_up_view.HOSTILE[1])
    assert [case["label"] for case in told(page)["cases"]] == list(made_up_view.HOSTILE)
    assert page.count("<script") == page.count("</script") == 3
    assert "<img" not in page.replace(explorer_page.library(), "")
    assert "\u2028" not in page
    own = page.replace(explorer_page.library(), "")
    assert set(re.findall(r"https?://[\w./-]+", own)) <= {
        "https://vega.github.io/schema/vega-lite/v6.json", "https://example.org/",
    }  # fmt: skip
    assert "default-src 'none'" in page
    assert "unsafe" not in re.search(r'Content-Security-Policy" content="([^"]*)"', page).group(1)


def test_a_hundred_scenarios_of_full_size_are_below_five_megabytes():
    page = explorer_page.page(made_up_view.view(), "A sweep of 100 scenarios")
    assert len(page.encode()) < 5e6


def test_a_failed_gate_is_said_in_the_data_of_the_page(tiny):
    manifest = tiny.manifest | {"gates": tiny.manifest["gates"] | {"verdict": "FAIL", "reason": "R-hat 1.3"}}
    failed = Result(**{f.name: getattr(tiny, f.name) for f in dataclasses.fields(Result)} | {"manifest": manifest})
    (case,) = told(explorer_page.page(views.of_results([failed]), "t"))["cases"]
    assert (case["verdict"], case["reason"]) == ("FAIL", "R-hat 1.3")
