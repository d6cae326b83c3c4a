"""A decision as a whole: the verbs, what they write, the sheet of its stability, and plans that are scenarios."""

import json
import os
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from oa_sim import load_scenario
from oa_sim.cli.main import main
from oa_sim.decide import decision, narrative, plan_evaluation, robustness
from oa_sim.decide.constraints import Optimising, Search
from oa_sim.errors import Refusal
from oa_sim.plots import decision_charts
from oa_sim.programme import budget
from oa_sim.simulation import run_manifest, scenario_run

SMALL = ("areas=three_areas", "sampler.draws=30", "horizon=6", "budget.total_gbp=20e6")
FILES = {
    *("plan.csv", "paid.csv", "split.csv", "candidates.csv", "views.csv", "flat.csv", "prices.csv", "flips.csv"),
    *("response.csv", "front.csv", "split.svg", "response.svg", "regret.svg", "front.svg", "optimise.json"),
}


@pytest.fixture(scope="module")
def found():
    return decision.decide(load_scenario(*SMALL), Optimising(search=Search(gap=0.002)))


def test_the_sheet_compares_the_plan_with_every_rule_in_two_ways(found):
    table = found.sheet.candidates
    assert len(table) == 1 + 2 * len(robustness.SPLITS)
    assert table.plan[0] == robustness.BEST
    assert table.p_best.sum() == pytest.approx(1)
    assert (table.expected_regret >= 0).all()
    assert (table.worst_regret >= table.expected_regret).all()
    np.testing.assert_allclose(table.gain_of_best_mean, table["mean"][0] - table["mean"])
    assert (table.n_draws == 60).all()


def test_the_plan_is_judged_on_draws_that_had_no_part_in_finding_it(found):
    here = set(found.optimum.judge.which.tolist())
    there = set(plan_evaluation.halves((4, 30), found.optimum.judge.scenario.seed)[1].tolist())
    assert not here & there
    assert here | there == set(range(120))


def test_on_unseen_draws_it_is_not_worse_than_the_best_rule_by_more_than_its_error(found):
    table = found.sheet.candidates
    rival = table[table.plan != robustness.BEST].sort_values("value").iloc[-1]
    assert rival.gain_of_best_mean >= -rival.gain_of_best_se


def test_within_the_flat_region_little_is_lost_and_beyond_it_more(found):
    flat = found.sheet.flat
    assert (flat.least_gbp <= flat.gbp).all()
    assert (flat.most_gbp >= flat.gbp).all()
    row = flat[(flat.of == "area") & (flat.most_gbp < 2.9 * flat.gbp) & (flat.least_gbp > 0)].iloc[0]
    planned, judge = found.optimum.planned, unseen(found)
    mine = np.zeros(planned.shape, dtype=bool)
    mine[judge.scenario.areas.names.index(row["name"])] = True
    best = plan_evaluation.worth(judge, planned).sum(axis=0).mean()
    for pounds, loses in ((row.most_gbp, False), (1.5 * row.most_gbp, True)):
        moved = plan_evaluation.worth(judge, robustness.moved(planned, mine, pounds / row.gbp)).sum(axis=0).mean()
        assert (best - moved > 1.02 * robustness.SMALL_LOSS * best) == loses


def unseen(found):
    return plan_evaluation.judge(
        found.optimum.judge.scenario,
        found.optimum.judge.objective,
        plan_evaluation.halves((4, 30), found.optimum.judge.scenario.seed)[1],
    )


def test_moved_money_keeps_what_each_year_has(found):
    planned = found.optimum.planned
    mine = np.zeros(planned.shape, dtype=bool)
    mine[0] = True
    for factor in (0.0, 0.5, 1.7, 50.0):
        assert (robustness.moved(planned, mine, factor).sum(axis=(0, 1)) <= planned.sum(axis=(0, 1))).all()


def test_a_year_s_price_is_what_one_more_million_brings(found):
    prices = found.sheet.prices
    assert (prices.price_per_million_gbp >= 0).all()
    assert (prices.used_gbp <= prices.limit_gbp).all()
    total = prices[prices.constraint.str.startswith("the allocation")].price_per_million_gbp
    assert total.max() > 0


def test_responses_rise_and_flatten(found):
    for _, part in found.sheet.response.groupby("intervention"):
        rows = part.sort_values("gbp")
        if rows.gbp.max() > 1e5:
            slope = np.diff(rows["mean"]) / np.diff(rows.gbp)
            assert slope[0] >= slope[-1]


def test_the_front_gains_in_gaps_what_it_loses_in_pupils(found):
    front = found.front
    assert front.pupils.iloc[0] >= front.pupils.iloc[-1] * 0.999
    assert front.gap_closed.iloc[-1] >= front.gap_closed.iloc[0] * 0.999


def test_money_adds_up_and_every_number_can_be_traced(found):
    account = found.account
    assert account["money_in"] == account["allocated"] + account["management"] + account["unspent"]
    assert account["allocated"] == found.plan().gbp.sum() == found.paid().gbp.sum() == found.split().gbp.sum()
    assert {"run_id", "data_hash", "posterior", "oa_sim", "code_hash", "gates", "scenario"} <= set(found.manifest)


def test_sentences_give_interval_bound_rules_and_verdict(found):
    said = " ".join(narrative.plan_sentences(found))
    for words in ("90% interval", "No plan can exceed", "simple rule", "An additional £1m", "optimise.json"):
        assert words in said
    assert said.rstrip().split(": ")[0]
    assert "<svg" in decision_charts.split_picture(found).svg


@pytest.mark.parametrize(
    ("plan", "front", "what"),
    [
        (True, False, "for the plan was"),
        (False, True, "for the other end of the Pareto frontier was"),
        (True, True, "for the plan and"),
    ],
)
def test_a_search_that_the_clock_ended_is_said_in_words_and_in_facts(found, plan, front, what):
    table = found.front.copy()
    table.attrs["is_cut"] = front
    cut = replace(found, optimum=replace(found.optimum, is_cut=plan), front=table)
    (said,) = [line for line in narrative.plan_sentences(cut) if "cut off" in line]
    assert what in said
    assert "another machine may find another plan" in said
    assert len(cut.facts()["cut_off"]) == plan + front
    assert "cut_off" not in found.facts()
    assert not [line for line in narrative.plan_sentences(found) if "cut off" in line]


def test_every_chart_of_a_decision_is_there_for_a_document_too(found):
    kinds = ("split", "response", "regret", "front")
    shown = [getattr(decision_charts, f"{kind}_picture")(found) for kind in kinds]
    for one in shown:
        if one:
            assert one.svg.startswith("<svg")
            assert one.png.startswith(b"\x89PNG")
            assert len(one.title) > 10
    assert sum(one is not None for one in shown) >= 3


def test_the_verb_writes_a_plan_and_ends_with_one_line_of_json(tmp_path, capsys):
    words = ["optimise", *SMALL, "search.gap=0.01", f"outputs={tmp_path}", "--json"]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    facts = json.loads(out)
    assert {"value", "upper_bound", "gap", "seconds", "spent_gbp", "unspent_gbp"} <= set(facts)
    assert facts["value"] <= facts["upper_bound"] * (1 + 1e-9)
    assert facts["gap"] <= 0.01
    assert set(os.listdir(facts["folder"])) == FILES
    plan = pd.read_csv(os.path.join(facts["folder"], "plan.csv"))
    assert list(plan.columns) == ["area", "intervention", "year", "gbp"]
    assert plan.gbp.sum() == facts["spent_gbp"]
    assert facts["spent_gbp"] + facts["unspent_gbp"] + facts["account_gbp"]["management"] == 20_000_000


def test_a_plan_is_a_scenario_known_by_what_is_in_its_file(tmp_path):
    def of(pounds):
        path = tmp_path / "plan.csv"
        path.write_text(f"area,intervention,year,gbp\nOldham,early_language,2026,{pounds}\n", encoding="utf-8")
        return load_scenario(*SMALL, f"budget.plan={path}")

    one, other = run_manifest.question(of(1000)), run_manifest.question(of(2000))
    assert one != other
    run = scenario_run.run(of(1000))
    account = run.manifest["account_gbp"]
    assert (account["money_in"], account["allocated"], account["difference"]) == (20_000_000, 1000, 0)


WRONG = {
    "an area": ("Oldam,early_language,2026,5", "did you mean 'Oldham'"),
    "an intervention": ("Oldham,early_languages,2026,5", "did you mean 'early_language'"),
    "a year": ("Oldham,early_language,2033,5", "funded one, 2026 to 2030"),
    "pence": ("Oldham,early_language,2026,5.5", "whole pounds"),
    "a debt": ("Oldham,early_language,2026,-5", "whole pounds"),
    "no number": ("Oldham,early_language,2026,nan", "whole pounds"),
    "too much": ("Oldham,early_language,2026,900000000", "at most what a year has"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_plan_is_refused_in_one_sentence(tmp_path, case):
    row, words = WRONG[case]
    path = tmp_path / "plan.csv"
    path.write_text(f"area,intervention,year,gbp\n{row}\n", encoding="utf-8")
    with pytest.raises(Refusal, match=words):
        scenario_run.run(load_scenario(*SMALL, f"budget.plan={path}"))


def test_a_plan_without_its_columns_is_refused(tmp_path):
    path = tmp_path / "plan.csv"
    path.write_text("area,intervention,year\nOldham,early_language,2026\n", encoding="utf-8")
    with pytest.raises(Refusal, match="no gbp"):
        budget.read(path, load_scenario(*SMALL), [2026])


@pytest.mark.parametrize("verb", ["target", "monitor", "voi"])
def test_the_other_verbs_end_with_one_line_of_json_and_a_folder(verb, tmp_path, capsys):
    more = {
        "target": ["target.package=false"],
        "monitor": ["monitor.figures=package", "start_year=2022", "monitor.until=2022"],
        "voi": ["voi.portfolios=[balanced, tutoring]", "voi.splits=[equal]", "voi.gate_years=[2]"],
    }[verb]
    assert main([verb, *SMALL, *more, f"outputs={tmp_path}", "--json"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    facts = json.loads(out)
    assert facts["headline"]
    assert facts["verdict"] in ("PASS", "FAIL")
    assert any(name.endswith(".svg") for name in os.listdir(facts["folder"]))


@pytest.mark.parametrize("verb", ["optimise", "target", "monitor", "voi"])
def test_an_unknown_key_is_refused_and_nothing_is_written(verb, tmp_path, capsys):
    assert main([verb, "objectives.of=earnings", f"outputs={tmp_path / 'out'}"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "unknown key" in said.err
    assert not (tmp_path / "out").exists()
