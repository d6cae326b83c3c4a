"""Every system in the programme, as a pair of scenarios: with it, the number that should move does, as it should."""

import json

import numpy as np
import pytest

from oa_sim import load_scenario
from oa_sim.cli.main import main
from oa_sim.simulation.scenario_run import run

SIX = "areas=[Blackpool,Bradford,Ipswich,Norwich,Oldham,West Somerset]"


@pytest.fixture(scope="module")
def pair(tiny_posterior):
    """Run a pair of scenarios, without it and with it."""

    def answer(name, *overrides):
        both = (load_scenario(f"system={which}_{name}", SIX, "horizon=10", *overrides) for which in ("no", "with"))
        return [run(scenario, posterior=tiny_posterior) for scenario in both]

    return answer


def impact(result, year, measure="key_stage_2", group="all", area=None):
    """Return the impact in a year by draw, positive where pupils do better, in the mean of areas or in one."""
    at = result.draws.impact.sel(measure=measure, group=group, year=year)
    at = at.mean("area") if area is None else at.sel(area=area)
    better = -1 if measure in ("neet_16_17", "persistent_absence", "suspensions") else 1
    return better * at.values.ravel()


def left(result, years, measure="key_stage_2"):
    """Return the share of the peak left some years after the money, in the mean of areas."""
    return float(result.sustainability[f"left_{years}y"].sel(measure=measure, group="all").mean())


# money


def test_payment_rounds_move_spend_from_the_first_year_to_the_second(pair):
    without, with_it = pair("payment_rounds")
    spent = [result.money.spend.sum(["area", "intervention"]).values for result in (without, with_it)]
    assert spent[1][0] == pytest.approx(0.317 * spent[0][0], rel=1e-4)
    assert spent[1][:2].sum() == spent[0][:2].sum()
    assert impact(with_it, 2026, "persistent_absence").mean() < impact(without, 2026, "persistent_absence").mean()


def test_carry_over_spends_what_would_be_left(pair):
    without, with_it = pair("carry_over")
    assert with_it.manifest["account_gbp"]["unspent"] == 0 < without.manifest["account_gbp"]["unspent"]
    assert (impact(with_it, 2029) > impact(without, 2029)).all()


def test_reallocation_takes_from_the_area_that_cannot_use_it(pair):
    without, with_it = pair("reallocation")
    by_area = [result.money.spend.sum(["intervention", "money_year"]) for result in (without, with_it)]
    assert by_area[1].sel(area="West Somerset") < by_area[0].sel(area="West Somerset")
    assert (by_area[1] > by_area[0]).sum() == 5
    assert with_it.manifest["account_gbp"]["difference"] == 0
    assert impact(with_it, 2030, area="Bradford").mean() > impact(without, 2030, area="Bradford").mean()


def test_management_comes_off_the_top_and_leaves_less_for_activity(pair):
    without, with_it = pair("management")
    assert with_it.manifest["account_gbp"]["management"] == round(0.06 * 108e6) > 0
    assert without.manifest["account_gbp"]["management"] == 0
    assert impact(with_it, 2030).mean() < impact(without, 2030).mean()


def test_what_was_paid_in_the_fourth_year_favours_the_larger_areas(pair):
    without, with_it = pair("actual_split")
    fourth = [result.money.management.sel(money_year=2029) for result in (without, with_it)]
    assert np.ptp(fourth[0].values) <= 1
    assert fourth[1].sel(area="Blackpool") > fourth[0].sel(area="Blackpool")
    assert fourth[1].sel(area="West Somerset") < fourth[0].sel(area="West Somerset")
    assert impact(with_it, 2030, area="Blackpool").mean() > impact(without, 2030, area="Blackpool").mean()


# plans and how they are carried out


def test_delivery_plans_give_each_area_its_own_portfolio(pair):
    without, with_it = pair("delivery_plans")
    bought = [result.money.spend.sum("money_year") for result in (without, with_it)]
    share = [spend / spend.sum("intervention") for spend in bought]
    assert float(share[0].std("area").max()) < 1e-4 < float(share[1].std("area").max())
    early = {"intervention": ["early_language", "home_learning"]}
    assert float(share[1].sel(area="Blackpool", **early).sum()) == 0
    assert float(share[1].sel(area="West Somerset", **early).sum()) == pytest.approx(866752 / 3392838, abs=1e-3)
    for measure, moved in {"neet_16_17": 1, "good_level_of_development": -1}.items():
        both = [impact(result, 2030, measure, area="Blackpool").mean() for result in (without, with_it)]
        assert moved * (both[1] - both[0]) > 0


def test_a_board_with_a_chair_a_manager_and_support_delivers_sooner_and_better(pair):
    without, with_it = pair("board")
    early = [impact(result, 2028) for result in (without, with_it)]
    late = [impact(result, 2030) for result in (without, with_it)]
    assert (early[1] > early[0]).all()
    assert (late[1] > late[0]).mean() > 0.9  # in a draw an effect may be below nothing
    assert early[1].mean() / early[0].mean() > late[1].mean() / late[0].mean()


@pytest.mark.parametrize("name", ["tender", "sign_off"])
def test_slow_procurement_delays_what_is_delivered(pair, name):
    without, with_it = pair(name)
    assert impact(with_it, 2028).mean() < 0.97 * impact(without, 2028).mean()


@pytest.mark.parametrize("name", ["election", "change_of_minister"])
def test_a_dated_stoppage_of_commissioning_delays_the_first_delivery(pair, name):
    without, with_it = pair(name)
    assert impact(with_it, 2019).mean() < impact(without, 2019).mean()
    assert (
        impact(with_it, 2019).mean() / impact(without, 2019).mean()
        < impact(with_it, 2022).mean() / impact(without, 2022).mean()
    )


def test_networks_that_stood_before_make_every_phase_start_sooner(pair):
    without, with_it = pair("networks")
    for measure in ("good_level_of_development", "key_stage_2", "neet_16_17"):
        assert impact(with_it, 2028, measure).mean() > impact(without, 2028, measure).mean()


def test_new_networks_make_post_16_start_later_than_schools(tiny_posterior):
    late = run(load_scenario(SIX), posterior=tiny_posterior)
    soon = run(load_scenario(SIX, "organisation.networks.post_16=1"), posterior=tiny_posterior)
    assert impact(soon, 2028, "neet_16_17").mean() > impact(late, 2028, "neet_16_17").mean()
    gld = "good_level_of_development"
    np.testing.assert_allclose(impact(soon, 2028, gld), impact(late, 2028, gld), rtol=0.05, atol=2e-3)


def test_national_programmes_add_activity_that_the_budget_does_not_pay(pair):
    without, with_it = pair("national_programmes")
    assert with_it.manifest["account_gbp"] == without.manifest["account_gbp"]
    assert float(with_it.money.national.sum()) > 0 == float(without.money.national.sum())
    assert impact(with_it, 2028, "suspensions").mean() > impact(without, 2028, "suspensions").mean()


def test_national_programmes_alone_do_nothing_where_there_is_no_programme(tiny_posterior):
    nothing = run(load_scenario(SIX, "scenario=no_programme"), posterior=tiny_posterior)
    assert float(abs(nothing.draws.impact).max()) == 0.0


def test_a_school_that_takes_on_only_so_much_does_each_thing_less_well(pair):
    without, with_it = pair("school_load", "budget.total_gbp=4e8")
    for measure in ("key_stage_2", "attainment_8"):
        assert (impact(with_it, 2030, measure) <= impact(without, 2030, measure) + 1e-4).all()
        assert impact(with_it, 2030, measure).mean() < 0.98 * impact(without, 2030, measure).mean()


def test_more_money_can_do_less_where_schools_are_overloaded(tiny_posterior):
    costly = "delivery.load_loss={dist: Uniform, a: 0.24, b: 0.26}"  # the upper value to be tried
    less, more = (
        run(load_scenario(SIX, costly, f"budget.total_gbp={total}"), posterior=tiny_posterior) for total in (3e8, 3e9)
    )
    assert impact(more, 2030).mean() < impact(less, 2030).mean()


def test_sharing_what_works_starts_sooner_and_delivers_better(pair):
    without, with_it = pair("sharing")
    for year in (2028, 2030):
        assert (impact(with_it, year) > impact(without, year)).mean() > 0.9


def test_an_area_alone_has_nobody_to_learn_from(tiny_posterior):
    alone = [
        run(load_scenario("areas=[Norwich]", f"organisation.sharing={score}"), posterior=tiny_posterior)
        for score in (0, 1)
    ]
    np.testing.assert_array_equal(*(impact(result, 2029) for result in alone))


def test_twinning_spills_over_to_the_twin_and_to_no_other(pair):
    without, with_it = pair("twinning")
    for area, gains in {"Ipswich": True, "Blackpool": True, "Bradford": False, "Norwich": False}.items():
        more = impact(with_it, 2030, area=area) > impact(without, 2030, area=area)
        assert more.mean() > 0.9 if gains else not more.any()


@pytest.mark.parametrize(
    ("name", "measure", "year"),
    [
        ("early_years", "good_level_of_development", 2029),
        ("primary", "key_stage_2", 2030),
        ("secondary", "attainment_8", 2030),
        ("post_16", "neet_16_17", 2030),
        ("attendance", "persistent_absence", 2029),
        ("exclusions", "suspensions", 2029),
        ("mental_health", "persistent_absence", 2029),
        ("life_skills", "neet_16_17", 2030),
    ],
)
def test_money_for_a_phase_moves_the_measure_of_that_phase(pair, name, measure, year):
    without, with_it = pair(name)
    assert not impact(without, year, measure).any()
    assert impact(with_it, year, measure).mean() > 0


@pytest.mark.parametrize(
    ("name", "unserved"), [("early_years", "neet_16_17"), ("secondary", "neet_16_17"), ("post_16", "key_stage_2")]
)
def test_money_for_a_phase_moves_nothing_else(pair, name, unserved):
    assert not pair(name)[1].draws.impact.sel(measure=unserved).fillna(0).any()


def test_engaging_families_employers_and_volunteers_widens_reach_and_survival(pair):
    without, with_it = pair("engagement")
    for measure in ("good_level_of_development", "neet_16_17", "persistent_absence"):
        assert impact(with_it, 2030, measure).mean() > impact(without, 2030, measure).mean()
    assert left(with_it, 5, "neet_16_17") > left(without, 5, "neet_16_17")


def test_a_review_moves_money_to_what_more_is_expected_of(pair):
    without, with_it = pair("review")
    for year in (2026, 2027, 2028):
        at = {"money_year": year}
        np.testing.assert_array_equal(with_it.money.spend.sel(at), without.money.spend.sel(at))
    np.testing.assert_array_equal(with_it.money.spend.sum("intervention"), without.money.spend.sum("intervention"))
    assert with_it.manifest["account_gbp"] == without.manifest["account_gbp"]
    assert impact(with_it, 2030).mean() > impact(without, 2030).mean()


def test_a_review_to_progress_takes_from_what_started_late(tiny_posterior):
    shares = [
        run(load_scenario(SIX, f"organisation.review={rule}", "organisation.review_after=1"), posterior=tiny_posterior)
        .money.spend.sel(intervention="careers_and_work", money_year=2028)
        .sum()
        for rule in ("none", "to_progress")
    ]
    assert shares[1] < shares[0]


# after the money


def test_principles_of_sustainability_keep_more_of_the_peak(pair):
    without, with_it = pair("principles")
    assert left(with_it, 5) > left(without, 5)


def test_tapering_and_extending_keep_more_to_be_seen_later(pair):
    for name in ("taper", "extension"):
        without, with_it = pair(name)
        assert with_it.manifest["account_gbp"]["money_in"] == without.manifest["account_gbp"]["money_in"]
        assert impact(with_it, 2034).mean() > impact(without, 2034).mean()


def test_handing_over_keeps_more_than_stopping(pair):
    without, with_it = pair("hand_over")
    assert left(with_it, 5) > left(without, 5)


# what happens on the way


def test_a_pandemic_lowers_attainment_and_delivery_and_most_where_disadvantage_is_high(pair):
    without, with_it = pair("covid")
    at = {"measure": "key_stage_2", "year": 2022}
    fall = (without.draws.counterfactual - with_it.draws.counterfactual).sel(at).mean(["chain", "draw", "area"])
    assert 0 < float(fall.sel(group="other")) < float(fall.sel(group="disadvantaged"))
    before = {"measure": "key_stage_2", "year": 2019}
    np.testing.assert_array_equal(*(result.draws.counterfactual.sel(before) for result in (without, with_it)))
    ratio = {year: impact(with_it, year).mean() / impact(without, year).mean() for year in (2019, 2020, 2026)}
    assert ratio[2020] < 0.8 < 0.99 < ratio[2019] <= 1
    assert ratio[2026] > ratio[2020] + 0.05


def test_the_second_six_announced_later_deliver_later(pair):
    without, with_it = pair("two_groups")
    for area, is_second in {"Bradford": True, "Ipswich": True, "Norwich": False}.items():
        later = impact(with_it, 2027, area=area).mean() < impact(without, 2027, area=area).mean()
        assert later == is_second


def test_a_pair_is_compared_from_the_command_line(tmp_path, capsys):
    words = ["compare", "no_board", "with_board", "areas=three_areas", "sampler.draws=20", "horizon=5"]
    assert main([*words, f"outputs={tmp_path}", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)["headline"][0]
    assert "higher" in said
    assert "compared with \u2018No board, chair, manager or support" in said
