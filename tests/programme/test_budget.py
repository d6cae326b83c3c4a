import numpy as np
import pytest
from tiny import TINY

from oa_sim import Refusal, load_scenario
from oa_sim.inputs import areas
from oa_sim.programme import budget, parameters


@pytest.fixture(scope="module")
def pupils(known):
    return areas.pupils(known)


@pytest.mark.parametrize("total", [0, 1, 2, 7, 99, 12_345_677, 99_999_999_999])
@pytest.mark.parametrize("weights", [[1.0], [1, 1, 1], [0.21, 0.33, 0.46], [0, 1, 0], [1e-9, 1], [1 / 3] * 12])
def test_whole_pounds_add_up_and_none_is_far_from_its_share(total, weights):
    parts = budget.whole_pounds(total, weights)
    exact = [total * weight / sum(weights) for weight in weights]
    assert sum(parts) == total
    assert all(isinstance(part, int) and part >= 0 for part in parts)
    assert all(abs(part - share) < 1.001 for part, share in zip(parts, exact, strict=True))


def test_whole_pounds_add_up_for_any_weights():
    rng = np.random.default_rng(1)
    for _ in range(300):
        weights = rng.gamma(0.3, size=rng.integers(1, 15)).tolist()
        total = int(rng.integers(0, 10**11))
        assert sum(budget.whole_pounds(total, weights)) == total


def test_a_pound_that_cannot_be_shared_goes_to_the_largest_remainder_then_to_the_earlier_place():
    assert budget.whole_pounds(1, [1, 1, 1]) == [1, 0, 0]
    assert budget.whole_pounds(2, [1, 1, 1]) == [1, 1, 0]
    assert budget.whole_pounds(10, [0.5, 0.26, 0.24]) == [5, 3, 2]


def test_several_totals_are_shared_as_each_of_them_is():
    rng = np.random.default_rng(11)
    for n in (1, 2, 3, 7, 13, 40):
        for weights in (rng.exponential(size=n), np.ones(n), rng.integers(0, 3, size=n) + (np.arange(n) == 0)):
            totals = np.array([0, 1, 2, n, n - 1, *rng.integers(0, 10**9, size=5), 72_000_000])
            found = budget.whole_pounds_each(totals, weights.tolist())
            expected = [budget.whole_pounds(int(total), weights.tolist()) for total in totals]
            assert found.T.tolist() == expected


def test_management_comes_off_the_top(pupils):
    money = budget.allocate(load_scenario(*TINY, "budget.management_share=0.1", "budget.total_gbp=1080000"), pupils)
    assert int(money.management.sum()) == 108_000
    assert int(money.spend.sum()) == 972_000


def test_the_profile_is_kept(pupils):
    money = budget.allocate(load_scenario(*TINY, "budget.payment_rounds=[1]"), pupils)
    by_year = (money.spend.sum(["area", "intervention"]) + money.management.sum("area")).values[:6] / 1e6
    assert by_year.tolist() == [24, 24, 24, 18, 18, 0]


def test_the_portfolio_is_kept(pupils):
    scenario = load_scenario(*TINY)
    spend = budget.allocate(scenario, pupils).spend.sum(["area", "year"])
    for name, share in scenario.portfolio.shares.items():
        assert float(spend.sel(intervention=name) / spend.sum()) == pytest.approx(share, abs=1e-6)


@pytest.mark.parametrize(
    ("split", "groups"), [("per_pupil", ["disadvantaged", "other"]), ("per_disadvantaged_pupil", ["disadvantaged"])]
)
def test_a_split_by_pupils_gives_each_pupil_the_same(pupils, split, groups):
    money = budget.allocate(load_scenario(f"split={split}"), pupils)
    roll = pupils.rolls.sel(group=groups, year_group=list(range(12))).sum(["group", "year_group"])
    per_pupil = (money.spend.sum(["intervention", "year"]) + money.management.sum("year")) / roll
    assert float(per_pupil.max() / per_pupil.min()) == pytest.approx(1, abs=1e-4)


def test_an_equal_split_is_equal(pupils):
    total = budget.allocate(load_scenario(), pupils).spend.sum(["intervention", "year"])
    assert float(total.max() - total.min()) <= 12 * 5


def test_a_custom_split_is_kept_whatever_order_it_is_typed_in(pupils):
    two = ("areas=[Norwich,Oldham]", "split=custom")
    one, other = (
        budget.allocate(load_scenario(*two, f"split.shares={{{shares}}}"), pupils)
        for shares in ("Norwich: 0.75, Oldham: 0.25", "Oldham: 0.25, Norwich: 0.75")
    )
    assert one.identical(other)
    total = one.spend.sum(["intervention", "year"]) + one.management.sum("year")
    assert total.values.tolist() == [81e6, 27e6]


def test_the_money_is_followed_long_enough_to_see_ten_years_after():
    for ending in ("stop", "extend"):
        scenario = load_scenario(*TINY, f"sustainability={ending}")
        funded = len(budget.funded_profile(scenario.budget, scenario.sustainability))
        assert len(budget.window(scenario)) >= funded + 10


@pytest.mark.parametrize(
    "odd",
    [
        ("scenario=no_programme",),
        ("budget.profile=[0,1]",),
        ("budget.total_gbp=1",),
        ("budget.total_gbp=7", "sustainability=taper"),
    ],
)
def test_reallocation_of_next_to_nothing_adds_up(pupils, odd):
    money = budget.allocate(load_scenario(*TINY, *odd, "budget.reallocation=true"), pupils)
    assert budget.reconcile(money)["difference"] == 0


@pytest.mark.parametrize("nothing", ["portfolio=none", "budget.total_gbp=0"])
def test_where_no_area_has_money_for_activity_nothing_stands_beside_it(known, pupils, nothing):
    money = budget.allocate(load_scenario(nothing), pupils, known)
    assert not money.national.any()
    assert not money.offers.any()


@pytest.mark.parametrize("rule", ["equal", "per_pupil"])
def test_reallocation_gives_no_area_more_than_it_can_use_and_loses_nothing(known, pupils, rule):
    scenario = load_scenario(f"split={rule}", "budget.reallocation=true")
    money = budget.allocate(scenario, pupils, known)
    assert budget.reconcile(money)["difference"] == 0
    rolls = pupils.rolls.sel(area=scenario.areas.names, year_group=list(range(12))).sum(["group", "year_group"])
    planned = (money.spend.sum("intervention") + money.management).isel(year=3)  # a year that nothing is carried into
    assert (planned <= 300 * rolls + 1).all()


def test_money_that_no_area_can_use_is_split_as_it_would_have_been(known, pupils):
    rich = [
        budget.allocate(load_scenario("budget.total_gbp=1e10", f"budget.reallocation={on}"), pupils, known)
        for on in ("true", "false")
    ]
    assert rich[0].spend.equals(rich[1].spend)


def drawn_of(known, *overrides, draws=200):
    scenario = load_scenario(*overrides)
    return scenario, parameters.drawn(scenario, known, 2, draws)


def test_a_review_that_is_none_or_too_late_changes_nothing(known, pupils):
    for overrides in ("organisation.review=none",), ("organisation.review=to_effect", "organisation.review_after=9"):
        scenario, drawn = drawn_of(known, *overrides, draws=20)
        money = budget.allocate(scenario, pupils, known)
        assert budget.reviewed(scenario, money, drawn) is money


def test_reviewed_shares_keep_the_size_of_each_row_and_drop_what_does_harm():
    before = np.array([[2.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    after = budget.reviewed_shares("to_effect", before, np.ones((2, 3)), np.array([1.0, 2.0, -1.0]))
    np.testing.assert_allclose(after, [[2.0, 2.0, 0.0], [0.0, 0.0, 0.0]])


def test_a_delivery_plan_shares_money_by_published_budgets_where_there_are_any(known):
    scenario = load_scenario("portfolio=delivery_plans")
    shares = budget.shares(scenario, known["priorities"])
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    west = dict(zip(scenario.interventions, shares[scenario.areas.names.index("West Somerset")], strict=True))
    assert west["home_learning"] == pytest.approx(866752 / 3392838 / 2)
    norwich = dict(zip(scenario.interventions, shares[scenario.areas.names.index("Norwich")], strict=True))
    assert norwich["early_language"] == pytest.approx(1 / 4 / 2)


def test_every_area_of_the_programme_has_at_most_four_priorities(known):
    counts = {}
    for row in known["priorities"]:
        counts[row["area"]] = counts.get(row["area"], 0) + 1
    assert sorted(counts) == sorted(load_scenario().areas.names)
    assert max(counts.values()) == 4


def test_a_plan_that_is_missing_or_names_no_intervention_is_refused(known):
    scenario = load_scenario("portfolio=delivery_plans")
    with pytest.raises(Refusal, match="no priority of Bradford"):
        budget.shares(scenario, [row for row in known["priorities"] if row["area"] != "Bradford"])
    wrong = [row | {"interventions": ("maths_mastrey",)} for row in known["priorities"]]
    with pytest.raises(Refusal, match="did you mean 'maths_mastery'"):
        budget.shares(scenario, wrong)


def test_national_money_is_what_is_taken_up_and_aligned(known):
    scenario = load_scenario("organisation.national=[essential_life_skills]")
    found = budget.national(scenario, known["national"], list(range(2024, 2030)))
    yearly = 22e6 / 2 / 12 * 0.8 * 0.9
    np.testing.assert_allclose(found.national.sel(intervention="life_skills"), [yearly, yearly, 0, 0, 0, 0])
    assert float(found.national.sum()) == pytest.approx(2 * yearly)


def test_a_row_that_names_no_intervention_is_refused_and_not_lost(known):
    wrong = [row | {"interventions": ("teacher_devlopment",)} for row in known["national"]]
    with pytest.raises(Refusal, match="did you mean 'teacher_development'"):
        budget.check(known | {"national": wrong}, list(load_scenario().interventions))
