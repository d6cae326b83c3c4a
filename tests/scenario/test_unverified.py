import dataclasses

import pandas as pd

from oa_sim import load_scenario
from oa_sim.scenario import unverified
from oa_sim.simulation import narrative
from oa_sim.simulation.comparison import Comparison


def used(known, *overrides):
    return unverified.to_verify(load_scenario(*overrides), known)


def test_every_study_and_programme_that_is_recalled_is_named(known):
    found = used(known)
    assert "National Tutoring Programme year two" not in found["studies"]
    assert "Phonics strand" in found["studies"]
    assert "maths_hubs" in found["national"]
    assert "essential_life_skills" not in found["national"]


def test_a_figure_that_is_not_used_is_not_named(known):
    found = used(known, "evidence.without=[Phonics strand]", "organisation.national=[essential_life_skills]")
    assert "Phonics strand" not in found["studies"]
    assert not {"national", "priorities", "events", "pupils"} & set(found)


def test_priorities_are_doubted_where_they_are_followed(known):
    found = used(known, "portfolio=delivery_plans", "areas=[West Somerset, Norwich]")
    assert len(found["priorities"]) == 4
    assert all("Norwich" in name for name in found["priorities"])


def test_events_are_doubted_where_they_fall_into_view(known):
    assert used(known, "scenario=with_covid")["events"] == ["covid_19_delivery"]


def test_derived_numbers_of_pupils_are_doubted_in_their_own_areas_alone(known):
    assert "pupils" not in used(known)
    assert len(used(known, "areas=opportunity_north_east")["pupils"]) == 24


def test_a_recalled_announcement_is_doubted_where_its_area_is_asked_for(known):
    assert "areas" not in used(known)
    assert used(known, "areas=[Norwich, Gateshead]")["areas"] == ["Gateshead"]
    assert len(used(known, "areas=opportunity_north_east")["areas"]) == 12


def test_a_derived_number_of_pupils_says_where_and_of_which_year_its_count_is(known):
    derived = [row for row in known["pupils"] if row["status"] == "to verify"]
    of = {"primary_pupils": (2019, "EYFS-LA"), "secondary_pupils": (2023, "NEET-LA")}
    assert {row["quantity"] for row in derived} == set(of)
    assert all((row["year"], row["source"]) == of[row["quantity"]] for row in derived)
    reception = {
        row["place"]: row["value"]
        for row in known["pupils"]
        if row["quantity"] == "reception_pupils" and row["year"] == 2019 and row["geography"] == "authority"
    }
    assert all(row["value"] == 7 * reception[row["place"]] for row in derived if row["quantity"] == "primary_pupils")


def test_who_is_in_a_set_is_doubted_where_the_whole_set_is_asked_for_alone(known):
    doubted = [f"{row['area']} of {row['area_set']}" for row in known["area_sets"] if row["status"] == "to verify"]
    assert used(known, "areas=priority_education_investment_areas")["area_sets"] == doubted
    assert "area_sets" not in used(known, "areas=opportunity_north_east")
    assert "area_sets" not in used(known, f"areas=[{doubted[0].split(' of ')[0]}]")


def test_the_doubts_stand_in_the_headline_and_in_the_manifest(tiny, known):
    assert tiny.manifest["to_verify"] == used(known, "areas=three_areas")
    assert narrative.headline(tiny)[-1].startswith("Still to verify")


def test_nothing_to_verify_is_no_sentence():
    assert unverified.sentence({}) == ""
    assert unverified.sentence({"studies": ["one"], "priorities": ["a", "b"]}).count("1 study, 2 priorities") == 1


def test_a_comparison_doubts_all_that_any_of_its_scenarios_rests_on(tiny):
    rests = ({"studies": ["one", "two"], "events": ["shock"]}, {"priorities": ["a"], "studies": ["two", "three"]})
    assert unverified.together(list(rests)) == {
        "studies": ["one", "two", "three"],
        "priorities": ["a"],
        "events": ["shock"],
    }
    assert unverified.together([{}, {}]) == {}
    results = tuple(dataclasses.replace(tiny, manifest=tiny.manifest | {"to_verify": some}) for some in rests)
    said = narrative.compared(Comparison(results, pd.DataFrame()))
    assert any("3 studies, 1 priority, 1 event, listed in compare.json" in sentence for sentence in said)
