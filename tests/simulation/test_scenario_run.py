"""A run: levels on their scale, proxies marked and wider, early years moved by own figures."""

import pytest
from tiny import CHAINS, DRAWS

from oa_sim import Refusal, load_scenario
from oa_sim.definitions import QUANTILES
from oa_sim.inference import counterfactual
from oa_sim.inputs import areas, tables
from oa_sim.simulation import scenario_run

DISTRICTS = {
    *("Fenland and East Cambridgeshire", "Hastings", "Ipswich", "North Yorkshire Coast", "Norwich", "West Somerset"),
}


def test_the_mean_lies_within_the_draws(tiny):
    table = tiny.summary()
    assert (abs(table["mean"] - table["q50"]) <= table["sd"] + 1e-9).all()
    assert (table["n_draws"] == CHAINS * DRAWS).all()


def test_levels_stay_on_the_scale_of_the_measure(every_area):
    table = every_area.summary().query("quantity != 'impact'")
    top = table.unit.map({"%": 100, "points": 90, "per 100 pupils": 100})  # 69 in five years
    assert (table[list(QUANTILES)].min(axis=1) >= 0).all()
    assert (table[list(QUANTILES)].max(axis=1) <= top).all()


def test_a_rate_most_likely_stays_below_one_for_two_pupils(every_area):
    table = every_area.summary().query("unit == 'per 100 pupils' and quantity != 'impact'")
    assert (table.q75 <= 50).all()


def test_without_money_nothing_is_said_to_last(run_tiny):
    rows = run_tiny("scenario=no_programme").lasting()
    assert set(rows.risk) == {"none"}
    assert (rows.p_impact == 0).all()


def test_all_that_rests_on_a_county_is_marked(every_area):
    table = every_area.summary()
    assert ((table.proxy | table.estimated) == table.area.isin(DISTRICTS)).all()
    assert not (table.proxy & table.estimated).any()
    own = table[table.estimated].groupby("measure").group.unique().map(sorted).to_dict()
    of_all = {name: ["all"] for name in ("good_level_of_development", "attainment_8", "persistent_absence")}
    assert own == {"key_stage_2": ["all", "disadvantaged", "other"], **of_all}


def test_a_districts_own_figures_move_its_early_years(known, tiny_posterior):
    other = [dict(row) for row in known["district_figures"]]
    for row in other:
        if (row["code"], row["measure"]) == ("E07000148", "good_level_of_development"):
            row["value"] -= 10
    scenario = load_scenario("areas=[Norwich]", "measures=[good_level_of_development]", "horizon=5")
    rolls = areas.pupils(known).rolls
    means = []
    for those in (known, known | {"district_figures": other}):
        history = areas.history(those, 2023)
        latent = counterfactual.project(scenario, tiny_posterior, history, those, rolls)
        means.append(float(latent.sel(group="other").mean()))
    assert means[1] < means[0] - 0.1


def test_a_proxy_has_a_wider_interval_than_an_authority(every_area):
    rows = every_area.summary().query("measure == 'phonics' and quantity == 'counterfactual' and year == 2026")
    width = (rows.q95 - rows.q05).groupby(rows.area.where(rows.group == "disadvantaged")).first()
    assert width["Norwich"] > width["Blackpool"]


def test_what_a_scenario_is_computed_from_is_of_its_own_areas_and_years():
    prepared = scenario_run.prepare(load_scenario("areas=[norwich, oldham]", "start_year=2020"))
    assert prepared.scenario.areas.names == ["Norwich", "Oldham"]
    assert prepared.history.area.values.tolist() == prepared.pupils.area.values.tolist() == ["Norwich", "Oldham"]
    assert int(prepared.history.year[-1]) == 2019
    # whole, since what is read of other areas is read of it
    assert {"Hastings", "Norwich"} < {row["area"] for row in prepared.tables["areas"]}
    assert {row["area"] for row in tables.restrict_to_areas(prepared.tables, ["Oldham"])["areas"]} == {"Oldham"}
    with pytest.raises(Refusal, match="no usable figure of"):
        scenario_run.prepare(load_scenario("measures=[neet_16_17]", "start_year=2018", "areas=[Oldham]"))
