"""Areas: a district's own figures, its county's beside them, and what kind of figure each is."""

import csv
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from oa_sim.inputs import areas

BOTH, CODES = "Fenland and East Cambridgeshire", ("E07000010", "E07000009")
FACTS = Path(__file__).parents[3] / "shared" / "facts" / "districts" / "own_figures.csv"


@pytest.fixture(scope="module")
def record(known):
    return areas.history(known, 2023)


def test_two_districts_together_are_weighed_by_their_pupils(known, record):
    rows = {(row["code"], row["year"]): row for row in known["district_figures"] if row["code"] in CODES
            and (row["measure"], row["group"]) == ("key_stage_2", "disadvantaged")}  # fmt: skip
    here = record.sel(area=BOTH, measure="key_stage_2", group="disadvantaged")
    for year in (2016, 2019, 2023):
        parts = [rows[code, year] for code in CODES]
        pupils = sum(part["pupils"] for part in parts)
        mean = sum(part["value"] * part["pupils"] for part in parts) / pupils
        assert float(here.own.sel(year=year)) == pytest.approx(mean)
        assert float(here.own_county.sel(year=year)) == parts[0]["county_value"]
        assert 0.8 * pupils < float(here.own_pupils.sel(year=year)) < pupils


def test_what_one_of_two_districts_lacks_is_not_known_of_both(known):
    some = [row for row in known["district_figures"] if (row["code"], row["year"]) != (CODES[0], 2019)]
    found = areas.history(known | {"district_figures": some}, 2023)
    assert found.own.sel(area=BOTH, year=2018).notnull().any()
    assert not found.own.sel(area=BOTH, year=2019).notnull().any()


def test_a_countys_figure_that_is_not_made_in_the_same_way_is_its_published_one_moved_as_in_other_years(known, record):
    place = {"area": "Ipswich", "measure": areas.GLD, "group": "all"}  # two districts of Suffolk merged in 2019
    here = record.sel(place)
    rows = [row for row in known["district_figures"] if (row["code"], row["measure"]) == ("E07000202", areas.GLD)]
    assert [row["year"] for row in rows if row["county_value"] is None] == [2019]
    away = np.mean([row["county_value"] - float(here.published.sel(year=row["year"])) for row in rows[:-1]])
    assert float(here.own_county.sel(year=2019)) == pytest.approx(float(here.published.sel(year=2019)) + away)


def test_own_figures_end_with_what_may_be_known(known):
    found = areas.history(known, 2017)
    assert found.own.notnull().any("year").sel(area="Hastings", measure="key_stage_2").all()
    assert not found.estimated.sel(measure=["attainment_8", "persistent_absence"]).any()


def test_each_figure_is_of_one_kind(record):
    assert not (record.proxy & record.estimated).any()
    assert ((record.proxy | record.estimated) == record.district).all()
    assert int(record.estimated.sel(area="Hastings").sum()) == 6


def test_own_figures_stand_on_the_level_of_the_countys_published_one(record):
    shown = areas.past(record).sel(area="Hastings", measure="attainment_8", group="all", history_year=2019)
    assert float(shown.own_history) == 38.02
    assert float(shown.history) == pytest.approx(38.02 - (45.45 - 45.3))
    assert float(shown.county_history) == 45.3
    early = areas.past(record).sel(area="Hastings", measure=areas.GLD, group="all")
    xr.testing.assert_equal(early.history, early.own_history)  # published, so nothing is taken off


def test_the_past_of_an_authority_and_of_a_proxy_is_what_is_published(record):
    shown = areas.past(record)
    for area, measure in (("Oldham", "key_stage_2"), ("Hastings", "phonics")):
        place = {"area": area, "measure": measure}
        published = record.published.sel(place).rename(year="history_year")
        xr.testing.assert_equal(shown.history.sel(place), published)
        assert not shown.county_history.sel(place).notnull().any()


def test_a_mean_takes_a_district_where_its_county_goes_in_a_year_without_its_own(record):
    shown = areas.past(record.sel(area=["Oldham", "Hastings"], measure="attainment_8", group="all"))
    mean = areas.mean_past(shown.history, shown.county_history).sel(history_year=2023)
    oldham, county = (float(record.published.sel(area=area, measure="attainment_8", group="all", year=2023))
                      for area in ("Oldham", "Hastings"))  # fmt: skip
    assert float(mean) == pytest.approx((oldham + county + (37.87 - 45.3)) / 2)


@pytest.mark.skipif(not FACTS.exists(), reason="the facts are not beside the repository")
def test_what_is_shown_equals_what_the_facts_have_calibrated(known, record):
    shown = areas.past(areas.history(known, 2023)).history
    districts = record.area.values[record.district.values].tolist()
    n = 0
    with FACTS.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            series = row["measure"], row["group"]
            is_ours = series in (("key_stage_2", "all"), ("key_stage_2", "disadvantaged"), ("attainment_8", "all"))
            if row["area"] in districts and is_ours and row["value_calibrated"] and int(row["year"]) <= 2019:
                place = {
                    "area": row["area"],
                    "measure": series[0],
                    "group": series[1],
                    "history_year": int(row["year"]),
                }
                assert float(shown.sel(place)) == pytest.approx(float(row["value_calibrated"]), abs=0.3), place
                n += 1
    assert n > 50
