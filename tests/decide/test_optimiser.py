from functools import cache

import every_plan
import numpy as np
import pytest

from oa_sim import load_scenario
from oa_sim.decide import optimiser, plan_evaluation
from oa_sim.decide.constraints import Constraints, Optimising, Search
from oa_sim.decide.objective import STANDARDS, Objective
from oa_sim.programme import budget
from oa_sim.simulation import scenario_run

MONEY = 20e6
ASKED = Optimising(search=Search(gap=0.002))
FEW = ("early_language", "maths_mastery", "teacher_development")


@pytest.fixture(scope="module")
def best(judge):
    return optimiser.optimise(judge, ASKED)


@pytest.fixture(scope="module")
def small():
    """Judge a case that is small enough to try every plan."""
    words = (f"intervention=[{','.join(FEW)}]", "portfolio=none", "budget.profile=[1]", "budget.payment_rounds=[1.0]")
    words += ("budget.total_gbp=3e6", "budget.management_share=0", "sampler.draws=25", "organisation.sign_off_gbp=0")
    return plan_evaluation.judge(load_scenario("areas=[Norwich, Oldham, Hastings]", *words, horizon=6), Objective())


@pytest.fixture(scope="module")
def tried(small):
    """Try every plan on a grid of so many steps, each once: what is allowed changes no plan's worth."""

    @cache
    def answer(steps):
        ways = every_plan.on_grid(steps, 3)
        return ways, [every_plan.worth_of_each(small, a, ways, 3e6 / steps) for a in range(3)]

    return answer


def random_plan(judge, seed, part=1.0):
    """Return a plan that spends part of each year's money at random, whole GBP."""
    n = (len(judge.scenario.areas.names), len(judge.scenario.interventions))
    share = np.random.default_rng(seed).exponential(size=(*n, 1)) ** 2
    return np.floor(part * share / share.sum() * np.array(budget.for_activity(judge.scenario)))


def test_what_a_plan_is_worth_is_what_a_run_of_it_brings(scenario, judge, best, tmp_path):
    path = tmp_path / "plan.csv"
    lines = ["area,intervention,year,gbp"]
    for a, k, t in np.argwhere(best.planned):
        names = (judge.scenario.areas.names[a], list(judge.scenario.interventions)[k])
        lines.append(f"{names[0]},{names[1]},{judge.years[t]},{best.planned[a, k, t]:.0f}")
    path.write_text("\n".join(lines), encoding="utf-8")
    run = scenario_run.run(
        load_scenario(
            "areas=three_areas", "sampler.draws=40", f"budget.total_gbp={MONEY}", f"budget.plan={path}", horizon=8
        )
    )
    extra = 0.0
    for measure in STANDARDS:
        for group in ("disadvantaged", "other"):
            at = {"measure": measure, "group": group}
            extra = extra + (run.draws.impact.sel(at) * run.value.pupils.sel(at) / 100).sum("year")
    each = extra.transpose("area", "chain", "draw").values.reshape(3, -1)
    # a run keeps figures on a grid of 0.000008 points
    np.testing.assert_allclose(plan_evaluation.worth(judge, best.planned), each, atol=0.05)
    assert run.manifest["account_gbp"]["difference"] == 0


def test_the_best_plan_has_a_bound_and_is_near_it(best):
    assert best.upper_bound >= best.value * (1 - 1e-6)
    assert best.gap <= 0.005


@pytest.mark.parametrize("seed", range(4))
def test_no_plan_at_random_passes_the_bound(judge, best, seed):
    assert plan_evaluation.worth(judge, random_plan(judge, seed)).sum(axis=0).mean() < best.value
    mixed = np.floor(0.9 * best.planned + 0.1 * random_plan(judge, seed))
    assert plan_evaluation.worth(judge, mixed).sum(axis=0).mean() <= best.upper_bound


@pytest.mark.slow  # two searches to the end
def test_where_the_search_starts_does_not_matter(judge):
    searches = (Search(start="random", seed=seed) for seed in (1, 2))
    one, other = (optimiser.optimise(judge, Optimising(search=search)) for search in searches)
    assert other.value == pytest.approx(one.value, rel=1e-3)


def test_the_same_question_has_the_same_answer(scenario, judge, best):
    again = optimiser.optimise(plan_evaluation.judge(scenario, Objective()), ASKED)
    np.testing.assert_array_equal(again.planned, best.planned)


def test_the_order_of_areas_does_not_matter(scenario, best):
    names = list(reversed(scenario.areas.names))
    turned = load_scenario(f"areas=[{', '.join(names)}]", "sampler.draws=40", f"budget.total_gbp={MONEY}", horizon=8)
    again = optimiser.optimise(plan_evaluation.judge(turned, Objective()), ASKED)
    np.testing.assert_array_equal(again.planned, best.planned)


def test_the_plan_is_in_whole_pounds_and_no_year_has_more_than_its_allocation(judge, best):
    has = np.array(budget.for_activity(judge.scenario))
    assert (best.planned == np.round(best.planned)).all()
    assert (best.planned.sum(axis=(0, 1)) <= has).all()
    account = budget.reconcile(plan_evaluation.money_of(judge, best.planned))
    assert account["difference"] == 0
    assert account["money_in"] == MONEY


def test_it_is_better_than_every_simple_split(judge, best, scenario):
    for rule in ("equal", "per_pupil", "per_disadvantaged_pupil"):
        split = load_scenario(
            "areas=three_areas", "sampler.draws=40", f"budget.total_gbp={MONEY}", f"split={rule}", horizon=8
        )
        assert plan_evaluation.worth(plan_evaluation.judge(split, Objective())).sum(axis=0).mean() < best.value


CASES = {
    "free": (Constraints(), lambda way: True),
    "two lines an area": (Constraints(most_priorities=2), lambda way: (way > 0).sum() <= 2),
    "a smallest size": (Constraints(smallest_gbp=600_000), lambda way: ((way == 0) | (way >= 2)).all()),
}


@pytest.mark.parametrize("case", CASES)
def test_it_is_as_good_as_the_best_of_every_plan_on_a_coarse_grid(small, tried, case):
    asked, is_allowed = CASES[case]
    found = optimiser.optimise(small, Optimising(constraints=asked))
    ways, worth = tried(10)
    best = every_plan.best_of_all(worth, ways, 10, is_allowed)
    assert best * (1 - 1e-6) <= found.value <= found.upper_bound * (1 + 1e-6)
    assert best <= found.upper_bound


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("case", CASES)
def test_it_agrees_with_the_best_of_every_plan_on_a_grid_of_one_per_cent(small, tried, case):
    asked, _ = CASES[case]
    allowed = {
        "free": lambda way: True,
        "two lines an area": lambda way: (way > 0).sum() <= 2,
        "a smallest size": lambda way: ((way == 0) | (way >= 20)).all(),
    }
    found = optimiser.optimise(small, Optimising(constraints=asked))
    ways, worth = tried(100)
    best = every_plan.best_of_all(worth, ways, 100, allowed[case])
    assert found.value == pytest.approx(best, rel=1e-3)


def test_weights_of_the_tail_bound_it_from_above():
    rng = np.random.default_rng(7)
    by_draw, asked = rng.standard_normal((3, 500)), Objective(risk="cvar", tail=0.13)
    one = optimiser.draw_weights(asked, by_draw, np.zeros(3), None, 0)
    exact = plan_evaluation.tail_mean(by_draw.sum(axis=0), 0.13)
    assert (one * by_draw).sum() == pytest.approx(exact)
    other = optimiser.draw_weights(asked, rng.standard_normal((3, 500)), np.zeros(3), one, 1)
    assert other.sum() == pytest.approx(3)
    assert (other * by_draw).sum() >= exact


def test_a_plan_for_the_worst_draws_is_better_in_them(judge, best):
    asked = Objective(risk="cvar", tail=0.2)
    found = optimiser.optimise(
        plan_evaluation.judge(judge.scenario, asked), Optimising(objective=asked, search=Search(gap=0.01))
    )
    tail = plan_evaluation.tail_mean(plan_evaluation.worth(judge, best.planned).sum(axis=0), 0.2)
    assert found.value >= tail * (1 - 1e-3)
    assert found.value <= found.upper_bound * (1 + 1e-6)


def test_a_floor_that_counts_is_reached_more_often(judge, best):
    floor = 2.0
    asked = Objective(risk="floor", floor=floor)
    own = plan_evaluation.judge(judge.scenario, asked)
    found = optimiser.optimise(own, Optimising(objective=asked))
    assert found.upper_bound is None
    assert found.gap is None
    before = plan_evaluation.risked(asked, plan_evaluation.worth(judge, best.planned), plan_evaluation.floors_of(own))
    assert found.value >= before - 0.02


@pytest.mark.parametrize("asked", [Objective(), Objective(risk="floor", floor=20.0)], ids=["mean", "floor"])
def test_a_search_ends_when_its_time_is_up_whatever_stage_it_is_in(judge, asked, monkeypatch):
    rounds = []
    clock = iter(range(0, 10_000, 10))  # seconds, ten at each look
    monkeypatch.setattr(optimiser.time, "monotonic", lambda: next(clock))
    own = plan_evaluation.judge(judge.scenario, asked)
    found = optimiser.optimise(own, Optimising(objective=asked, search=Search(seconds=5)), say=rounds.append)
    assert (found.ended, found.is_cut) == ("time", True)
    assert len(rounds) == found.rounds == 2  # one on the first start, one on what it found
    has = np.array(budget.for_activity(judge.scenario))
    assert (found.planned.sum(axis=(0, 1)) <= has).all()


@pytest.mark.parametrize("asked", [Objective(), Objective(risk="floor", floor=20.0)], ids=["mean", "floor"])
def test_a_search_ends_after_its_rounds_whatever_the_clock_says(judge, asked, monkeypatch):
    monkeypatch.setattr(optimiser.time, "monotonic", iter(range(0, 10_000)).__next__)
    own = plan_evaluation.judge(judge.scenario, asked)
    found = optimiser.optimise(own, Optimising(objective=asked, search=Search(rounds=3)))
    assert not found.is_cut
    assert (found.ended, found.rounds) == ("rounds", 4)  # three on the first start; one, at the least, on what it found
    assert found.seconds >= 3


def test_a_floor_that_is_certain_is_not_searched_on(judge):
    asked = Objective(risk="floor", floor=0.5)
    rounds = []
    own = plan_evaluation.judge(judge.scenario, asked)
    found = optimiser.optimise(own, Optimising(objective=asked), say=rounds.append)
    assert (found.value, found.ended, found.upper_bound) == (1.0, "nothing better", None)
    assert len(rounds) == 2
