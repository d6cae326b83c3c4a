"""What the impact is worth: pupils that add up, pounds that are discounted, prices that may not exist, three views."""

import json
from dataclasses import replace

import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from tiny import CHAINS, DRAWS, TINY

from oa_sim import Refusal, Result, compare, load_scenario
from oa_sim.definitions import MEASURES, QUANTILES
from oa_sim.inference import baseline_fit
from oa_sim.inputs import areas
from oa_sim.programme import budget
from oa_sim.programme.parameters import draw
from oa_sim.projection import appraisal, cohort, ranking
from oa_sim.report import folder_writers, run_brief
from oa_sim.report.formats import html_pages
from oa_sim.rng import stream
from oa_sim.simulation import narrative

PAID_FOR_NOTHING = ("extra", "fewer", "suspensions", "gap_closed", "benefit", "weighted_benefit", "gap_closing_benefit")
BENEFITS = ("benefit", "weighted_benefit", "gap_closing_benefit")
TWO_GROUPS = [name for name, about in MEASURES.items() if len(about.groups) == 2]


@pytest.fixture(scope="module")
def pupils(known):
    return areas.pupils(known)


@pytest.fixture(scope="module")
def table(tiny):
    return tiny.valued()


@pytest.fixture
def few_draws(monkeypatch, tiny_posterior):
    """Let compare, which takes no posterior, use the few draws."""
    monkeypatch.setattr(baseline_fit, "load", lambda *_: tiny_posterior)


def made_up(pupils, gained, **choices):
    """Return the value of a programme whose gain in Attainment 8 (SD) is given by area, group and year."""
    scenario = load_scenario(*TINY, "measures=[attainment_8]")
    scenario = replace(scenario, value=replace(scenario.value, **choices))
    money = budget.allocate(scenario, pupils)
    dims = ("chain", "draw", "area", "group", "measure", "year")
    coords = {
        "area": scenario.areas.names,
        "group": ["disadvantaged", "other"],
        "measure": scenario.measures,
        "year": money.year.values,
    }
    gain = xr.DataArray(np.zeros((2, 30, 3, 2, 1, money.sizes["year"])), coords, dims)
    for (area, group, year), amount in gained.items():
        gain.loc[{"area": area, "group": group, "year": year}] = amount
    found = appraisal.appraise(scenario, cohort.with_all(gain, pupils), money, pupils, xr.Dataset())
    return scenario, money, found


def helped(group, amount):
    return {(area, group, 2028): amount for area in ("Blackpool", "Norwich", "Oldham")}


# pupils


@pytest.mark.parametrize("measure", TWO_GROUPS)
def test_the_pupils_of_the_two_groups_are_all_pupils(pupils, measure):
    found = appraisal.pupils_of(pupils, ["Norwich", "Oldham"], [measure]).sel(measure=measure)
    rolls = pupils.rolls.sel(area=["Norwich", "Oldham"], year_group=list(MEASURES[measure].year_groups))
    np.testing.assert_allclose(found.sel(group=["disadvantaged", "other"]).sum("group"), found.sel(group="all"))
    np.testing.assert_allclose(found.sel(group="all"), rolls.sum(["group", "year_group"]))


def test_extra_pupils_of_the_two_groups_add_to_all(tiny):
    for measure in TWO_GROUPS:
        poor, other, everyone = (appraisal.extra(tiny.draws, tiny.value.pupils, measure, g) for g in value_groups())
        np.testing.assert_array_equal(poor + other, everyone)


def value_groups():
    return ("disadvantaged", "other", "all")


@pytest.mark.parametrize("measure", TWO_GROUPS)
def test_extra_pupils_are_the_published_impact_on_all_times_all_pupils(tiny, measure):
    at = {"measure": measure, "group": "all"}
    size = 1.0 if MEASURES[measure].unit == "points" else 100.0
    expected = tiny.draws.impact.sel(at) * tiny.value.pupils.sel(at) / size
    found = appraisal.extra(tiny.draws, tiny.value.pupils, measure, "all")[:-1]
    expected = expected.transpose("area", "year", "chain", "draw").values.reshape(found.shape)
    grid = 2 / cohort.GRID * float(tiny.value.pupils.sel(at).max()) / size  # figures are rounded before they are summed
    np.testing.assert_allclose(found, expected, atol=grid)


def test_areas_add_to_all_areas_and_years_to_the_whole(table):
    rows = table[table.quantity == "extra_pupils"].fillna({"year": 0})
    rows = rows.pivot_table("mean", ["measure", "group", "area"], "year")
    np.testing.assert_allclose(rows.drop(columns=0).sum(axis=1), rows[0], rtol=1e-9)
    everywhere = rows.xs("all areas", level="area")
    by_area = rows.drop("all areas", level="area").groupby(["measure", "group"]).sum()
    np.testing.assert_allclose(by_area, everywhere, rtol=1e-9)


def test_fewer_absent_pupils_count_as_a_gain(tiny):
    assert appraisal.extra(tiny.draws, tiny.value.pupils, "persistent_absence", "all").mean() > 0
    assert float(tiny.draws.impact.sel(measure="persistent_absence", group="all").mean()) < 0


def test_the_gap_that_closes_is_the_gap_with_less_the_gap_without(table):
    rows = table[table.quantity.str.startswith("gap_") & (table.measure == "phonics")]
    rows = rows.pivot_table("mean", ["area", "year"], "quantity")
    np.testing.assert_allclose(rows.gap_closed, rows.gap_with - rows.gap_without, atol=1e-9)
    assert (rows.gap_without < 0).all()


# money


def test_what_was_spent_reconciles_with_the_account_to_the_pound(run_tiny):
    for overrides in ((), ("budget.total_gbp=12345677",), ("portfolio=none",), ("sustainability=extend",)):
        result = run_tiny(*overrides)
        account, rows = result.manifest["account_gbp"], result.valued()
        spent = rows[(rows.quantity == "spent") & rows.year.isna()].set_index("area")["mean"]
        beside = float(result.account().query("paid_from == 'national programmes'").gbp.sum())
        assert spent["all areas"] == pytest.approx(account["allocated"] + account["management"] + beside)
        assert spent.drop("all areas").sum() == pytest.approx(spent["all areas"])
        assert float(result.value.spent.sum()) == pytest.approx(account["money_in"] - account["unspent"] + beside)


def test_discounting_is_that_of_the_green_book():
    assert appraisal.discount(0, 0.035, 0.03) == 1
    assert appraisal.discount(10, 0.035, 0.03) == pytest.approx(1 / 1.035**10)
    assert appraisal.discount(32, 0.035, 0.03) == pytest.approx(1 / (1.035**30 * 1.03**2))


def test_the_present_value_of_one_cohort_equals_a_calculation_by_hand(pupils):
    scenario, money, found = made_up(pupils, {("Oldham", "disadvantaged", 2028): 0.1})
    roll = float(pupils.rolls.sel(area="Oldham", group="disadvantaged", year_group=11))
    causal = draw(scenario.value.causal_share, stream(scenario.seed, "causal share"), (2, 30))
    by_hand = 0.1 * 19 * roll * 8_500 * 0.92 * causal / 1.035**2
    benefit = found.benefit.sel(area="Oldham")
    np.testing.assert_allclose(benefit.sel(group="disadvantaged"), by_hand, rtol=1e-12)
    np.testing.assert_allclose(benefit.sel(group="all"), by_hand, rtol=1e-12)
    assert not found.benefit.sel(area=["Blackpool", "Norwich"]).any()
    paid = (money.spend.sum("intervention") + money.management).sel(area="Oldham")
    by_hand = sum(float(paid.sel(year=2026 + t)) / 1.035**t for t in range(5))
    assert float(found.cost.sel(area="Oldham")) == pytest.approx(by_hand, rel=1e-12)


def test_twice_the_worth_of_a_point_is_twice_the_present_value(pupils):
    gained = helped("other", 0.1) | helped("disadvantaged", 0.2)
    one, two = (made_up(pupils, gained, point_gbp=gbp)[2] for gbp in (8_500.0, 17_000.0))
    for name in BENEFITS:
        xr.testing.assert_allclose(2 * one[name], two[name], rtol=1e-12)


def test_a_cohort_that_comes_later_is_worth_less(pupils):
    soon, late = (made_up(pupils, {("Norwich", "other", year): 0.1})[2].benefit.sum() for year in (2027, 2042))
    assert float(late) == pytest.approx(float(soon) / 1.035**15)


def test_cohorts_beyond_the_horizon_are_counted(run_tiny):
    short, long = run_tiny("seed=3"), run_tiny("seed=3", "horizon=15")
    for name in (*BENEFITS, "cost"):
        xr.testing.assert_identical(short.value[name], long.value[name])
    assert short.value.attrs["last_year"] > int(short.draws.year[-1])


def test_an_areas_value_does_not_depend_on_which_others_there_are(run_tiny):
    several, alone = run_tiny(), run_tiny("areas=[Norwich]", "budget.total_gbp=36e6")
    for name in (*BENEFITS, "cost"):
        xr.testing.assert_allclose(several.value[name].sel(area=["Norwich"]), alone.value[name], rtol=1e-12)


def test_a_pound_counts_more_to_the_poorer_and_equally_where_elasticity_is_0(pupils):
    assert appraisal.welfare_weight(2.0, 1.3) == pytest.approx(2**1.3)
    _, _, found = made_up(pupils, helped("disadvantaged", 0.1), elasticity=0.0)
    np.testing.assert_allclose(found.weighted_benefit, found.benefit.sel(group="all"))
    _, _, found = made_up(pupils, helped("disadvantaged", 0.1))
    assert (found.weighted_benefit > found.benefit.sel(group="all")).all()


def test_what_helps_all_alike_closes_no_gap(pupils):
    _, _, found = made_up(pupils, helped("disadvantaged", 0.1) | helped("other", 0.1))
    assert float(abs(found.gap_closing_benefit).max()) == 0
    assert (found.benefit.sel(group="all") > 0).all()


def test_no_money_has_no_value_and_says_none(run_tiny):
    result = run_tiny("scenario=no_programme")
    rows = result.valued()
    zero = rows[rows.quantity.str.startswith(PAID_FOR_NOTHING) & ~rows.quantity.str.contains("per_|ratio")]
    assert (zero["mean"] == 0).all()
    without = rows[rows.quantity.str.contains("per_pound|per_100k|cost_per|ratio|p_benefit|share_of_draws")]
    assert without["mean"].isna().all()
    assert set(without.note) == {"none: no money is spent"}
    assert narrative.worth(result) == []
    assert set(result.ranked().alarm) == {"none: no money is spent"}
    assert "No money is spent" in html_pages.brief_page(run_brief.run_document(result))


def test_management_that_buys_nothing_costs_and_gains_nothing(run_tiny):
    result = run_tiny("portfolio=none")
    rows = result.valued().query("area == 'all areas'").set_index("quantity")
    assert rows.loc["benefit_cost_ratio", "mean"] == 0 == rows.loc["p_benefit_above_cost", "mean"]
    assert rows.loc["net_present_value", "mean"] == pytest.approx(-rows.loc["present_cost", "mean"])
    assert (rows.loc["cost_per_extra_pupil", "q50"] == np.inf).all()


# prices


def test_draws_without_gain_are_dearer_than_all_others():
    rates = np.linspace(-0.2, 0.8, 101)  # one in five gains nothing
    price = appraisal.price_of(rates)
    assert price["q50"] == pytest.approx(1 / 0.3)
    assert price["q05"] == pytest.approx(1 / 0.75)
    assert price["q90"] == price["q95"] == np.inf
    assert np.isnan(price["mean"])


def test_the_price_of_one_more_is_money_over_pupils_to_date(tiny, table):
    more = appraisal.extra(tiny.draws, tiny.value.pupils, "key_stage_2", "all")[-1]
    spent = [float(tiny.value.spent.sel(money_year=slice(2026, year)).sum()) for year in (2028, 2030)]
    rows = table[(table.quantity == "cost_per_extra_pupil") & (table.measure == "key_stage_2")]
    rows = rows[rows.area == "all areas"].set_index("year")
    by_hand = [np.median(money / more[:n].sum(0)) for money, n in zip(spent, (3, 5), strict=True)]
    np.testing.assert_allclose(rows.loc[[2028, 2030], "q50"].astype(float), by_hand, rtol=2e-2)
    assert rows.loc[rows.index.isna(), "q50"].iloc[0] == rows.loc[2030, "q50"]


def test_a_share_of_draws_without_gain_is_told_beside_the_price(table):
    shares = table[table.quantity.str.startswith("share_of_draws_without")]
    assert shares["mean"].between(0, 1).all()
    assert set(shares.measure) == set(MEASURES)


# the table


def test_the_table_of_value_has_its_columns_units_and_marks(tiny, table):
    assert tuple(table.columns) == appraisal.COLUMNS
    assert (table.unit.str.len() > 0).all()
    assert (table.n_draws == CHAINS * DRAWS).all()
    marked = table[table.measure != ""].groupby("area").proxy.any()
    assert marked.to_dict() == {"Blackpool": False, "Norwich": True, "Oldham": False, "all areas": True}
    quantiles = table[list(QUANTILES)].dropna().values
    assert (quantiles[:, 1:] >= quantiles[:, :-1]).all()
    keys = ["area", "measure", "group", "quantity", "year"]
    assert not table.duplicated(keys).any()


def test_the_chance_that_benefit_exceeds_cost_is_a_chance(table):
    chances = table[table.quantity == "p_benefit_above_cost"]["mean"]
    assert len(chances) == 4
    assert chances.between(0, 1).all()
    assert chances.between(0.01, 1).any()


def test_prices_are_said_beside_every_pound_of_benefit(table):
    rows = table[table.quantity.str.contains("benefit|net_present")]
    assert rows.note.str.contains("about 2021").all()
    assert rows.note.str.contains("nothing is deflated").all()
    assert rows.price_base.str.contains("about 2021").all()


def test_neet_is_a_line_of_its_own_that_nothing_adds(run_tiny, table):
    rows = table[table.quantity == "neet_saving_not_added"]
    assert rows.note.str.contains("never to be added").all()
    without = run_tiny("measures=[attainment_8]").valued()
    for quantity in ("benefit", "net_present_value"):
        one, other = (t[(t.quantity == quantity) & (t.group == "all")]["mean"].tolist() for t in (table, without))
        np.testing.assert_allclose(one, other)


def test_a_ratio_above_5_calls_for_a_review_in_words(run_tiny):
    result = run_tiny("value.point_gbp=400000")
    rows = result.valued().query("quantity == 'benefit_cost_ratio' and area == 'all areas'")
    assert rows.note.iloc[0].startswith("REVIEW")
    assert any("REVIEW" in line for line in narrative.headline(result))
    assert "REVIEW" in html_pages.brief_page(run_brief.run_document(result))
    assert not any("REVIEW" in line for line in narrative.headline(run_tiny()))


def test_without_attainment_8_no_benefit_is_claimed(run_tiny):
    result = run_tiny("measures=[phonics,suspensions]")
    assert not result.valued().quantity.str.contains("benefit").any()
    assert set(result.ranked().area) == {"Blackpool", "Norwich", "Oldham"}
    assert result.ranked().alarm.str.contains("no benefit is claimed").all()
    assert "No benefit in pounds is claimed" in narrative.worth(result)[0]
    assert "No benefit in pounds is claimed" in html_pages.brief_page(run_brief.run_document(result))


def test_a_failed_gate_marks_the_value_too(tiny):
    gates = tiny.manifest["gates"] | {"verdict": "FAIL"}
    failed = replace(tiny, manifest=tiny.manifest | {"gates": gates})
    for rows in (failed.valued(), failed.ranked(), failed.origins()):
        assert set(rows.scenario) == {"as_delivered [FAIL]"}


# the file


def test_value_is_saved_and_loaded_to_the_last_bit(tiny, table, tmp_path):
    back = Result.load(tiny.save(tmp_path / "result.nc"))
    xr.testing.assert_identical(back.value, tiny.value)
    xr.testing.assert_identical(back.uncertainty, tiny.uncertainty)
    pd.testing.assert_frame_equal(back.valued(), table)


def test_a_file_from_before_value_was_reckoned_still_loads_and_says_nothing_of_it(tiny, tmp_path):
    path = tiny.save(tmp_path / "result.nc")
    with h5py.File(path, "a") as file:
        del file["value"], file["uncertainty"]
        file.attrs["groups"] = json.dumps(["posterior", "money", "sustainability", "outside"])
    old = Result.load(path)
    assert len(old.valued()) == len(old.ranked()) == len(old.origins()) == 0
    assert tuple(old.valued().columns) == appraisal.COLUMNS
    assert len(narrative.headline(old)) == len(narrative.headline(tiny)) - 3
    assert "<h3>Value" in html_pages.brief_page(run_brief.run_document(tiny))
    assert "<h3>Value" not in html_pages.brief_page(run_brief.run_document(old))


def test_a_file_that_lost_its_money_is_still_refused(tiny, tmp_path):
    path = tiny.save(tmp_path / "result.nc")
    with h5py.File(path, "a") as file:
        del file["money"]
    with pytest.raises(Refusal, match="not a whole result"):
        Result.load(path)


def test_a_run_and_a_comparison_write_their_tables(tiny, few_draws, tmp_path):
    folder = folder_writers.write(tiny, tmp_path)
    for name in ("value", "ranking", "uncertainty"):
        assert len(pd.read_csv(folder / f"{name}.csv")) > 0
    few = ("measures=[attainment_8]",)
    found = compare(load_scenario(*TINY, *few), load_scenario(*TINY, *few, "scenario=no_programme"))
    rows = pd.read_csv(folder_writers.write_comparison(found, tmp_path) / "ranking.csv")
    assert set(rows.scenario) == {"as_delivered", "no_programme"}
    assert set(rows.view) == set(ranking.VIEWS)
    assert set(rows[rows.scenario == "no_programme"].alarm) == {"none: no money is spent"}


# rankings


def test_a_comparison_says_so_where_the_views_disagree(few_draws, monkeypatch):
    few = (*TINY, "measures=[attainment_8]", "portfolio=none")
    found = compare(load_scenario(*few), load_scenario(*few, "name=another"))
    assert not any("three views" in line for line in narrative.compared(found))
    rng = np.random.default_rng(1)
    crossed = {"plain": [[2.0], [1.0]], "weighted": [[2.0], [1.0]], "gap_closing": [[1.0], [2.0]]}
    views = {view: np.array(mean) + 0.01 * rng.standard_normal((2, 40)) for view, mean in crossed.items()}
    monkeypatch.setattr(type(found), "views", lambda self: views)
    assert "Another by gap-closing benefit" in narrative.compared(found)[-1]
    assert found.ranked().alarm.str.contains("disagree").all()


# assumptions


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("value.causal_share={dist: Normal, a: 0.6, b: 0.1}", "value.causal_share is a share"),
        ("value.point_gbp=-1", "value.point_gbp must be"),
        ("value.discount_rate=3.5", "value.discount_rate must be"),
        ("value.income_ratio={dist: Normal, a: 1.5, b: 0.1}", "value.income_ratio must be"),
        ("value.pound=1", "value.pound"),
    ],
)
def test_an_assumption_that_makes_no_sense_is_refused(override, said):
    with pytest.raises(Refusal, match=said):
        load_scenario(override)


def test_scenarios_valued_differently_are_not_compared():
    with pytest.raises(Refusal, match="must share value"):
        compare(load_scenario(*TINY), load_scenario(*TINY, "name=another", "value.elasticity=0"))


def test_the_question_in_the_file_holds_the_assumptions(tiny):
    kept = json.loads(json.dumps(tiny.manifest))["scenario"]["value"]
    assert kept["point_gbp"] == 8_500
    assert kept["benefit_prices"] == "about 2021"
