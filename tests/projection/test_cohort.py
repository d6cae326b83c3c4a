"""The cohort law: a case worked by hand, a second plain implementation, and the two carry-overs."""

import numpy as np
import pytest
import xarray as xr
from tiny import TINY

from oa_sim import load_scenario
from oa_sim.definitions import MEASURES, YEAR_GROUPS
from oa_sim.inputs import areas
from oa_sim.programme import budget, delivered_effects, laws, parameters
from oa_sim.projection import cohort
from oa_sim.scenario.assumptions import Prior
from oa_sim.simulation.scenario_run import run

ALONE = ("areas=[Norwich]", "horizon=5", "portfolio=custom", "portfolio.shares={early_language: 1.0}")


def fixed(drawn, **values):
    """Return draws in which some parameters have one value each."""
    return drawn.assign({name: xr.full_like(drawn[name], value) for name, value in values.items()})


def by_hand(known, **survival):
    """Return the gain of 100,000 GBP of early language in one year in a made-up Norwich."""
    scenario = load_scenario(*ALONE, "budget.profile=[1]", "budget.announced_years_before=0.9")
    drawn = fixed(
        parameters.drawn(scenario, known, 1, 1), unit_cost=180.0, lag=0.9, ramp=1.0, dose=0.6, effect=0.1, delivery=1.0,
        first_year=0.7, later=0.8, floor=0.25, leave_area=0.02, **survival,
    )  # fmt: skip
    money = budget.allocate(scenario, areas.pupils(known)) * 0
    money.spend.loc[{"intervention": "early_language", "year": 2026}] = 100_000.0
    rolls = xr.zeros_like(areas.pupils(known).rolls.sel(area=["Norwich"]))
    rolls.loc[{"group": "disadvantaged", "year_group": 0}] = 1000.0
    rolls.loc[{"group": "other", "year_group": 0}] = 2000.0
    active = delivered_effects.activity(scenario, money, rolls, drawn)
    return cohort.gain_by_measure(
        scenario, delivered_effects.new_gains(scenario, active, drawn), drawn
    ).squeeze(), active["early_language"].squeeze()


def test_one_cohort_worked_by_hand(known):
    gain, active = by_hand(known, survives=0.0)
    eligible = 0.5 * 1000 + 0.25 * 2000  # pupils whom the programme may serve
    reach = 0.7 * (1 - np.exp(-100_000 / (180 * eligible * 0.7)))  # capacity 0.7
    delivered = 0.5  # it starts with the year, and rises to full within it
    served = reach * 0.6 * delivered  # dose
    assert active[0] == pytest.approx(served, abs=1e-10)
    given = served * 0.1 * 0.5  # SD; half of the effect reaches the whole profile
    f = 0.25 * 0.7  # never fades
    for measure, years in {"good_level_of_development": 0, "phonics": 1, "key_stage_2": 6, "attainment_8": 11}.items():
        kept = 1.0 if years == 0 else f + (0.7 - f) * 0.8 ** (years - 1)
        for group, share in {"disadvantaged": 0.5, "other": 0.25}.items():
            course = gain.sel(measure=measure, group=group)
            expected = share * given * kept * 0.98**years  # 2% leave the area each year
            assert float(course.sel(year=2026 + years)) == pytest.approx(expected, abs=1e-10)
            assert np.count_nonzero(course) == 1  # one cohort, seen once


def test_three_years_of_fade_out_and_one_year_group_up_a_year(known):
    keep = cohort.Keep(*(np.array([value]) for value in (0.7, 0.8, 0.25, 0.98)))
    given = np.zeros(5)
    given[0] = 0.01
    held = list(cohort.follow(given, np.isin(YEAR_GROUPS, [0]).astype(float), keep))
    on_paper = [0.01, 0.01 * 0.98 * 0.7]
    on_paper.append(0.01 * 0.98**2 * (0.175 + 0.525 * 0.8))
    on_paper.append(0.01 * 0.98**3 * (0.175 + 0.525 * 0.8 * 0.8))
    for years, expected in enumerate(on_paper):
        assert held[years][YEAR_GROUPS.index(years)] == pytest.approx(expected, abs=1e-10)
        assert held[years].sum() == pytest.approx(expected, abs=1e-10)


def test_a_cohort_followed_year_by_year_keeps_what_the_retention_law_says():
    keep = cohort.Keep(*(np.array([[value]]) for value in (0.7, 0.8, 0.25, 0.98)))
    given, youngest = np.zeros((1, 8)), np.eye(len(YEAR_GROUPS))[0]
    given[0, 0] = 1.0
    held = [float(gain.sum()) for gain in cohort.follow(given, youngest, keep)]
    years = np.arange(1, 8)
    np.testing.assert_allclose(held, [1.0, *(0.98**years * laws.retention(0.7, 0.8, 0.25, years))])


def test_what_goes_on_unpaid_serves_the_next_cohort_and_not_the_first_again(known):
    gain, active = by_hand(known, survives=0.4, survives_later=0.8, quality=0.5)
    served = float(active[0])
    course = gain.sel(measure="good_level_of_development", group="disadvantaged").values
    for years, goes_on in enumerate((1.0, 0.4 * 0.5, 0.4 * 0.5 * 0.8, 0.4 * 0.5 * 0.8**2)):
        assert course[years] == pytest.approx(0.5 * served * goes_on * 0.1 * 0.5, abs=1e-10)


# a second, plain implementation


def plainly(active, effect, weight, year_groups, keep, read):
    """Return the gain that a measure sees in each year: each gift followed by itself, in closed form."""
    first_year, later, floor, stay = keep
    course = []
    for year in range(len(active)):
        seen = 0.0
        for given_in in range(year + 1):
            years = year - given_in
            kept = 1.0 if years == 0 else first_year * (floor + (1 - floor) * later ** (years - 1))
            for year_group in year_groups:
                if year_group + years in read:  # the same pupils, so many year groups on
                    seen += active[given_in] * effect * weight * kept * stay**years / len(read)
        course.append(seen)
    return course


@pytest.mark.parametrize("seed", range(5))
def test_a_second_plain_implementation_agrees(known, seed):
    rng = np.random.default_rng(seed)
    scenario = load_scenario("areas=[Norwich]", "horizon=5", f"seed={seed}")
    drawn = fixed(parameters.drawn(scenario, known, 1, 2), overlap=1.0)  # programmes do not meet
    n_years = len(budget.window(scenario))
    active = {name: rng.uniform(0, 0.5, (1, 2, 1, n_years)) for name in scenario.interventions}
    found = cohort.gain_by_measure(scenario, delivered_effects.new_gains(scenario, active, drawn), drawn)
    for draw in range(2):
        at = drawn.isel(chain=0, draw=draw)
        for measure, about in MEASURES.items():
            expected = {"disadvantaged": np.zeros(n_years), "other": np.zeros(n_years)}
            for name, mine in scenario.interventions.items():
                link = {str(c): float(at.attendance_link.sel(channel=c)) for c in at.channel.values}
                weight = delivered_effects.reaches(mine, link).get(about.channel, 0.0)
                one = at.sel(intervention=name)
                keep = (*(float(one[key]) for key in ("first_year", "later", "floor")), 1 - float(at.leave_area))
                course = plainly(
                    active[name][0, draw, 0], float(one.effect), weight, mine.year_groups, keep, about.year_groups
                )
                for group in expected:
                    expected[group] += mine.eligible[group] * np.array(course)
            for group, course in expected.items():
                here = found.isel(chain=0, draw=draw, area=0).sel(group=group, measure=measure)
                np.testing.assert_allclose(here, course, atol=1e-12)


def test_each_intervention_is_followed_once_and_the_parts_make_the_whole(known):
    scenario = load_scenario(*TINY)
    pupils = areas.pupils(known)
    drawn = parameters.drawn(scenario, known, 1, 3)
    money = budget.allocate(scenario, pupils)
    active = delivered_effects.activity(scenario, money, pupils.rolls.sel(area=scenario.areas.names), drawn)
    new = delivered_effects.new_gains(scenario, active, drawn)
    parts = {str(own.name): own for own in cohort.gains(scenario, new, drawn)}
    gain = cohort.summed(scenario, parts.values(), drawn)
    assert list(parts) == list(active)
    for group in ("disadvantaged", "other"):
        whole = xr.zeros_like(gain.sel(group=group))
        for name, own in parts.items():
            added = scenario.interventions[name].eligible[group] * own
            whole += added.reindex(measure=whole.measure, fill_value=0.0).transpose(*whole.dims)
        np.testing.assert_allclose(whole, gain.sel(group=group), atol=1e-15)


# attendance and exclusions act within the year, and on attainment


def test_who_comes_to_school_learns_within_the_year(run_tiny):
    shares = "portfolio.shares={attendance_support: 1.0}"
    carried = run_tiny("portfolio=custom", shares, "organisation.national=[]").draws.impact.sel(
        measure="key_stage_2", group="all"
    )
    assert float(carried.sel(year=2027).mean()) > 0


def test_without_the_link_attendance_leaves_attainment_alone(run_tiny):
    none = "{dist: Uniform, a: 0, b: 0}"
    link = f"evidence.attendance_link={{persistent_absence: {none}, suspensions: {none}}}"
    alone = ("portfolio=custom", "portfolio.shares={attendance_support: 1.0}", "organisation.national=[]")
    impact = run_tiny(*alone, link).draws.impact
    assert float(abs(impact.sel(measure="key_stage_2", group="all")).max()) == 0
    assert float(impact.sel(measure="persistent_absence", group="all", year=2028).mean()) < 0


# two carry-overs: pupils' luck in the baseline, and what is kept of a treatment


def test_what_pupils_keep_of_a_treatment_leaves_the_baseline_alone(run_tiny, tiny):
    none = "{dist: Uniform, a: 0.05, b: 0.05}"
    quick = {f"evidence.fade_out.{kind}.first_year={none}" for kind in load_scenario().evidence.fade_out}
    faded = run_tiny(*sorted(quick))
    xr.testing.assert_identical(faded.draws.counterfactual, tiny.draws.counterfactual)
    assert float(faded.sustainability.left_5y.mean()) < float(tiny.sustainability.left_5y.mean())


def test_how_much_of_a_cohorts_luck_goes_with_it_leaves_the_treatment_alone(tiny, tiny_posterior):
    linked = tiny_posterior.assign(cohort_link=tiny_posterior.cohort_link * 0.2)
    other = run(load_scenario(*TINY), posterior=linked)
    assert not np.array_equal(other.draws.counterfactual, tiny.draws.counterfactual, equal_nan=True)
    xr.testing.assert_identical(other.sustainability, tiny.sustainability)
    xr.testing.assert_identical(other.served, tiny.served)


def test_a_share_that_is_no_share_is_refused():
    with pytest.raises(Exception, match="attendance_link"):
        load_scenario("evidence.attendance_link.suspensions={dist: Normal, a: 0.2, b: 0.1}")
    assert Prior("Beta", 2, 6)
