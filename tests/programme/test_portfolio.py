"""Portfolios: delivery plans, priorities and national money."""

import numpy as np
import pytest

from oa_sim import Refusal, load_scenario
from oa_sim.programme import portfolio


def test_a_delivery_plan_shares_money_by_published_budgets_where_there_are_any(known):
    scenario = load_scenario("portfolio=delivery_plans")
    shares = portfolio.shares(scenario, known["priorities"])
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
        portfolio.shares(scenario, [row for row in known["priorities"] if row["area"] != "Bradford"])
    wrong = [row | {"interventions": ("maths_mastrey",)} for row in known["priorities"]]
    with pytest.raises(Refusal, match="did you mean 'maths_mastery'"):
        portfolio.shares(scenario, wrong)


def test_national_money_is_what_is_taken_up_and_aligned(known):
    scenario = load_scenario("organisation.national=[essential_life_skills]")
    found = portfolio.national(scenario, known["national"], list(range(2024, 2030)))
    yearly = 22e6 / 2 / 12 * 0.8 * 0.9
    np.testing.assert_allclose(found.national.sel(intervention="life_skills"), [yearly, yearly, 0, 0, 0, 0])
    assert float(found.national.sum()) == pytest.approx(2 * yearly)


def test_a_row_that_names_no_intervention_is_refused_and_not_lost(known):
    wrong = [row | {"interventions": ("teacher_devlopment",)} for row in known["national"]]
    with pytest.raises(Refusal, match="did you mean 'teacher_development'"):
        portfolio.check(known | {"national": wrong}, list(load_scenario().interventions))
