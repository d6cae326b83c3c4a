"""Cases: paths, labels, and the examples of the help."""

from oa_sim.sweep import cases as case_list


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
        made = case_list.made_by() | {"data_hash": {}, "posterior": {}}
        cases, own = case_list.planned(found, 0, made, expand)
        labels.append((own, {case["identity"] for case in cases}))
    case_list.check_room("DIR", labels[0][0], labels[1][0])
    assert not labels[0][1] & labels[1][1]
