"""The ledger: what each study adds, found by leaving it out."""

import dataclasses
import json

import numpy as np
import pytest
from tiny import TINY

from oa_sim import evidence_ledger, load_scenario
from oa_sim.evidence import meta_analysis, studies
from oa_sim.inference import importance_sampling, sampling
from oa_sim.simulation import narrative, summaries
from oa_sim.simulation.scenario_run import run
from oa_sim.validation import leave_one_study_out

ALONE = "Magic Breakfast trial"  # the only study of its type
MODEST = "NELI efficacy trial of 30 weeks"


@pytest.fixture(autouse=True)
def nothing_is_sampled(request, monkeypatch):
    """Fail where a test that is not slow would sample."""
    if "slow" not in request.keywords:
        monkeypatch.setattr(sampling, "sample", None)


@pytest.fixture(scope="module")
def found(tiny_posterior):
    return evidence_ledger(load_scenario(*TINY), posterior=tiny_posterior)


def row_of(found, study):
    return found.table.set_index("study").loc[study]


# the rows


def test_every_study_has_a_row_with_the_promised_columns(found, known):
    assert tuple(found.table.columns) == leave_one_study_out.COLUMNS
    assert tuple(found.headlines.columns) == leave_one_study_out.HEADLINE_COLUMNS
    assert sorted(found.table.study) == sorted(row["study"] for row in known["studies"])
    assert not found.table.drop(columns="speaks_for").isna().any().any()
    assert not found.headlines.isna().any().any()


def test_a_row_says_what_was_published_and_what_is_made_of_it(found, known):
    for published in known["studies"]:
        row = row_of(found, published["study"])
        for name in ("design", "status", "standard_error_basis", "effect", "effect_unit", "source"):
            assert row[name] == published[name]
        doubt = 2.0 if published["status"] == "to verify" else 1.0
        assert row.standard_error_sd == pytest.approx(doubt * published["standard_error_sd"])
        assert row.kept_prior == pytest.approx(8 / 11 if published["design"] == "effectiveness" else 5 / 13)
        assert row.at_scale == pytest.approx(row.kept_prior * row.effect_sd)


def test_weights_within_a_type_add_up_to_one(found):
    totals = found.table.groupby("study_type").weight_in_type.sum()
    np.testing.assert_allclose(totals, 1.0)


def test_a_row_names_the_interventions_that_the_study_speaks_for(found):
    assert row_of(found, "Tutoring at the largest scale").speaks_for == "primary_tutoring; secondary_tutoring"
    assert row_of(found, ALONE).speaks_for == "breakfast_clubs"


def test_every_headline_is_the_mean_over_areas_of_the_result(found):
    result, rows = found.result, found.headlines
    year = summaries.headline_year(result)
    assert set(rows.year) == {year}
    for (measure, group), part in rows.groupby(["measure", "group"]):
        mean = float(result.draws.impact.sel(measure=measure, group=group, year=year).mean(dtype=float))
        assert len(part) == len(found.table)
        np.testing.assert_allclose(part["mean"], mean, rtol=1e-6)


def test_the_headline_of_the_table_is_that_of_the_scenario(found):
    about = found.headlines.set_index(["measure", "group"])
    mine = about.loc[[summaries.headline_measure(found.result)]].set_index("study")
    table = found.table.set_index("study")
    for column, of in {"headline": "mean", "headline_without": "without_mean", "headline_moved": "moved"}.items():
        np.testing.assert_array_equal(table[column], mine.loc[table.index, of])
    np.testing.assert_allclose(table.headline - table.headline_without, table.headline_moved)


# leaving out


def test_a_study_that_promises_more_raises_its_type_and_one_that_promises_less_lowers_it(found):
    assert row_of(found, "NELI effectiveness trial of 20 weeks").moved_sd > 0.004
    assert row_of(found, "Mentoring strand").moved_sd < -0.004


def test_a_study_that_says_nothing_moves_nothing(tiny_posterior):
    scenario = load_scenario(*TINY, "measures=[phonics]")
    result = run(scenario, posterior=tiny_posterior)
    silent = studies.Study("silent", "reading", 0.4, 1e6, 0.0, 1.0, 5.0, 8.0)
    theta = np.random.default_rng(1).normal(0.05, 0.03, result.n_draws)
    weight, _ = importance_sampling.weigh(-silent.log_likelihood(theta))
    assert np.ptp(weight) < 1e-9
    (row,) = [row for row in leave_one_study_out._headlines(result, None, weight) if row["group"] == "all"]
    assert row["moved"] == pytest.approx(0, abs=1e-9)


def test_a_study_alone_for_its_type_takes_the_type_to_the_family(found):
    for study in (ALONE, "Mentoring strand"):
        row = row_of(found, study)
        assert row.without_mean == pytest.approx(row.family_mean, abs=0.006)
        assert row.without_sd == pytest.approx(row.family_sd, rel=0.2)
        assert abs(row["mean"] - row.without_mean) == pytest.approx(abs(row.moved_sd))


def test_a_study_of_another_type_hardly_moves_a_headline_that_it_does_not_speak_for(tiny_posterior):
    few = load_scenario(*TINY, "portfolio=custom", "portfolio.shares={breakfast_clubs: 1.0}")
    found = evidence_ledger(few, posterior=tiny_posterior).table.set_index("study")
    assert found.headline_moved.abs().idxmax() == ALONE
    others = found.headline_moved[found.study_type != "breakfast"].abs()
    assert others.max() < abs(found.headline_moved[ALONE])


def test_a_study_whose_weights_cannot_be_trusted_is_left_out_by_reading_the_rest_again(tiny_posterior, monkeypatch):
    """Let no weights be trusted for one study, and the rest be read as the sceptic's draws, which are at hand."""
    shipped, asked = meta_analysis.posterior, []

    def at_hand(tables, reading, say=None):
        if not reading.without:
            return shipped(tables, reading, say)
        asked.append(reading.without)
        gates = json.dumps({"verdict": "FAIL", "reason": "3 divergent transitions"})
        return shipped(tables, load_scenario("evidence=sceptical").evidence, say).assign_attrs(gates=gates)

    monkeypatch.setattr(meta_analysis, "posterior", at_hand)
    plain, doubted = importance_sampling.weigh, [True]

    def weigh(log_ratio):
        weight, k = plain(log_ratio)
        return weight, 0.9 if log_ratio.size == 2000 and doubted and doubted.pop() else min(k, 0.6)

    monkeypatch.setattr(importance_sampling, "weigh", weigh)
    found = evidence_ledger(load_scenario(*TINY, "measures=[phonics]"), posterior=tiny_posterior)
    assert found.table.method.tolist() == ["refitted"] + 16 * ["reweighted"]
    row = found.table.iloc[0]
    assert asked
    assert set(map(tuple, asked)) == {(row.study,)}
    assert (row.verdict, found.verdict) == ("FAIL", "FAIL")
    assert row.without_mean < row["mean"]  # the sceptic expects less
    assert row.headline_without < row.headline
    assert "and 1 by fitting the meta-analysis again" in leave_one_study_out.sentences(found)[-1]


def test_a_failed_gate_marks_the_ledger(tiny_posterior, tmp_path):
    from oa_sim.report import folder_writers

    gates = json.loads(tiny_posterior.attrs["gates"]) | {"verdict": "FAIL", "reason": "the chains disagree"}
    failed = tiny_posterior.assign_attrs(gates=json.dumps(gates))
    found = evidence_ledger(load_scenario(*TINY, "measures=[phonics]"), posterior=failed)
    assert found.verdict == "FAIL"
    assert set(found.table.verdict) == set(found.headlines.verdict) == {"FAIL"}
    folder = folder_writers.write_ledger(found, tmp_path)
    for name in ("ledger.csv", "headlines.csv", "evidence.json"):
        assert "[FAIL]" in (folder / name).read_text()


def test_the_outside_view_goes_with_the_draws_it_took(tiny_posterior, known):
    scenario = load_scenario(*TINY, "measures=[phonics]", "budget.total_gbp=1e10", "evidence.outside_view.is_on=true")
    result = run(scenario, posterior=tiny_posterior)
    drawn = meta_analysis.draws(scenario, known, *result.outside.weight.shape)
    held = meta_analysis.posterior(known, scenario.evidence).mu.values.ravel()
    behind = held[leave_one_study_out._behind(result, drawn)]
    assert (behind == drawn.mu.values.ravel()[result.outside.taken.values.ravel()]).all()
    assert len(set(behind)) < behind.size  # some were taken more than once


# words


def test_without_money_no_study_moves_the_headline(tiny_posterior):
    found = evidence_ledger(
        load_scenario(*TINY, "scenario=no_programme", "measures=[phonics]"), posterior=tiny_posterior
    )
    assert (found.headlines.moved == 0).all()
    assert leave_one_study_out.sentences(found)[0].startswith("No study moves the headline")


def test_the_sentences_name_the_study_that_moves_most_and_how_much_is_left(found):
    said = leave_one_study_out.sentences(found)
    most = found.table.loc[found.table.headline_moved.abs().idxmax()]
    assert most.study in said[0]
    assert f"{100 * most.headline_without / most.headline:.0f}% of it" in said[0]
    assert "of 17 studies were left out" in said[-1]


def test_a_doubted_study_is_named_as_one(found):
    doubted = found.table.assign(headline_moved=(found.table.status == "to verify").astype(float))
    said = leave_one_study_out.sentences(dataclasses.replace(found, table=doubted))
    assert all("marked 'to verify'" in sentence for sentence in said[:3])


def test_a_run_without_a_study_says_so(tiny_posterior, monkeypatch):
    shipped = meta_analysis.posterior
    monkeypatch.setattr(
        meta_analysis, "posterior", lambda tables, reading, say=None: shipped(tables, load_scenario().evidence, say)
    )
    result = run(load_scenario(*TINY, "measures=[phonics]", f"evidence.without=[{ALONE}]"), posterior=tiny_posterior)
    assert f"1 study is left out: {ALONE}." in narrative.headline(result)
    assert result.manifest["scenario"]["evidence"]["without"] == [ALONE]


# against reading the rest again


@pytest.mark.slow
@pytest.mark.usefixtures("compiled_once")
@pytest.mark.parametrize("study", [MODEST, "Extending school time strand", "Texting parents trials"])
def test_weighing_the_draws_anew_agrees_with_reading_the_rest_again(known, tmp_path, monkeypatch, study):
    monkeypatch.setenv("OA_SIM_CACHE", str(tmp_path))
    reading = load_scenario().evidence
    whole = meta_analysis.posterior(known, reading)
    rest = meta_analysis.posterior(known, dataclasses.replace(reading, without=[study]))
    assert json.loads(rest.attrs["gates"])["verdict"] == "PASS"
    (left_out,) = [one for one in studies.studies(known, reading) if one.name == study]
    theta = whole.theta.sel(study_type=left_out.study_type).values.ravel()
    weight, k = importance_sampling.weigh(-left_out.log_likelihood(theta))
    assert k < importance_sampling.LARGEST_K
    again = rest.theta.sel(study_type=left_out.study_type).values.ravel()
    error = np.sqrt(again.var() / 1000 + theta.var() / (importance_sampling.effective(weight) / 2))
    assert weight @ theta == pytest.approx(again.mean(), abs=4 * error)
    # a family of uncertain spread has heavy tails, which draws that a study held back hardly reach
    assert np.sqrt(weight @ (theta - weight @ theta) ** 2) == pytest.approx(again.std(), rel=0.2)
