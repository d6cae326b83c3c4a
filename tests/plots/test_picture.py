"""Pictures: the same marks as SVG and PNG, legible whatever a name is, and told in words."""

import dataclasses
import io
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from oa_sim import formatting
from oa_sim.plots import fan_charts, tile_map
from oa_sim.plots import picture as picture_module
from oa_sim.report.run_brief import RunPictures

HOSTILE = (
    '=HYPERLINK("x") $\\frac{a}{b$ $y_',
    "<script>alert('1')</script> --> ]]> & \N{GRINNING FACE}\N{VARIATION SELECTOR-16} " + "x" * 200,
    "\N{RIGHT-TO-LEFT OVERRIDE}\u05e9\u05dc\u05d5\u05dd \u0645\u062f\u0631\u0633\u0629\0\x0b\x1b\n$$$",
)


def renamed(result, names):
    """Return a result whose areas have other names."""
    parts = {}
    for field in dataclasses.fields(result):
        part = getattr(result, field.name)
        if field.name != "manifest" and "area" in part.coords:
            parts[field.name] = part.assign_coords(area=list(names))
    return dataclasses.replace(result, **parts)


def failing(result):
    gates = result.manifest["gates"] | {"verdict": "FAIL", "reason": "R-hat is 1.30, above 1.01"}
    return dataclasses.replace(result, manifest=result.manifest | {"gates": gates})


def shortened(name, longest):
    return name if len(name) <= longest else name[: longest - 1] + picture_module.ELLIPSIS


def every_picture(result):
    """Return one picture of each kind that a run has."""
    area = str(result.draws.area.values[-1])
    found = [
        fan_charts.fan_picture(result, "key_stage_2"),
        fan_charts.fan_picture(result, "key_stage_2", "disadvantaged", area),
        fan_charts.side_by_side_picture(result, "key_stage_2", "disadvantaged"),
        fan_charts.retention_picture(result),
        RunPictures(result).curves,
        RunPictures(result).sources,
        tile_map.tile_map(result),
        fan_charts.by_area(result),
        fan_charts.gaps(result),
        fan_charts.gaps(result, area),
    ]
    return [one for one in found if one]


def pixels(picture):
    return np.asarray(Image.open(io.BytesIO(picture.png)).convert("RGB"))


@pytest.fixture(scope="module")
def pictures(every_area):
    return every_picture(every_area)


@pytest.fixture(scope="module")
def hostile(tiny):
    return renamed(tiny, HOSTILE)


def test_a_picture_has_the_size_and_shape_that_it_says_in_both_formats(pictures):
    assert len(pictures) >= 9
    for one in pictures:
        box = ET.fromstring(one.svg).get("viewBox").split()
        assert [float(side) for side in box[2:]] == pytest.approx([72 * one.width, 72 * one.height], abs=0.01)
        high, wide, _ = pixels(one).shape
        dots = picture_module.DOTS_PER_INCH
        assert (wide, high) == pytest.approx((dots * one.width, dots * one.height), abs=1)
        assert (pixels(one)[0, 0] == 255).all()  # on white


def test_the_same_result_gives_the_same_bytes(every_area, pictures):
    for one, again in zip(pictures, every_picture(every_area), strict=True):
        assert one.png == again.png
        assert one.svg == again.svg
        assert b"Software" not in one.png
        assert b"tEXt" not in one.png


def test_every_picture_has_a_name_of_its_own_a_title_and_words_that_say_figures(pictures):
    assert len({one.name for one in pictures}) == len(pictures)
    for one in pictures:
        assert re.fullmatch(r"[\w-]+", one.name)
        assert len(one.title) > 10
        assert re.search(r"\d", one.alternative)
        assert ET.fromstring(one.svg).get("aria-label") == one.alternative


def test_no_two_pictures_share_an_identifier(pictures):
    ids = [name for one in pictures for name in re.findall(r'\bid="([^"]*)"', one.svg)]
    assert len(ids) == len(set(ids))


def test_any_name_is_drawn_in_both_formats_and_stands_whole_in_the_words(hostile):
    for one in every_picture(hostile):
        root = ET.fromstring(one.svg)
        assert "<script" not in one.svg
        assert not [part for part in root.iter() if part.tag.endswith("}script")]
        assert len(one.png) > 1000
    said = tile_map.tile_map(hostile).alternative
    for name in HOSTILE:
        assert picture_module.visible(name) in said
    assert not re.search("[\0\x0b\x1b\N{RIGHT-TO-LEFT OVERRIDE}]", said)


def test_a_name_in_a_picture_is_text_and_never_a_formula():
    for name in ("$x$", "a $5 b $6", "$" * 30, "\\$ \\frac{1}{2} $", *HOSTILE):
        for line in (None, 7):
            figure = fan_charts.Figure()
            text = figure.text(0, 0, picture_module.legible(name, 60, line))
            shown, is_formula = text._preprocess_math(text.get_text())
            assert not is_formula
            assert re.sub(r"\s", "", shown) == re.sub(r"\s", "", shortened(picture_module.visible(name), 60))


@pytest.mark.parametrize("longest", [5, 40])
def test_a_long_name_ends_in_an_ellipsis_and_its_mark_stays_whole(longest):
    shown = picture_module.legible(
        "Fenland and East Cambridgeshire and all its neighbours", longest, 20, " (county proxy)"
    )
    assert "\N{HORIZONTAL ELLIPSIS}" in shown
    assert "(county proxy)" in shown
    assert len(picture_module.legible("x" * 300, longest)) == longest
    assert picture_module.legible("\0\n ") == "(no name)"


def test_joined_signs_and_accents_are_kept():
    for name in ("Ynys Môn", "\u0646\u06cc\u200c\u0634", "\N{WOMAN}\N{ZERO WIDTH JOINER}\N{ROCKET}"):
        assert picture_module.visible(name) == name


def test_a_failed_gate_marks_every_picture(tiny):
    for one in every_picture(failing(tiny)):
        assert "[FAIL]" in one.alternative
        assert "[FAIL]" in one.svg.partition("</title>")[2] or one.name == "origins"


def test_a_countys_figures_are_marked_in_every_picture_that_names_an_area(every_area):
    for measure, mark, sign in (
        ("phonics", "county proxy", tile_map.COUNTY),
        ("key_stage_2", "own estimate", tile_map.OWN),
    ):
        for one in (
            fan_charts.fan_picture(every_area, measure, "all", "Norwich"),
            fan_charts.side_by_side_picture(every_area, measure, "all"),
            fan_charts.by_area(every_area, measure, "all"),
        ):
            assert mark in one.svg.partition("</title>")[2].replace("</tspan>", "")
            assert f"Norwich ({mark})" in one.alternative
        mapped = tile_map.tile_map(every_area, measure, "all")
        assert mapped.svg.count(sign) == 1 + 6


def test_a_countys_figures_stand_lighter_beside_its_districts_own(every_area):
    own, proxy, mean = (
        fan_charts.fan_picture(every_area, *place)
        for place in (
            ("attainment_8", "all", "Hastings"),
            ("phonics", "all", "Hastings"),
            ("attainment_8", "all", None),
        )
    )
    assert "the county, as published" in own.svg
    assert own.svg.count(fan_charts.COUNTY) > 2
    for other in (proxy, mean):
        assert "the county, as published" not in other.svg
        assert fan_charts.COUNTY not in other.svg
    assert "Last own estimate: 37.9 in 2018/19 (the county: 45.3)." in own.alternative


def test_the_words_give_the_figures_that_the_draws_hold(every_area):
    low, middle, high = np.quantile(
        every_area.draws.projection.sel(measure="key_stage_2", group="all", area="Derby").isel(year=-1),
        [0.05, 0.5, 0.95],
    )
    assert formatting.estimate(middle, low, high) in fan_charts.by_area(every_area, "key_stage_2", "all").alternative
    assert (
        formatting.estimate(middle, low, high)
        in fan_charts.fan_picture(every_area, "key_stage_2", "all", "Derby").alternative
    )


def test_without_a_programme_every_picture_shows_one_future(run_tiny):
    nothing = run_tiny("scenario=no_programme")
    for one in (
        fan_charts.fan_picture(nothing, "phonics"),
        fan_charts.by_area(nothing),
        fan_charts.gaps(nothing),
    ):
        assert "with it" not in one.alternative.lower()
        assert "median with programme" not in one.svg
    assert len(tile_map.tile_map(nothing).png) > 1000
