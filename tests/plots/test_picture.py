"""Pictures: the same marks as SVG and PNG, legible whatever a name is, and told in words."""

import dataclasses
import io
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from oa_sim.definitions import MEASURES
from oa_sim.inputs import tables
from oa_sim.plots import fan_charts, intervals, posterior, small_multiples, tile_map
from oa_sim.plots import picture as picture_module
from oa_sim.report.formats import run_page
from oa_sim.simulation import summaries

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
        run_page.curves_picture(result),
        run_page.origins_picture(result),
        tile_map.tile_map(result),
        small_multiples.by_area(result),
        small_multiples.gaps(result),
        small_multiples.gaps(result, area),
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
        assert (wide, high) == pytest.approx((one.dpi * one.width, one.dpi * one.height), abs=1)
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


def test_a_page_gets_the_fan_that_a_document_gets_without_the_key(every_area):
    assert fan_charts.fan(every_area, "phonics") == fan_charts.fan_picture(every_area, "phonics", keyed=False).svg
    assert "median with programme" not in fan_charts.fan(every_area, "phonics")
    assert "median with programme" in fan_charts.fan_picture(every_area, "phonics").svg


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


def test_the_fan_says_and_shows_the_declared_breaks_of_its_measure(every_area):
    one = fan_charts.fan_picture(every_area, "key_stage_2")
    mine = [row for row in tables.read("breaks") if row["measure"] == "key_stage_2" and row["first_year"] > 2016]
    assert len(mine) == 3
    for row in mine:
        assert row["what_changed"] in one.alternative
    assert "not collected in 2019/20 to 2020/21" in one.alternative
    assert one.svg.count(fan_charts.DOWN) == sum(row["kind"] == "level_shift" for row in mine)
    assert "not collected" in one.svg.partition("</title>")[2]
    assert {label for _, label in fan_charts.key(every_area)} >= set(fan_charts.LABELS.values())


def test_a_break_before_the_first_figure_is_not_drawn(every_area):
    assert 2016 not in {
        row["first_year"] for row in fan_charts.breaks_of(every_area, "key_stage_2")
    }  # its history begins there


def test_where_the_tables_of_a_run_are_gone_no_break_is_known(every_area):
    asked = every_area.manifest["scenario"] | {"data_folder": "nowhere/at/all"}
    moved = dataclasses.replace(every_area, manifest=every_area.manifest | {"scenario": asked})
    one = fan_charts.fan_picture(moved, "key_stage_2")
    assert "Declared" not in one.alternative
    assert fan_charts.DOWN not in one.svg


def test_a_failed_gate_marks_every_picture(tiny):
    for one in every_picture(failing(tiny)):
        assert "[FAIL]" in one.alternative
        assert "[FAIL]" in one.svg.partition("</title>")[2] or one.name == "origins"


def test_a_countys_figures_are_marked_in_every_picture_that_names_an_area(every_area):
    for one in (
        fan_charts.fan_picture(every_area, "key_stage_2", "all", "Norwich"),
        fan_charts.side_by_side_picture(every_area, "key_stage_2", "all"),
        small_multiples.by_area(every_area),
    ):
        assert "county proxy" in one.svg.partition("</title>")[2].replace("</tspan>", "")
        assert "Norwich (county proxy)" in one.alternative
    mapped = tile_map.tile_map(every_area)
    assert mapped.svg.count(tile_map.COUNTY) == 1 + int(every_area.draws.proxy.sel(group="all").isel(measure=0).sum())


def test_no_two_areas_share_a_place_on_the_map_and_unknown_ones_stand_beside():
    others = [f"Area {k}" for k in range(17)]
    at = tile_map.places([*tile_map.PLACES, *others])
    assert len(set(at)) == len(at)
    for k, (x, y) in enumerate(at):
        for column, row in at[:k]:
            assert max(abs(x - column), abs(y - row)) >= 1
    assert min(column for column, _ in at[12:]) > max(column for column, _ in at[:12])
    west, east = (
        dict(zip(tile_map.PLACES, at, strict=False))["Blackpool"],
        dict(zip(tile_map.PLACES, at, strict=False))["Norwich"],
    )
    assert west[0] < east[0]
    assert west[1] < east[1]  # north is up


def test_a_name_on_the_map_stands_out_from_its_square():
    for part in np.linspace(0, 1, 50):
        light = tile_map._light(tile_map.SHADES(part))
        ink = 1.0 if light < tile_map.EQUAL_CONTRAST else 0.0
        high, low = max(light, ink), min(light, ink)
        assert (high + 0.05) / (low + 0.05) >= 4.5
    greys = [tile_map._light(tile_map.SHADES(part)) for part in np.linspace(0, 1, 20)]
    assert (np.diff(greys) < 0).all()  # the scale reads in grey


def test_a_gap_is_the_difference_of_the_two_groups_draw_by_draw(every_area):
    gap = small_multiples.gap_draws(every_area, "projection", "phonics", "Derby")
    draws = every_area.draws.projection.sel(measure="phonics", area="Derby").transpose("group", "chain", "draw", "year")
    by_hand = draws.sel(group="other").values.astype(float) - draws.sel(group="disadvantaged").values
    assert gap == pytest.approx(by_hand.reshape(gap.shape))
    both = [
        small_multiples.gap_draws(every_area, name, "phonics") for name in ("projection", "counterfactual", "impact")
    ]
    assert both[0] - both[1] == pytest.approx(both[2], abs=1e-4)


def test_a_map_of_one_area_and_of_many_is_drawn(every_area):
    one = dataclasses.replace(
        every_area, draws=every_area.draws.isel(area=[7]), sustainability=every_area.sustainability.isel(area=[7])
    )
    assert "North Yorkshire Coast" in tile_map.tile_map(one).alternative
    for found in (tile_map.tile_map(one), small_multiples.by_area(one), tile_map.tile_map(every_area)):
        assert found.width <= tile_map.WIDEST + 0.2
        assert (pixels(found) < 128).any()


def test_gaps_are_shown_for_measures_with_two_groups_alone(every_area, run_tiny):
    said = small_multiples.gaps(every_area).alternative
    for name, about in MEASURES.items():
        assert (about.label in said) == (len(about.groups) == 2), name
    assert small_multiples.gaps(run_tiny("measures=[persistent_absence]")) is None


def test_the_words_give_the_figures_that_the_draws_hold(every_area):
    low, middle, high = np.quantile(
        every_area.draws.projection.sel(measure="key_stage_2", group="all", area="Derby").isel(year=-1),
        [0.05, 0.5, 0.95],
    )
    assert (
        summaries.interval(middle, low, high) in small_multiples.by_area(every_area, "key_stage_2", "all").alternative
    )
    assert (
        summaries.interval(middle, low, high)
        in fan_charts.fan_picture(every_area, "key_stage_2", "all", "Derby").alternative
    )


def test_without_a_programme_every_picture_shows_one_future(run_tiny):
    nothing = run_tiny("scenario=no_programme")
    for one in (
        fan_charts.fan_picture(nothing, "phonics"),
        small_multiples.by_area(nothing),
        small_multiples.gaps(nothing),
    ):
        assert "with it" not in one.alternative.lower()
        assert "median with programme" not in one.svg
    assert len(tile_map.tile_map(nothing).png) > 1000


def test_arviz_draws_each_chain_of_each_hyperparameter(every_area):
    one = posterior.forest(every_area)
    rows = posterior.named(every_area.posterior)
    assert len(rows) > 10
    assert all(values.dims == ("chain", "draw") for values in rows.data_vars.values())
    assert all(str(name) in one.alternative for name in rows.data_vars)
    shown = one.svg.partition("</title>")[2]
    assert all(str(name).split()[0] in shown for name in rows.data_vars)
    assert one.png == posterior.forest(every_area).png
    assert one.svg == posterior.forest(every_area).svg
    trend = every_area.posterior.national_trend.values
    assert rows["how strong England's trend is"].values == pytest.approx(trend)
    assert "level_sd" in posterior.forest(every_area, "level_sd").name


def test_charts_for_any_table_give_pictures_too():
    band = np.array([[1.0, 2.0], [0.5, 1.0], [1.5, 3.0]])
    one = intervals.intervals_picture("x", "Which is better", ["$a$", "b" * 200], band, "points")
    assert one.title == "Which is better"
    assert one.svg == intervals.intervals("x", ["$a$", "b" * 200], band, "points")
    assert "$a$ 1.00 (90 % interval 0.50 to 1.50)" in one.alternative
    lines = {"<b>": np.array([[1.0, 2.0], [0.5, 1.0], [1.5, 3.0]])}
    two = intervals.courses_picture("y", "Over years", np.array([1, 2]), lines, "year", "points")
    assert "<b>" not in two.svg
    assert len(two.png) > 1000
