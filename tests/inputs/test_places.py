import importlib.util
import random
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from oa_sim import Refusal, load_scenario
from oa_sim.definitions import MEASURES
from oa_sim.inputs import areas, places, tables
from oa_sim.inputs.schemas import FIGURES, series_column
from oa_sim.scenario.load import area_names
from oa_sim.simulation.scenario_run import run

ROOT = Path(__file__).resolve().parents[2]
FACTS = ROOT.parent / "shared" / "facts"
TEN = random.Random(7).sample([row["district"] for row in tables.read("districts")], 10)
LAST, START = 2025, 2024
LARGEST_MISS = 0.13  # of an estimate of pupils at school, in the areas whose pupils are published


@pytest.fixture(scope="module")
def ten():
    """Give the tables with ten districts by name, and what each is said to be."""
    names = area_names(TEN)
    return tables.read_all(names=names), names


@pytest.fixture(scope="module")
def figures():
    return pd.DataFrame(tables.read("authority_figures")).set_index(["authority", "year"])


def test_ten_districts_have_their_places_figures(ten, known, figures):
    wide, names = ten
    history = areas.history(tables.restrict_to_areas(wide, names), until=LAST)
    outcomes = pd.DataFrame(known["outcomes"]).query("geography != 'district'")
    outcomes = outcomes.set_index(["place", "measure", "group", "year"]).value.sort_index()
    district = {row["district"]: row for row in known["districts"]}
    compared = 0
    for area in names:
        row = district.get(area)
        place = row["authority"] if row and row["tier"] == "county" else area
        place = {"Poole": "Bournemouth, Christchurch and Poole"}.get(area, place)
        for measure, definition in MEASURES.items():
            for group in definition.table_groups:
                if (column := series_column(measure, group)) not in FIGURES:
                    continue  # it is derived
                seen = history.published.sel(area=area, measure=measure, group=group).to_series()
                said = figures[column].xs(place).reindex(seen.index)
                if (place, measure, group) in outcomes.index:
                    said = outcomes[place, measure, group].reindex(seen.index)
                np.testing.assert_array_equal(seen, said)
                compared += int(seen.notna().sum())
    assert compared > 1000


def test_ten_districts_have_their_own_figures(ten, known):
    wide, names = ten
    history = areas.history(tables.restrict_to_areas(wide, names), until=LAST)
    own = {row["district"]: row["code"] for row in known["districts"]}
    rows = pd.DataFrame(known["district_figures"])
    compared = 0
    for area in names:
        seen = history.own.sel(area=area).to_series().dropna()
        said = rows[rows.code == own[area]].set_index(["group", "measure", "year"]).value
        said = said.reindex(seen.index) if len(seen) else said[:0]
        np.testing.assert_allclose(seen, said, rtol=1e-14)
        compared += len(seen)
    assert compared > 100


def test_ten_districts_by_name_run_and_are_marked(ten, known, tiny_posterior):
    _, names = ten
    scenario = load_scenario(areas=TEN, horizon=5, start_year=START, split="per_disadvantaged_pupil")
    result = run(scenario, posterior=tiny_posterior)
    assert result.draws.area.values.tolist() == names
    modelled = result.draws.impact.sel(measure="key_stage_2", group="disadvantaged")
    assert np.isfinite(modelled).all()
    assert (modelled.mean(["chain", "draw", "year"]) > 0).all()
    code = {row["district"]: row["code"] for row in known["districts"]}
    in_county = {row["district"] for row in known["districts"] if row["tier"] == "county"} | {"Bournemouth", "Poole"}
    own = {
        (row["code"], row["group"], row["measure"]) for row in known["district_figures"] if row["year"] < START
    }  # fmt: skip
    for area in names:
        for cell, kinds in result.draws[["proxy", "estimated"]].sel(area=area).to_dataframe().iterrows():
            is_own = (code[area], *cell) in own
            assert bool(kinds.estimated) == (area in in_county and is_own)
            assert bool(kinds.proxy) == (area in in_county and not is_own)
    assert {area in in_county for area in names} == {True, False}
    estimated = result.manifest["to_verify"]
    assert {f"secondary_pupils of {name}" for name in names if name not in in_county} <= set(estimated["pupils"])
    assert "areas" not in estimated  # that a place was announced is assumed, and has no source to check


def test_a_named_place_changes_nothing_for_the_twelve(every_area, tiny_posterior):
    with_more = run(load_scenario("horizon=5", areas=["opportunity areas", "Tendring"]), posterior=tiny_posterior)
    assert with_more.draws.area.values.tolist() == [*every_area.draws.area.values, "Tendring"]
    for name in ("counterfactual", "history", "proxy"):
        of_twelve = with_more.draws[name].sel(area=every_area.draws.area)
        xr.testing.assert_identical(of_twelve.variable, every_area.draws[name].variable)


def test_the_tables_stay_as_they_are_where_no_place_is_named(known):
    assert places.with_places(known, ["Norwich", "Oldham"]) is known
    wide = places.with_places(known, ["Norwich", "Tendring"])
    for name in ("areas", "outcomes", "pupils"):
        assert wide[name][: len(known[name])] == known[name]
        assert len(wide[name]) > len(known[name])


def test_a_district_is_its_county_by_its_own_reception(known):
    wide = tables.read_all(names=["Tendring", "Essex"])
    (row,) = (row for row in wide["areas"] if row["area"] == "Tendring")
    assert (row["code"], row["published_place"], row["geography"]) == ("E07000076", "Essex", "district")
    own = {
        row["year"]: row["pupils"]
        for row in known["district_figures"]
        if row["code"] == "E07000076" and row["measure"] == "good_level_of_development"
    }
    counts = areas.Counts(wide)
    assert counts.count("reception_pupils", "Tendring", district=True) == own[max(own)]
    assert counts.cohort("Tendring", row, 0) == own[max(own)]


def test_a_county_by_name_has_the_rows_that_stand_for_its_districts(known):
    wide = tables.read_all(names=["Norfolk"])
    history = areas.history(tables.restrict_to_areas(wide, ["Norfolk", "Norwich"]), until=2023)
    published = history.published
    xr.testing.assert_equal(
        published.sel(area="Norfolk").drop_vars("area"), published.sel(area="Norwich").drop_vars("area")
    )
    assert history.district.to_series().to_dict() == {"Norwich": True, "Norfolk": False}
    assert not (history.proxy | history.estimated).sel(area="Norfolk").any()


SPELLED = {
    "hull": "Kingston upon Hull, City of", "City of Bristol": "Bristol, City of", "Derby City": "Derby",
    "Durham": "County Durham", "DURHAM COUNTY COUNCIL": "County Durham", "Stoke-On-Trent": "Stoke-on-Trent",
    "Kings Lynn": "King's Lynn and West Norfolk", "St. Albans": "St Albans", "Saint Helens": "St. Helens",
    "Folkestone & Hythe": "Folkestone and Hythe", "Shepway": "Folkestone and Hythe",
    "London Borough of Hackney": "Hackney", "Isle of Wight Council": "Isle of Wight", "Bedford Borough": "Bedford",
    "Herefordshire": "Herefordshire, County of", "Scarborough": "North Yorkshire Coast",
    "Royal Borough of Greenwich": "Greenwich", "North Yorkshire Council": "North Yorkshire",
    "E07000112": "Folkestone and Hythe", "E07000168": "North Yorkshire Coast", "E06000065": "North Yorkshire",
}  # fmt: skip


@pytest.mark.parametrize("name", SPELLED)
def test_a_name_is_found_however_it_is_written(name):
    assert area_names([name]) == [SPELLED[name]]


PARTS = {  # name of today: districts of 2013, county
    "East Suffolk": (("Suffolk Coastal", "Waveney"), "Suffolk"),
    "West Suffolk": (("Forest Heath", "St Edmundsbury"), "Suffolk"),
    "Somerset West and Taunton": (("Taunton Deane", "West Somerset"), "Somerset"),
    "Cumberland": (("Allerdale", "Carlisle", "Copeland"), "Cumbria"),
    "Westmorland and Furness": (("Barrow-in-Furness", "Eden", "South Lakeland"), "Cumbria"),
    "North Northamptonshire": (
        ("Corby", "East Northamptonshire", "Kettering", "Wellingborough"),
        "Northamptonshire",
    ),
    "West Northamptonshire": (("Daventry", "Northampton", "South Northamptonshire"), "Northamptonshire"),
}


@pytest.mark.parametrize("name", PARTS)
def test_a_name_of_today_stands_for_its_parts(name, known):
    districts, county = PARTS[name]
    wide = tables.read_all(names=area_names([name]))
    (row,) = (row for row in wide["areas"] if row["area"] == name)
    codes = {row["code"] for row in known["districts"] if row["district"] in districts}
    assert set(row["code"].split("+")) == codes
    assert (row["published_place"], row["geography"]) == (county, "district")
    own = pd.DataFrame(known["district_figures"]).query("measure == 'good_level_of_development'")
    sums = own[own.code.isin(codes)].groupby("year").pupils.agg(["sum", "count"])
    expected = sums["sum"][sums["count"] == len(codes)].iloc[-1]
    assert areas.Counts(wide).count("reception_pupils", name, district=True) == expected


def test_every_place_has_all_that_a_run_needs(known):
    names = [row["district"] for row in known["districts"]]
    names += [row["name"] for row in known["place_names"] if row["code"]]
    names += sorted({row["authority"] for row in known["authority_figures"]} - {"England"})
    found = sorted({places.find(name, known) for name in names} - {row["area"] for row in known["areas"]})
    assert len(found) > 300
    wide = tables.restrict_to_areas(tables.read_all(names=found), found)
    for until in (2023, 2025):
        history = areas.history(wide, until)
        areas.check_history(history, list(MEASURES))
        assert (history.behind.sel(group="all") > 0).all()
    pupils = areas.pupils(wide)
    assert (pupils.rolls > 0).all()
    assert pupils.share.sel(measure="key_stage_2").isin([np.nan]).sum() == 0


def test_the_order_does_not_hang_on_the_order_typed():
    assert area_names(["Tendring", "Oldham", "Hull", "Blackpool"]) == [
        "Blackpool", "Oldham", "Kingston upon Hull, City of", "Tendring",
    ]  # fmt: skip


REFUSED = {
    "an unknown name": (["Tendrin"], "unknown area or choice of areas 'Tendrin': did you mean 'Tendring'?"),
    "a name that none is like": (["London"], "education_investment_areas, or a name that districts.csv lists"),
    "two that it may be": (["Newcastle"], "may be Newcastle upon Tyne or Newcastle-under-Lyme: write one of them"),
    "too small": (["City of London"], "City of London has too few pupils"),
    "too small as well": (["isles of scilly"], "Isles of Scilly has too few pupils"),
    "one in the other": (["Kent", "Shepway"], "not overlap, got Folkestone and Hythe and Kent, which share Shepway"),
    "part of the table's": (["Fenland", "Fenland and East Cambridgeshire"], "which share Fenland"),
    "twice by two names": (["Scarborough", "North Yorkshire Coast"], "is listed twice"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_place_is_refused(case):
    names, says = REFUSED[case]
    with pytest.raises(Refusal, match=r"^[^\n]+$") as refusal:
        area_names(names)
    assert says in str(refusal.value)


def test_no_two_places_have_one_name(known):
    """Fail where a name without its style would stand for two places, of which the index would keep one."""
    by_name = {}
    for row in known["districts"]:
        by_name.setdefault(places.bare(row["district"]), set()).add(row["code"])
    assert all(len(codes) == 1 for codes in by_name.values())


def test_estimates_of_pupils_at_school_are_near_those_published(known, figures):
    """Take from the tables the pupils of the areas that have them, and hold the estimates against what was there."""
    published = {
        (row["quantity"], row["place"]): row["value"]
        for row in known["pupils"]
        if row["source"] == "PLACES" and row["place"] != "England"
    }
    names = {place for _, place in published}
    without = known | {
        name: [row for row in known[name] if row.get("place", row.get("published_place")) not in names]
        for name in ("areas", "outcomes", "pupils")
    }
    counts = areas.Counts(places.with_places(without, names))
    misses = [counts.count(*key) / value - 1 for key, value in published.items()]  # of the last year
    assert len(misses) == 24
    assert 0 < np.abs(misses).max() < LARGEST_MISS
    assert abs(np.mean(misses)) < 0.02


def test_the_figures_of_authorities_are_those_of_the_areas(known, figures):
    for row in known["outcomes"]:
        if row["geography"] in ("authority", "county"):
            own = figures[series_column(row["measure"], row["group"])][row["place"], row["year"]]
            assert own == pytest.approx(row["value"], abs=0.011)


@pytest.mark.skipif(not (FACTS / "lait_to_2024_25.parquet").exists(), reason="the wide files are not on this machine")
def test_the_table_is_made_by_its_script(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("make_authority_figures", ROOT / "docs/make_authority_figures.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    monkeypatch.setattr(script, "DATA", tmp_path)
    script.main(FACTS)
    name = "authority_figures.csv"
    assert (tmp_path / name).read_bytes() == (tables.FOLDER / name).read_bytes()


def test_a_table_that_names_no_district_is_refused(tmp_path):
    shutil.copytree(tables.FOLDER, tmp_path / "data", ignore=shutil.ignore_patterns("*.nc", "track_record"))
    file = tmp_path / "data" / "place_names.csv"
    file.write_text(file.read_text().replace("E07000205+E07000206", "E07000205+E07000999"))
    with pytest.raises(Refusal, match=r"place_names\.csv row 5: unknown code 'E07000999'"):
        tables.read_all(tmp_path / "data")
