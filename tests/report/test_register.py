import re
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats

from oa_sim import load_scenario
from oa_sim.errors import Refusal
from oa_sim.inference import mcse
from oa_sim.report import assurance, data_dictionary, parameter_notes, register, run_figures
from oa_sim.scenario.overrides import CONFIGS, groups
from oa_sim.simulation.run_manifest import question

ROOT = Path(__file__).resolve().parents[2]
ASKED = (
    (),
    ("scenario=hand_over",),
    ("portfolio=delivery_plans", "split=as_paid"),
    ("evidence=sceptical", "value.point_gbp=9000"),
    ("organisation.twins={Norwich: Ipswich}", "organisation.sharing=1", "organisation.review=to_effect"),
    ("areas=[Norwich, Oldham]", "split=custom", "split.shares={Norwich: 0.5, Oldham: 0.5}"),
    ("scenario=with_opportunity_north_east",),
    ("evidence.without=[Phonics strand]", "budget=none", "measures=[neet_16_17]"),
)


@pytest.fixture(scope="module")
def manifest_of(tiny):
    @cache
    def answer(*overrides):
        return tiny.manifest | {"scenario": question(load_scenario(*overrides))}

    return answer


@pytest.fixture(scope="module")
def register_of(manifest_of):
    @cache
    def answer(*overrides):
        return register.assumptions(manifest_of(*overrides))

    return answer


@pytest.fixture(scope="module")
def table(register_of):
    return register_of().set_index("number")


def every_leaf(tree, path=""):
    """Return every leaf of nested values, down to each number of a distribution, written apart from the register."""
    if isinstance(tree, dict) and tree:
        return [leaf for key, part in tree.items() for leaf in every_leaf(part, f"{path}.{key}".lstrip("."))]
    return [path]


@pytest.mark.parametrize("overrides", ASKED, ids=str)
def test_no_leaf_of_a_scenario_is_left_out(manifest_of, register_of, overrides):
    numbers = set(register_of(*overrides).number)
    for path in every_leaf(manifest_of(*overrides)["scenario"]):
        is_there = path in numbers or path.rpartition(".")[0] in numbers
        is_no_assumption = any(fnmatchcase(path, pattern) for pattern in parameter_notes.NO_ASSUMPTION)
        assert is_there != is_no_assumption, path


@pytest.mark.parametrize("overrides", ASKED, ids=str)
def test_every_row_is_whole_and_no_number_stands_twice(register_of, overrides):
    found = register_of(*overrides)
    assert list(found.columns) == list(register.COLUMNS)
    assert not found.number.duplicated().any()
    assert not found.isna().any().any()
    assert (found.map(len) > 0).all().all()
    assert set(found.status) <= set(register.STATUSES)
    assert set(found.rating) <= set(register.RATINGS)


def test_what_is_no_assumption_is_a_short_list_with_a_reason_each():
    assert len(parameter_notes.NO_ASSUMPTION) < 16
    assert all(len(reason) > 10 for reason in parameter_notes.NO_ASSUMPTION.values())


def test_every_pattern_of_words_is_used():
    paths = [path for path, _ in parameter_notes.leaves(question(load_scenario()))]
    paths += ["split.shares.Norwich", "organisation.twins.Norwich"]
    paths = [path for path in paths if not parameter_notes.is_no_assumption(path)]
    patterns = [pattern for pattern, _, _ in parameter_notes.ABOUT]
    assert {next(one for one in patterns if fnmatchcase(path, one)) for path in paths} == set(patterns)


def test_red_is_what_is_to_verify_or_recalled_and_used_and_nothing_else(table):
    doubted = table.status.isin(["to verify", "recalled"])
    assert (table[table.rating == "red"].status.isin(["to verify", "recalled"])).all()
    assert set(table[doubted].rating) == {"red", "amber"}
    assert table.loc["delivery.leave_area", "rating"] == "red"
    assert table.loc["value.later_discount_rate", "rating"] == "red"
    assert table.loc["value.neet_gbp", "rating"] == "amber"
    assert "never added to the headline" in table.loc["value.neet_gbp", "why"]
    assert table.loc["events.covid_19_delivery", "rating"] == "amber"
    assert "before the years in view" in table.loc["events.covid_19_delivery", "why"]


def test_green_is_never_a_judgement_a_distribution_an_estimate_of_ours_or_a_county(table):
    green = table[table.rating == "green"]
    assert set(green.status) <= {"published", "found"}
    assert not green.value.str.contains("mean .* 90 %", regex=True).any()
    assert not green.source.str.contains("this project").any()
    assert not green.unit.str.startswith("score").any()
    assert table.loc["outcomes.key_stage_2.all", "rating"] == "amber"
    assert "Norwich" in table.loc["outcomes.key_stage_2.all", "why"]
    assert len(green) > 20


def test_whatever_a_run_says_is_to_verify_is_red_in_its_register(tiny):
    found = register.assumptions(tiny.manifest).set_index("number")
    for study in tiny.manifest["to_verify"]["studies"]:
        assert found.loc[f"studies.{study}.effect", "rating"] == "red"
    for name in tiny.manifest["to_verify"]["national"]:
        assert found.loc[f"national.{name}.gbp", "rating"] == "red"


def test_a_number_has_the_source_that_its_line_in_the_config_file_names(table):
    assert table.loc["budget.announced_years_before", "source"].startswith("NFER-2018: NFER for the Department")
    assert table.loc["value.point_gbp", "source"].startswith("GCSE-EARNINGS: TES")
    assert table.loc["interventions.early_language.unit_cost_gbp", "source"].startswith("NELI-2020: Education Endow")
    assert table.loc["delivery.overlap", "status"] == "assumed"
    assert table.loc["delivery.overlap", "source"].startswith(register.UNSOURCED)
    assert table.loc["delivery.board_slower", "status"] == "assumed"  # said above the lines, not beside it


def test_a_word_of_the_files_is_not_taken_for_a_doubt(table):
    assert table.loc["evidence.doubt_factor", "status"] == "assumed"  # its comment speaks of those marked `to verify`


@pytest.mark.parametrize("overrides", [(), ("scenario=hand_over",), ("portfolio=delivery_plans", "split=as_paid")])
def test_a_value_that_ships_is_never_said_to_be_changed(register_of, overrides):
    assert not register_of(*overrides).source.str.contains("changed for this run").any()


def test_a_value_that_was_changed_says_so_with_what_it_was(register_of):
    changed = register_of("budget.total_gbp=5e7", "delivery.dose.a=3").set_index("number")
    assert "changed for this run" in changed.loc["budget.total_gbp", "source"]
    assert "108,000,000" in changed.loc["budget.total_gbp", "source"]
    assert "Beta(6, 4)" in changed.loc["delivery.dose", "source"]
    assert changed.loc["budget.total_gbp", ["status", "rating"]].tolist() == ["assumed", "amber"]
    assert changed.source.str.contains("changed for this run").sum() == 2


@pytest.mark.slow
def test_every_named_scenario_is_traced_to_its_files(manifest_of):
    for name in groups()["scenario"]:
        found = register.assumptions(manifest_of(f"scenario={name}"))
        wrong = found[found.source.str.contains("changed for this run")]
        assert wrong.empty, (name, wrong.number.tolist())


def test_an_other_reading_of_the_evidence_is_found_in_its_own_file(register_of):
    found = register_of("evidence=sceptical", "value.point_gbp=9000").set_index("number")
    assert found.source.str.contains("changed for this run").sum() == 1
    assert "configs/evidence/sceptical.yaml" in found.loc["evidence.doubt_factor", "source"]
    assert "configs/evidence/standard.yaml" in found.loc["evidence.fade_out.standard.first_year", "source"]


def test_studies_left_out_are_there_and_are_not_red(register_of):
    found = register_of(*ASKED[-1]).set_index("number")
    assert found.loc["studies.Phonics strand.effect", "rating"] == "amber"
    assert "left out" in found.loc["studies.Phonics strand.effect", "why"]


def test_tables_that_are_others_than_those_of_the_run_are_said_to_be(manifest_of):
    found = register.assumptions(manifest_of() | {"data_hash": "0" * 64}).set_index("number")
    assert found.loc["breaks.phonics.2020", ["rating", "why"]].tolist() == ["amber", register.STALE]


def test_a_failed_baseline_stands_beside_what_was_learned(manifest_of):
    manifest = manifest_of()
    failed = manifest | {"gates": manifest["gates"] | {"verdict": "FAIL"}}
    assert register.assumptions(failed).set_index("number").loc["learned.mu", "why"].endswith("FAIL")


def test_a_name_that_begins_like_a_formula_is_harmless(manifest_of):
    manifest = manifest_of()
    scenario = manifest["scenario"] | {"evidence": manifest["scenario"]["evidence"] | {"without": ["=HYPERLINK(1)"]}}
    found = register.assumptions(manifest | {"scenario": scenario}).set_index("number")
    assert found.loc["evidence.without", "value"] == "'=HYPERLINK(1)"


@pytest.mark.parametrize(
    ("name", "a", "b", "known"),
    [
        ("Beta", 8, 2, stats.beta(8, 2)),
        ("Normal", 0.05, 0.015, stats.norm(0.05, 0.015)),
        ("LogNormal", 1.25, 0.3, stats.lognorm(0.3, scale=1.25)),
        ("Uniform", 1, 3, stats.uniform(1, 2)),
        ("HalfNormal", 0.06, 0, stats.halfnorm(scale=0.06)),
    ],
)
def test_mean_and_interval_of_a_distribution_are_those_of_scipy(name, a, b, known):
    assert register.spread(name, a, b) == pytest.approx((known.mean(), known.ppf(0.05), known.ppf(0.95)))


def test_a_distribution_is_said_with_its_mean_and_interval():
    assert register.said({"dist": "Beta", "a": 8.0, "b": 2.0}) == "Beta(8, 2): mean 0.80, 90 %: 0.57 to 0.96"
    assert register.said({"dist": "Uniform", "a": 1.0, "b": 1.0}) == "1.00, fixed"
    assert register.said([24.0, 18.0]) == "24, 18"
    assert register.said({}) == register.said(None) == "none"
    assert register.said(False) == "no"


def test_the_comment_of_a_line_is_found_behind_quotes_and_values():
    assert parameter_notes._comment('source: "a # b"   # c') == "c"
    assert parameter_notes._comment("# alone") == parameter_notes._comment("a: b#c") == ""


def test_every_config_file_is_read_leaf_by_leaf_as_yaml_reads_it():
    for path in sorted(CONFIGS.glob("delivery/*.yaml")) + sorted(CONFIGS.glob("budget/*.yaml")):
        known = dict(parameter_notes.leaves(yaml.safe_load(path.read_text(encoding="utf-8"))))
        known = {key: value for key, value in known.items() if not key.startswith("defaults")}
        found = parameter_notes._read(f"{path.parent.name}/{path.name}")
        assert {key: note.value for key, note in found.items()} == {
            k: parameter_notes.plain(v) for k, v in known.items()
        }


def test_the_tables_of_assurance_are_in_the_dictionary(tiny, register_of):
    made = {"assumptions": register_of(), "verification": assurance.verification_log(tiny)}
    assert len(data_dictionary.dictionary(made)) == len(register.COLUMNS) + len(assurance.COLUMNS)


# the verification log


@pytest.fixture(scope="module")
def log(tiny):
    return assurance.verification_log(tiny).set_index("check")


def verdict(result, check):
    return assurance.verification_log(result).set_index("check").verdict[check]


def test_a_sound_run_passes_what_can_be_checked(log):
    checked = log[log.verdict != assurance.NOT_RUN]
    assert set(checked.verdict) == {"PASS"}
    assert {"figures: impact", "figures: groups", "money: added up anew", "trace: run id"} <= set(checked.index)


def test_figures_that_do_not_hang_together_fail(tiny):
    draws = tiny.draws.copy()
    draws["impact"] = draws.impact + 0.01
    assert verdict(replace(tiny, draws=draws), "figures: impact") == "FAIL"
    draws = tiny.draws.copy(deep=True)
    draws.projection.loc[{"measure": "key_stage_2", "group": "all"}] += 0.01
    assert verdict(replace(tiny, draws=draws), "figures: groups") == "FAIL"
    draws = tiny.draws.copy(deep=True)
    draws.projection[{"chain": 0, "draw": 0, "area": 0, "year": 0}] = np.nan
    assert verdict(replace(tiny, draws=draws), "figures: finite") == "FAIL"


def test_a_pound_that_is_lost_fails(tiny):
    money = tiny.money.copy(deep=True)
    money.spend[dict.fromkeys(money.spend.dims, 0)] += 1
    assert verdict(replace(tiny, money=money), "money: added up anew") == "FAIL"
    account = tiny.manifest["account_gbp"] | {"difference": 1}
    assert verdict(replace(tiny, manifest=tiny.manifest | {"account_gbp": account}), "money: account") == "FAIL"


def test_a_run_that_says_it_is_another_fails(tiny):
    scenario = tiny.manifest["scenario"] | {"seed": 1}
    assert verdict(replace(tiny, manifest=tiny.manifest | {"scenario": scenario}), "trace: run id") == "FAIL"
    assert verdict(replace(tiny, manifest=tiny.manifest | {"data_hash": "0" * 64}), "trace: tables") == "FAIL"
    other = replace(tiny, manifest=tiny.manifest | {"code_hash": "0" * 64})
    assert verdict(other, "trace: code") == assurance.OTHER


def test_gates_are_judged_by_their_limits_and_said_where_they_are_not_known(tiny):
    gates = tiny.manifest["gates"] | {"verdict": "FAIL", "reason": "R-hat 1.2", "r_hat_max": 1.2}
    failed = replace(tiny, manifest=tiny.manifest | {"gates": gates})
    assert verdict(failed, "baseline: R-hat") == verdict(failed, "baseline: gates") == "FAIL"
    older = {key: value for key, value in tiny.manifest.items() if key != "synthesis"}
    assert verdict(replace(tiny, manifest=older), "synthesis: gates") == assurance.NOT_KNOWN


def test_no_money_has_no_impact_and_is_checked(run_tiny):
    log = assurance.verification_log(run_tiny("scenario=no_programme")).set_index("check")
    assert log.verdict["figures: no money"] == "PASS"


def test_what_was_not_run_says_so_with_its_command_and_nothing_on_record_is_made_up(log):
    record = log[log.verdict == assurance.NOT_RUN]
    assert {"backtest", "hindcast", "placebo", "promises kept", "tests"} <= set(record.index)
    assert record["from"].str.contains("run it: ").all()
    texts = "".join((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "experiments/README.md"))
    for check, found in record.found.items():
        for number in re.findall(r"(?<![\d/])\d+(?:[.,]\d+)*(?![\d/])", found):
            assert re.search(rf"(?<![\d.]){re.escape(number)}(?![\d.]*\d)", texts), (check, number)


# the statement on uncertainty, and what changed


def test_the_statement_says_what_the_intervals_hold_and_what_they_do_not(tiny):
    said = assurance.uncertainty_statement(tiny)
    text = " ".join(said)
    assert "5th to the 95th percentile of 40 draws" in text
    for part in (
        "They allow for",
        "They do not allow for",
        "Monte Carlo error",
        "comes from",
        "to verify",
        "cannot be",
    ):
        assert part in text or (part == "comes from" and "too few" in text)
    assert all(line.endswith(".") for line in said)


def test_monte_carlo_errors_are_those_of_many_repetitions():
    rng = np.random.default_rng(1)
    many = rng.standard_normal((2000, 4, 125))
    flat = many.reshape(2000, 500)
    mean = np.mean([mcse.error_of_mean(draws) for draws in many[:100]])
    assert mean == pytest.approx(flat.mean(axis=1).std(), rel=0.15)
    for at in (0.05, 0.95):
        typical = np.mean([mcse.error_of_quantile(draws, at, 500) for draws in many[:100]])
        assert typical == pytest.approx(np.quantile(flat, at, axis=1).std(), rel=0.15)
        fewer = np.mean([mcse.error_of_quantile(draws, at, 125) for draws in many[:100]])
        assert fewer == pytest.approx(2 * typical, rel=0.15)


def test_the_statement_says_the_monte_carlo_error_that_the_table_of_figures_has(every_area):
    (line,) = [line for line in assurance.uncertainty_statement(every_area) if line.startswith("Monte Carlo error")]
    assert f"would move by about {run_figures.brief(every_area)['impact'].error:.2g}," in line


def test_without_money_there_is_no_error_to_speak_of(run_tiny):
    assert "none, since" in " ".join(assurance.uncertainty_statement(run_tiny("scenario=no_programme")))


def test_what_changed_begins_with_what_moves_results_and_is_whole():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    for version in re.findall(r"^## (\S+)", text, flags=re.MULTILINE):
        found = assurance.changes(version)
        assert found[0].startswith("Moves results: ")
        section = re.search(rf"^## {re.escape(version)}$(.*?)(?=^## |\Z)", text, flags=re.MULTILINE | re.DOTALL)[1]
        assert sum(line.startswith("- ") for line in section.splitlines()) == len(found) - 1
        words = " ".join(section.replace("**", "").split()).replace("- ", "")
        assert all(line.partition(": ")[2][:40] in words for line in found[1:])


def test_a_version_or_a_changelog_that_is_not_there_is_a_sentence(monkeypatch):
    assert "does not name it" in assurance.changes("99.0")[0]
    monkeypatch.setattr(assurance, "CHANGELOGS", ())
    assert "holds no changelog" in assurance.changes("0.5.0")[0]


def test_the_tables_are_refused_where_they_are_not_there(tiny, tmp_path):
    with pytest.raises(Refusal, match="missing"):
        register.assumptions(tiny.manifest, str(tmp_path))


def test_the_same_run_has_the_same_register_and_log(tiny, manifest_of, register_of):
    pd.testing.assert_frame_equal(register.assumptions(manifest_of()), register_of())
    pd.testing.assert_frame_equal(assurance.verification_log(tiny), assurance.verification_log(tiny))
