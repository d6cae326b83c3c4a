"""Model commands: a dry run refuses what a run refuses, and says what would run."""

import shutil

import pytest

from oa_sim import Refusal, load_scenario
from oa_sim.cli.model_commands import dry_run
from oa_sim.inputs import tables
from oa_sim.simulation.scenario_run import run

WRONG = {
    "a twin that is no area of the scenario": ("areas=[Norwich,Oldham]", "organisation.twins={Norwich: Ipswich}"),
    "a programme that is in no table": ("organisation.national=[maths_hub]",),
    "an event that is in no table": ("organisation.events=[general_election]",),
    "an amount that was never paid": ("areas=opportunity_north_east", "split=as_paid"),
    "a plan that is in no table": ("areas=[Gateshead]", "portfolio=delivery_plans"),
    "a study that is in no table": ("evidence.without=[Phonics strands]",),
}


def sentence(refuses):
    with pytest.raises(Refusal) as caught:
        refuses()
    return str(caught.value)


@pytest.mark.parametrize("what", WRONG)
def test_a_plan_refuses_what_a_run_refuses_in_the_same_words(tiny_posterior, what):
    scenario = load_scenario(*WRONG[what])
    assert sentence(lambda: dry_run(scenario)) == sentence(lambda: run(scenario, posterior=tiny_posterior))


def test_a_plan_refuses_a_table_that_names_no_intervention(tmp_path, tiny_posterior):
    folder = shutil.copytree(tables.FOLDER, tmp_path / "data")
    table = folder / "priorities.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("maths_mastery", "maths_mastry"), encoding="utf-8")
    scenario = load_scenario("areas=[Norwich]", f"data_folder={folder}")
    said = sentence(lambda: dry_run(scenario))
    assert "did you mean 'maths_mastery'" in said
    assert said == sentence(lambda: run(scenario, posterior=tiny_posterior))


def test_a_plan_of_a_scenario_that_can_run_says_what_would_run():
    plan = dry_run(load_scenario("areas=three_areas", "horizon=5", "organisation.twins={Norwich: Oldham}"))
    assert (plan.facts["areas"], plan.facts["years"]) == (3, "2026 to 2030")
    assert plan.lines[0].startswith("As delivered: 2025/26 to 2029/30, 3 areas, ")
    assert plan.folder is None
