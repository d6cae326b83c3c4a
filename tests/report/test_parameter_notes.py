"""The words beside each number: every leaf of a config file has its comment, and no pattern is left over."""

from fnmatch import fnmatchcase

import yaml

from oa_sim import load_scenario
from oa_sim.report import parameter_notes
from oa_sim.scenario.overrides import CONFIGS
from oa_sim.simulation.run_manifest import question


def test_what_is_no_assumption_is_a_short_list_with_a_reason_each():
    assert len(parameter_notes.NO_ASSUMPTION) < 16
    assert all(len(reason) > 10 for reason in parameter_notes.NO_ASSUMPTION.values())


def test_every_pattern_of_words_is_used():
    paths = [path for path, _ in parameter_notes.leaves(question(load_scenario()))]
    paths += ["split.shares.Norwich", "organisation.twins.Norwich"]
    paths = [path for path in paths if not parameter_notes.is_no_assumption(path)]
    patterns = [pattern for pattern, _, _ in parameter_notes.ABOUT]
    assert {next(one for one in patterns if fnmatchcase(path, one)) for path in paths} == set(patterns)


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
