"""Cases: identities, paths, labels, and the examples of the help."""

from dataclasses import replace

import planted

from oa_sim.simulation import run_manifest
from oa_sim.simulation.run_manifest import made_by
from oa_sim.sweep import cases as case_list


def test_an_identity_is_that_of_the_question_in_full_and_not_of_where_the_answer_goes():
    made = made_by() | {"data_hash": {}, "posterior": {}}
    scenario = planted.base()
    name = case_list.identity_of(scenario, [], made)
    parts = made | {key: made[key][case_list.INSIDE] for key in ("data_hash", "posterior")}
    assert name == run_manifest.identity(parts | {"scenario": run_manifest.question(scenario)})
    assert name == case_list.identity_of(replace(scenario, outputs="elsewhere"), [], made)
    assert name != case_list.identity_of(replace(scenario, seed=scenario.seed + 1), [], made)


def test_paths_are_kept_from_the_root_on_whether_fixed_or_varied(tmp_path, monkeypatch):
    from oa_sim.scenario.sweep_settings import Design
    from oa_sim.sweep import expand

    monkeypatch.chdir(tmp_path)
    found = case_list.rooted(expand.expand(["data_folder=my tables", "posterior=null,a.nc,'b (1).nc'"], Design()))
    assert found.fixed == (f"data_folder={tmp_path}/my tables",)
    assert found.values == [("null",), (f"{tmp_path}/a.nc",), (f"'{tmp_path}/b (1).nc'",)]
    assert case_list.rooted(found) == found


def test_the_chain_of_the_help_goes_through():
    from oa_sim.cli.commands import COMMANDS
    from oa_sim.scenario.load import load_sweeping
    from oa_sim.sweep import expand

    labels = []
    for verb in ("sweep", "extend"):
        words = [word for word in COMMANDS[verb].examples[0].split() if "=" in word]
        sweeping, left = load_sweeping(words)
        found = expand.expand(left, sweeping.design, may_be_one=verb == "extend")
        made = made_by() | {"data_hash": {}, "posterior": {}}
        cases, own = case_list.planned(found, 0, made)
        labels.append((own, {case["identity"] for case in cases}))
    case_list.check_room("DIR", labels[0][0], labels[1][0])
    assert not labels[0][1] & labels[1][1]
