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
    numbers = ((folded >> 1) ^ -(folded & 1)).reshape(6, *shape)
    numbers[[0, 1, 2, 4, 5]] += numbers[3]
    places = np.frombuffer(zlib.decompress(base64.b64decode(part["decimals"])), np.int8).astype(int)
    return numbers, places.reshape(shape)


def intervals(n=2000):
    """Give figures (n, statistic) of many sizes and widths, of both signs, some of no width, and Monte Carlo errors."""
    rng = np.random.default_rng(3)
    width, error = 10 ** rng.uniform(-3, 2.5, n), 10 ** rng.uniform(-5, 1.5, n)
    width[::50] = 0
    middle = rng.normal(0, 50, n) * 10 ** rng.choice([-4.0, 0.0, 3.0], n)
    middle[::75] = 0
    return middle[:, None] + width[:, None] * np.array([0, -0.5, -0.2, 0, 0.2, 0.5]), error


def test_digits_are_those_of_the_published_figures():
    figures, error = intervals()
    places = explorer_page.decimals(figures, error)
    wanted = [formatting.decimals(row[1], row[5], e) for row, e in zip(figures, error, strict=True)]
    assert places.tolist() == wanted
    for parts, row, digits in zip(explorer_page.in_parts(figures, places), figures, wanted, strict=True):
        shown = [np.floor((number + explorer_page.PARTS // 2) / explorer_page.PARTS) / 10.0**digits for number in parts]
        assert [formatting.number(value, digits) for value in shown] == [formatting.number(v, digits) for v in row]


def test_a_page_holds_every_number_to_the_printed_digit(tiny):
    view = views.of_results([tiny])
    figures = view.figures
    held, shape = told(explorer_page.page(view, "a title"))["figures"], (*figures.impact.shape[1:-1], 1)
    for name, part in held.items():
        numbers, digits = numbers_of(part, shape)
        wanted = np.moveaxis(figures[name].values, 0, -2)
        assert ((digits == explorer_page.NOT_KNOWN) == np.isnan(wanted[..., 0])).all()
        known = digits != explorer_page.NOT_KNOWN
        for i in range(6):
            printed = np.floor((numbers[i][known] + explorer_page.PARTS // 2) / explorer_page.PARTS)
            np.testing.assert_array_equal(printed, np.rint(wanted[..., i][known] * 10.0 ** digits[known]))


def test_a_message_holds_the_numbers_that_the_page_embeds(tiny):
    view = views.of_results([tiny])
    held = told(explorer_page.page(view, "t"))["figures"]
    place = {"place": 1, "group": 0, "measure": 0}
    message = explorer_page.live_figures(view.figures.isel(place | {"scenario": 0}))
    for name, part in message.items():
        numbers, digits = numbers_of(held[name], (*view.figures.impact.shape[1:-1], 1))
        assert part["decimals"] == digits[1, 0, 0, :, 0].tolist()
        assert part["parts"] == numbers[:, 1, 0, 0, :, 0].T.tolist()


def test_the_same_view_gives_the_same_bytes(tiny):
    assert explorer_page.page(views.of_results([tiny]), "t") == explorer_page.page(views.of_results([tiny]), "t")


def test_no_label_becomes_markup_and_the_page_names_no_address():
    view = made_up_view.view(len(made_up_view.HOSTILE))
    cases = [made_up_view.case(label) for label in made_up_view.HOSTILE]
    page = explorer_page.page(dataclasses.replace(view, cases=cases, keys=[]), made_up_view.HOSTILE[1])
    assert [case["label"] for case in told(page)["cases"]] == list(made_up_view.HOSTILE)
    assert page.count("<script") == page.count("</script") == 2
    assert "<img" not in page
    assert "\u2028" not in page
    own = page.replace("http://www.w3.org/2000/svg", "")  # the name of a language, which nothing loads
    assert set(re.findall(r"https?://[\w./-]+", own)) <= {"https://example.org/"}
    assert "default-src 'none'" in page
    assert "unsafe" not in re.search(r'Content-Security-Policy" content="([^"]*)"', page).group(1)


def test_a_hundred_scenarios_of_full_size_are_below_four_megabytes():
    page = explorer_page.page(made_up_view.view(), "A sweep of 100 scenarios")
    assert len(page.encode()) < 4e6


def test_a_failed_gate_is_said_in_the_data_of_the_page(tiny):
    manifest = tiny.manifest | {"gates": tiny.manifest["gates"] | {"verdict": "FAIL", "reason": "R-hat 1.3"}}
    failed = Result(**{f.name: getattr(tiny, f.name) for f in dataclasses.fields(Result)} | {"manifest": manifest})
    (case,) = told(explorer_page.page(views.of_results([failed]), "t"))["cases"]
    assert (case["verdict"], case["reason"]) == ("FAIL", "R-hat 1.3")
