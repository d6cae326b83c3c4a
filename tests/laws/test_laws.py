import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from tiny import CHAINS, DRAWS, TINY

from oa_sim import load_scenario
from oa_sim.definitions import MEASURES, QUANTITIES, YEAR_GROUPS
from oa_sim.inputs import areas, tables
from oa_sim.programme import budget, delivered_effects, laws, parameters
from oa_sim.projection import cohort
from oa_sim.scenario.overrides import groups
from oa_sim.simulation.scenario_run import last_known_year, run

TWO_GROUPS = [name for name, about in MEASURES.items() if len(about.groups) == 2]
SHARES = "split.shares={Blackpool: 0.21, Norwich: 0.33, Oldham: 0.46}"
SPLITS = [("split=equal",), ("split=per_pupil",), ("split=per_disadvantaged_pupil",), ("split=custom", SHARES)]
ENDINGS = ("stop", "taper", "extend", "hand_over")


@pytest.fixture(scope="session")
def pupils(known):
    return areas.pupils(known)


@pytest.fixture(scope="session")
def activity_of(known, pupils):
    """Answer the activity of a scenario, and its money."""

    def answer(*overrides):
        scenario = load_scenario(*TINY, *overrides)
        money = budget.allocate(scenario, pupils)
        drawn = parameters.drawn(scenario, known, CHAINS, DRAWS)
        rolls = pupils.rolls.sel(area=scenario.areas.names)
        return delivered_effects.activity(scenario, money, rolls, drawn), money

    return answer


def held_after(years, *, first_year, later=1.0, floor=0.0, stay=1.0, start=0):
    """Return the gain by year group of a cohort given 1 SD once in year group ``start``, some years later."""
    keep = cohort.Keep(*(np.array([value]) for value in (first_year, later, floor, stay)))
    nothing = np.zeros(len(YEAR_GROUPS))
    given = np.where(np.arange(len(YEAR_GROUPS)) == start, 1.0, 0.0)
    held = cohort.Gain(given, nothing, nothing)
    for _ in range(years):
        held = cohort.step(held, nothing, keep)
    return held.total()


def same_counterfactual(one, other):
    shared = {dim: [x for x in one.draws[dim].values if x in other.draws[dim].values] for dim in ("area", "measure")}
    xr.testing.assert_identical(
        one.draws.counterfactual.sel(shared).drop_attrs(), other.draws.counterfactual.sel(shared).drop_attrs()
    )


# money


@pytest.mark.parametrize("nothing", ["budget.total_gbp=0", "scenario=no_programme", "portfolio=none"])
def test_no_money_has_exactly_no_impact(run_tiny, nothing):
    impacts = run_tiny(nothing).draws.impact
    assert float(abs(impacts).max()) == 0.0


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("split", SPLITS, ids=lambda split: split[0])
def test_spend_adds_up_to_the_pound(pupils, split, ending):
    scenario = load_scenario(*TINY, *split, f"sustainability={ending}")
    for total in (0, 1, 7, 12_345_677, 108_000_000):
        asked = replace(scenario, budget=replace(scenario.budget, total_gbp=total))
        money = budget.allocate(asked, pupils)
        parts = [money[name].values for name in ("spend", "management", "unspent")]
        assert budget.reconcile(money)["difference"] == 0
        assert sum(part.sum() for part in parts) == total
        assert all((part >= 0).all() and (part == np.round(part)).all() for part in parts)


def test_money_that_buys_nothing_is_unspent_and_not_lost(run_tiny):
    account = run_tiny("portfolio=none").manifest["account_gbp"]
    assert account["allocated"] == 0
    assert account["unspent"] + account["management"] == account["money_in"] == 108_000_000


@pytest.mark.parametrize("ending", ["taper", "extend"])
def test_money_that_ends_later_is_the_same_money(activity_of, ending):
    _, stopped = activity_of()
    _, later = activity_of(f"sustainability={ending}")
    assert int(later.spend.sum() + later.management.sum()) == int(stopped.spend.sum() + stopped.management.sum())
    assert int((later.spend.sum(["area", "intervention"]) > 0).sum()) == 8


def test_more_money_never_lowers_reach():
    spend = np.geomspace(1, 1e12, 400)
    for capacity in (0.05, 0.5, 1.0):
        reached = laws.reach(spend, 180.0, 900.0, capacity)
        assert (np.diff(reached) >= 0).all()


def test_reach_never_exceeds_capacity_and_starts_at_a_pounds_worth():
    assert laws.reach(0.0, 180.0, 900.0, 0.5) == 0.0
    assert laws.reach(1e15, 180.0, 900.0, 0.5) <= 0.5
    assert laws.reach(1.0, 180.0, 900.0, 0.5) == pytest.approx(1 / (180 * 900), rel=1e-4)


def test_more_money_never_lowers_activity_where_schools_take_on_all_that_they_are_offered(activity_of):
    less, _ = activity_of("budget.total_gbp=5e7", "organisation.schools_take=100")
    more, _ = activity_of("budget.total_gbp=1e8", "organisation.schools_take=100")
    assert all((more[name][..., :5] >= less[name][..., :5] - 1e-12).all() for name in less)


def test_activity_never_exceeds_capacity(activity_of):
    scenario = load_scenario()
    found, _ = activity_of("budget.total_gbp=1e11")
    assert all(found[name].max() <= scenario.interventions[name].capacity for name in found)


def test_a_hundred_times_the_money_saturates(run_tiny):
    rich, richer = (run_tiny(f"budget.total_gbp={total}") for total in ("1e9", "1e11"))
    size = abs(rich.draws.impact.mean(["chain", "draw"]))
    grown = abs(richer.draws.impact.mean(["chain", "draw"]))
    assert float(grown.max()) < 3 * float(size.max())


# the same question, the same answer


@pytest.mark.parametrize("overrides", [(), ("portfolio=tutoring", "sustainability=taper"), ("budget.total_gbp=1e11",)])
def test_counterfactual_plus_impact_is_projection_to_the_last_bit(run_tiny, overrides):
    draws = run_tiny(*overrides).draws
    has = np.isfinite(draws.projection.values)
    total = draws.counterfactual.values + draws.impact.values
    assert total.dtype == np.float32
    assert (total[has] == draws.projection.values[has]).all()


def test_the_order_of_areas_is_irrelevant_to_the_last_digit(run_tiny):
    one = run_tiny("areas=[Norwich,Blackpool,Oldham]")
    other = run_tiny("areas=[Oldham,Blackpool,Norwich]")
    pd.testing.assert_frame_equal(one.summary(), other.summary(), check_exact=True)
    assert one.manifest["run_id"] == other.manifest["run_id"]


def test_the_order_of_measures_is_irrelevant(run_tiny):
    one, other = (run_tiny(f"measures=[{names}]") for names in ("phonics,key_stage_2", "key_stage_2,phonics"))
    pd.testing.assert_frame_equal(one.summary(), other.summary(), check_exact=True)


def test_the_same_seed_twice_gives_the_same_summary(run_tiny):
    pd.testing.assert_frame_equal(
        run_tiny("seed=5").summary(), run_tiny("seed=5", "seed=5").summary(), check_exact=True
    )


def test_another_seed_gives_another_answer(run_tiny):
    assert not np.array_equal(run_tiny("seed=5").draws.projection, run_tiny("seed=6").draws.projection, equal_nan=True)


@pytest.mark.parametrize(
    "overrides",
    [
        ("split=per_pupil",),
        ("portfolio=tutoring",),
        ("budget=three_years",),
        ("sustainability=hand_over",),
        ("evidence=sceptical",),
        ("areas=[Norwich]",),
        ("measures=[key_stage_2,suspensions]",),
        ("intervention=[early_language]", "portfolio=none"),
    ],
    ids=lambda overrides: overrides[0],
)
def test_the_counterfactual_does_not_depend_on_what_is_done(run_tiny, tiny, overrides):
    same_counterfactual(run_tiny(*overrides), tiny)


def test_a_longer_horizon_leaves_the_start_of_the_table_alone(run_tiny, tiny):
    assert run_tiny("horizon=6").draws.year.values.tolist()[:5] == tiny.draws.year.values.tolist()
    assert run_tiny("horizon=6").draws.sizes["year"] == 6


def test_a_longer_catalogue_never_changes_anothers_random_numbers(known):
    few = load_scenario(*TINY, "intervention=[primary_tutoring,secondary_tutoring]", "portfolio=tutoring")
    every = load_scenario(*TINY, "portfolio=tutoring")
    one, other = (parameters.drawn(scenario, known, CHAINS, DRAWS) for scenario in (few, every))
    xr.testing.assert_identical(one, other.sel(intervention=list(few.interventions)))


def test_a_longer_catalogue_never_changes_the_answer(run_tiny):
    alone = "organisation.national=[]"  # national programmes work through interventions of the catalogue
    few = run_tiny("intervention=[primary_tutoring,secondary_tutoring]", "portfolio=tutoring", alone)
    xr.testing.assert_identical(few.draws, run_tiny("portfolio=tutoring", alone).draws)


def test_one_area_fewer_never_changes_anothers_random_numbers(known):
    few, every = (load_scenario(areas, "horizon=5") for areas in ("areas=[Norwich]", "areas=opportunity_areas"))
    one, other = (parameters.drawn(scenario, known, CHAINS, DRAWS) for scenario in (few, every))
    xr.testing.assert_identical(one, other.sel(area=["Norwich"]))


# after the money


def test_a_stopped_bought_in_service_fades_and_keeps_fading(activity_of):
    found, money = activity_of("portfolio=tutoring")
    last = int(np.flatnonzero(money.spend.sum(["area", "intervention"]).values)[-1])
    for active in found.values():
        assert (active[..., last + 1] < active[..., last]).all()
        assert (np.diff(active[..., last:]) < 0).all()


def test_embedded_activity_survives_more_than_bought_in(known):
    scenario = load_scenario(*TINY)
    survives = parameters.drawn(scenario, known, CHAINS, 500).survives.mean(["chain", "draw"])
    by_kind = {}
    for name, about in scenario.interventions.items():
        by_kind.setdefault(about.kind, []).append(float(survives.sel(intervention=name)))
    assert min(by_kind["embedded"]) > max(by_kind["mixed"]) > max(by_kind["bought_in"])


def test_hand_over_keeps_more_than_stop_in_most_draws(activity_of):
    stopped, _ = activity_of()
    handed, _ = activity_of("sustainability=hand_over")
    for name in stopped:
        after = slice(5, None)
        more = handed[name][..., after].sum((-2, -1)) > stopped[name][..., after].sum((-2, -1))
        assert more.mean() > 0.8


def test_what_is_left_never_grows_with_the_years(tiny):
    kept = tiny.sustainability
    assert bool((kept.left_5y <= kept.left_1y + 1e-12).all())
    assert bool((kept.left_10y <= kept.left_5y + 1e-12).all())
    assert bool((kept.p_half_left_10y <= kept.p_half_left_5y + 1e-12).all())


# the one-year law


@pytest.mark.parametrize("years", range(1, 9))
def test_a_cohort_treated_once_keeps_what_the_law_says(years):
    first_year, later, floor = 0.47, 0.75, 0.3
    f = floor * first_year
    by_hand = f + (first_year - f) * later ** (years - 1)
    held = held_after(years, first_year=first_year, later=later, floor=floor)
    assert held[years] == pytest.approx(by_hand, abs=1e-12)
    assert np.count_nonzero(held) == 1


def test_two_years_of_fade_out_worked_on_paper():
    # 1 SD; 0.4 is left after a year, of which half never fades; the other 0.2 is halved
    assert held_after(1, first_year=0.4, later=0.5, floor=0.5)[1] == pytest.approx(0.4, abs=1e-12)
    assert held_after(2, first_year=0.4, later=0.5, floor=0.5)[2] == pytest.approx(0.3, abs=1e-12)


def test_retention_of_nought_keeps_nothing():
    assert held_after(1, first_year=0.0, later=1.0, floor=1.0).max() == 0.0


@pytest.mark.parametrize("kept", [{"later": 1.0, "floor": 0.0}, {"later": 0.0, "floor": 1.0}])
def test_retention_of_one_keeps_all(kept):
    assert held_after(7, first_year=1.0, **kept)[7] == 1.0


def test_a_floor_of_nought_keeps_nothing_in_the_end():
    assert held_after(2, first_year=0.5, later=0.0, floor=0.0).max() == 0.0


def test_gain_moves_up_one_year_group_a_year_and_leaves_at_the_end():
    for years in range(4):
        assert held_after(years, first_year=1.0, start=5).argmax() == 5 + years
    assert held_after(1, first_year=1.0, start=len(YEAR_GROUPS) - 1).max() == 0.0


def test_pupils_who_leave_take_their_gain_with_them():
    assert held_after(3, first_year=1.0, stay=0.9)[3] == pytest.approx(0.9**3, abs=1e-12)


# the published figure


@pytest.mark.parametrize("measure", MEASURES)
def test_a_gain_moves_each_measure_the_way_that_is_better(pupils, measure):
    shape = {"area": ["Norwich"], "group": ["disadvantaged", "other", "all"], "measure": [measure], "year": [2024]}
    dims = ("chain", "draw", *shape)
    latent = xr.DataArray(np.full((1, 1, 1, 3, 1, 1), 0.5), shape, dims)
    found = cohort.outcomes(latent, xr.full_like(latent, 0.1), pupils).impact
    sign = -1 if MEASURES[measure].lower_is_better else 1
    assert all(sign * found.sel(group=group).item() > 0 for group in MEASURES[measure].table_groups)


@pytest.mark.parametrize("measure", TWO_GROUPS)
@pytest.mark.parametrize("quantity", QUANTITIES)
def test_all_pupils_lie_between_the_two_groups(every_area, measure, quantity):
    at = every_area.draws[quantity].sel(measure=measure)
    poor, other, everyone = (at.sel(group=group).values for group in ("disadvantaged", "other", "all"))
    rounding = 2.0**-15
    assert (everyone >= np.minimum(poor, other) - rounding).all()
    assert (everyone <= np.maximum(poor, other) + rounding).all()


def test_the_programme_helps_on_average(tiny):
    table = tiny.summary().query("quantity == 'impact' and year == 2030")
    better = table["mean"] * np.where(table.measure.map(lambda name: MEASURES[name].lower_is_better), -1, 1)
    assert (better >= 0).all()


# every shipped scenario


@pytest.mark.parametrize(
    "choice", [f"{group}={name}" for group in ("scenario", "system") for name in groups()[group] if name != "none"]
)
def test_a_shipped_scenario_keeps_its_accounts(run_tiny, choice):
    twins = load_scenario(choice).organisation.twins
    result = run_tiny(choice, *(["areas=[Blackpool,Ipswich,Norwich,Oldham]"] if twins else []))
    table = result.pupils_served()
    assert (table.pupils_q95 <= table.roll + 1e-6).all()
    assert (table.pupils <= table.places + 1e-6).all()
    assert result.manifest["account_gbp"]["difference"] == 0
    assert int(sum(result.money[name].sum() for name in ("spend", "management", "unspent"))) == round(
        result.manifest["scenario"]["budget"]["total_gbp"]
    )
    draws = result.draws
    off = abs(draws.counterfactual.astype(float) + draws.impact.astype(float) - draws.projection.astype(float))
    assert float(off.max()) <= 1e-9


# horizons and overlap


def test_a_year_is_the_same_whatever_horizon_is_asked_for(run_tiny):
    short, long = run_tiny("seed=3"), run_tiny("seed=3", "horizon=15")
    shared = {"year": short.draws.year.values}
    for quantity in QUANTITIES:
        xr.testing.assert_identical(short.draws[quantity], long.draws[quantity].sel(shared))


def test_what_lasts_does_not_depend_on_the_horizon(run_tiny):
    short, long = run_tiny("seed=3"), run_tiny("seed=3", "horizon=15")
    xr.testing.assert_identical(short.sustainability, long.sustainability)


def test_a_thousandth_of_the_money_elsewhere_does_no_harm(run_tiny):
    def impact_of(shares):
        impact = run_tiny("portfolio=custom", f"portfolio.shares={shares}").draws.impact
        return float(impact.sel(measure="key_stage_2", group="disadvantaged", year=2030).mean())

    alone = impact_of("{primary_tutoring: 1.0}")
    assert alone * 0.999 < impact_of("{primary_tutoring: 0.999, breakfast_clubs: 0.001}") < alone * 1.1


def test_programmes_that_share_no_pupil_leave_each_other_alone(activity_of):
    overrides = ("portfolio=custom", "portfolio.shares={primary_tutoring: 0.5, secondary_tutoring: 0.5}")
    active, _ = activity_of(*overrides)
    left = delivered_effects.overlap(load_scenario(*TINY, *overrides), active, np.full((CHAINS, DRAWS), 0.8))
    assert all((share == 1).all() for share in left.values())


@pytest.mark.parametrize(("start", "until"), [(2030, 2025), (2027, 2025), (2026, 2025), (2025, 2024), (2020, 2019)])
def test_a_run_knows_what_was_published_before_it_starts_and_no_more(start, until):
    assert last_known_year(load_scenario(f"start_year={start}")) == until


def test_figures_published_after_the_start_change_nothing(tmp_path, tiny_posterior):
    folder = shutil.copytree(tables.FOLDER, tmp_path / "data")
    path = folder / "outcomes.csv"
    lines = [line.split(",") for line in path.read_text(encoding="utf-8").splitlines()]
    later = [[*cells[:5], str(0.9 * float(cells[5])), *cells[6:]] if cells[4] == "2023" else cells for cells in lines]
    assert later != lines
    path.write_text("\n".join(",".join(cells) for cells in later) + "\n", encoding="utf-8")
    early = [
        run(load_scenario(*TINY, "start_year=2023", *more), posterior=tiny_posterior)
        for more in ((), (f"data_folder={folder}",))
    ]
    same_counterfactual(*early)
    assert early[0].manifest["data_hash"] != early[1].manifest["data_hash"]


def test_a_later_start_is_the_later_years_of_the_same_course(run_tiny):
    now, later = run_tiny("horizon=15"), run_tiny("start_year=2028", "horizon=5")
    middle = [
        draws.counterfactual.sel(year=2030, area="Blackpool").median(["chain", "draw"])
        for draws in (now.draws, later.draws)
    ]
    spread = now.draws.counterfactual.sel(year=2030, area="Blackpool").std(["chain", "draw"])
    assert bool((abs(middle[0] - middle[1]) <= spread).where(spread.notnull(), True).all())
