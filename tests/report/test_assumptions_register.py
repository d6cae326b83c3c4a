from functools import cache

import pandas as pd
import pytest
from scipy import stats

from oa_sim import load_scenario
from oa_sim.errors import Refusal
from oa_sim.report import assumptions_register, assurance, data_dictionary
from oa_sim.scenario.overrides import groups
from oa_sim.simulation.run_manifest import question

ASKED = (
    (),
    ("scenario=hand_over",),
    ("portfolio=delivery_plans", "split=as_paid"),
    ("evidence=sceptical", "value.point_gbp=9000"),
    ("organisation.twins={Norwich: Ipswich}", "organisation.sharing=1", "organisation.review=to_effect"),
    ("areas=[Norwich, Oldham]", "split=custom", "split.shares={Norwich: 0.5, Oldham: 0.5}"),
    ("system=with_opportunity_north_east",),
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
        return assumptions_register.assumptions(manifest_of(*overrides))

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
        assert is_there == assumptions_register.is_assumption(path), path


@pytest.mark.parametrize("overrides", ASKED, ids=str)
def test_every_row_is_whole_and_no_number_stands_twice(register_of, overrides):
    found = register_of(*overrides)
    assert list(found.columns) == list(assumptions_register.COLUMNS)
    assert not found.number.duplicated().any()
    assert not found.isna().any().any()
    assert (found.map(len) > 0).all().all()
    assert set(found.status) <= {"published", "found", "assumed", "recalled", "to verify"}
    assert set(found.rating) <= {"red", "amber", "green"}


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
    assert not green.value.str.contains("mean .* 90%", regex=True).any()
    assert not green.source.str.contains("this project").any()
    assert not green.unit.str.startswith("score").any()
    assert table.loc["outcomes.phonics.all", "rating"] == "amber"
    assert "Norwich" in table.loc["outcomes.phonics.all", "why"]
    assert table.loc["district_figures.key_stage_2.all", "rating"] == "amber"
    assert "school tables" in table.loc["district_figures.key_stage_2.all", "why"]
    assert table.loc["outcomes.key_stage_2.all", "rating"] == "green"  # of authorities and counties
    assert table.loc["district_law.levels", "rating"] == "amber"
    assert len(green) > 20


def test_whatever_a_run_says_is_to_verify_is_red_in_its_register(tiny):
    found = assumptions_register.assumptions(tiny.manifest).set_index("number")
    for study in tiny.manifest["to_verify"]["studies"]:
        assert found.loc[f"studies.{study}.effect", "rating"] == "red"
    for name in tiny.manifest["to_verify"]["national"]:
        assert found.loc[f"national.{name}.gbp", "rating"] == "red"


def test_a_number_has_the_source_that_its_line_in_the_config_file_names(table):
    assert table.loc["budget.announced_years_before", "source"].startswith("NFER-2018: NFER for the Department")
    assert table.loc["value.point_gbp", "source"].startswith("GCSE-EARNINGS: TES")
    assert table.loc["interventions.early_language.unit_cost_gbp", "source"].startswith("NELI-2020: Education Endow")
    assert table.loc["delivery.overlap", "status"] == "assumed"
    assert table.loc["delivery.overlap", "source"].startswith(assumptions_register.UNSOURCED)
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
    for group in ("scenario", "system"):
        for name in groups()[group]:
            found = assumptions_register.assumptions(manifest_of(f"{group}={name}"))
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
    found = assumptions_register.assumptions(manifest_of() | {"data_hash": "0" * 64}).set_index("number")
    assert found.loc["breaks.phonics.2020", ["rating", "why"]].tolist() == ["amber", assumptions_register.STALE]


def test_a_failed_baseline_stands_beside_what_was_learned(manifest_of):
    manifest = manifest_of()
    failed = manifest | {"gates": manifest["gates"] | {"verdict": "FAIL"}}
    assert assumptions_register.assumptions(failed).set_index("number").loc["learned.mu", "why"].endswith("FAIL")


def test_a_name_that_begins_like_a_formula_is_harmless(manifest_of):
    manifest = manifest_of()
    scenario = manifest["scenario"] | {"evidence": manifest["scenario"]["evidence"] | {"without": ["=HYPERLINK(1)"]}}
    found = assumptions_register.assumptions(manifest | {"scenario": scenario}).set_index("number")
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
    assert assumptions_register.spread(name, a, b) == pytest.approx((known.mean(), known.ppf(0.05), known.ppf(0.95)))


def test_a_distribution_is_said_with_its_mean_and_interval():
    assert (
        assumptions_register.value_text({"dist": "Beta", "a": 8.0, "b": 2.0})
        == "Beta(8, 2): mean 0.80, 90% interval 0.57 to 0.96"
    )
    assert assumptions_register.value_text({"dist": "Uniform", "a": 1.0, "b": 1.0}) == "1.00, fixed"
    assert assumptions_register.value_text([24.0, 18.0]) == "24, 18"
    assert assumptions_register.value_text({}) == assumptions_register.value_text(None) == "none"
    assert assumptions_register.value_text(False) == "no"


def test_the_tables_of_assurance_are_in_the_dictionary(tiny, register_of):
    made = {"assumptions": register_of(), "verification": assurance.verification_log(tiny)}
    assert len(data_dictionary.dictionary(made)) == len(assumptions_register.COLUMNS) + len(assurance.COLUMNS)


# the statement on uncertainty, and what changed


def test_the_tables_are_refused_where_they_are_not_there(tiny, tmp_path):
    with pytest.raises(Refusal, match="missing"):
        assumptions_register.assumptions(tiny.manifest, str(tmp_path))


def test_the_same_run_has_the_same_register_and_log(tiny, manifest_of, register_of):
    pd.testing.assert_frame_equal(assumptions_register.assumptions(manifest_of()), register_of())
    pd.testing.assert_frame_equal(assurance.verification_log(tiny), assurance.verification_log(tiny))
