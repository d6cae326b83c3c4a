"""Config files: titles of choices, and the comments that give the source of a value."""

import dataclasses
import importlib.util
import re
from pathlib import Path

import pytest
import yaml

from oa_sim import load_scenario
from oa_sim.scenario import config_files, title_of
from oa_sim.scenario.config_files import CONFIGS, groups, sweep_groups

CHOICES = [(group, name) for group, names in (groups() | sweep_groups()).items() for name in names]
DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(("group", "name"), CHOICES)
def test_every_choice_has_a_title_that_people_read(group, name):
    text = (CONFIGS / group / f"{name}.yaml").read_text(encoding="utf-8")
    assert len(re.findall(r"^(?:# title|label): ", text, re.M)) == 1
    title = title_of(group, name)
    assert title[0].isupper() or title[0] in "£0123456789"
    assert "_" not in title
    assert "GBP" not in title
    assert 5 <= len(title) <= 80


def test_titles_tell_the_choices_of_a_group_apart():
    for group, names in groups().items():
        titles = [title_of(group, name) for name in names]
        assert len(set(titles)) == len(titles), group


def test_a_scenario_has_a_title_which_is_no_part_of_it():
    scenario = load_scenario()
    assert scenario.title == "As delivered"
    assert load_scenario("system=no_board").title == title_of("system", "no_board") == title_of("scenario", "no_board")
    assert dataclasses.replace(scenario, name="my_own-plan").title == "My own-plan"
    assert "title" not in dataclasses.asdict(scenario)


@pytest.mark.parametrize("name", ["", "..", "../budget/none", "a b", "none\n"])
def test_a_name_that_is_no_choice_is_given_in_words(name):
    assert title_of("budget", name) == config_files.in_words(name)


@pytest.mark.parametrize("path", sorted(CONFIGS.rglob("*.yaml")), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_config_file_is_read_leaf_by_leaf_as_yaml_reads_it(path):
    values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    values.pop("defaults", None)
    expected = {key: config_files.plain(value) for key, value in config_files.leaves(values) if values}
    read = config_files.comments_of(str(path.relative_to(CONFIGS)))
    assert {key: note.value for key, note in read.items()} == expected


def test_the_comment_of_a_line_is_found_behind_quotes_and_values(tmp_path, monkeypatch):
    text = 'a: "x # y"   # one\nb:        # two\n  c: {d: 1}  # three\n  e: [1, 2]\nf: b#c\n'
    text += "g: {dist: Beta, a: 1, b: 2}  # four\n"
    (tmp_path / "x.yaml").write_text(f"# title: T\n# above\n{text}", encoding="utf-8")
    monkeypatch.setattr(config_files, "CONFIGS", tmp_path)
    config_files.comments_of.cache_clear()
    found = {path: note.comment for path, note in config_files.comments_of("x.yaml").items()}
    config_files.comments_of.cache_clear()
    assert found == {"a": "one", "b.c.d": "three; two", "b.e": "two", "f": "", "g": "four"}


def test_a_comment_says_no_unit_or_range_that_the_schema_says():
    said = {"budget": ("# GBP", "weights"), "intervention": ("Reception = 0", "fully served"), "delivery": ("log SD",)}
    for group, words in said.items():
        for path in (CONFIGS / group).glob("*.yaml"):
            text = path.read_text(encoding="utf-8")
            assert not [word for word in words if word in text], path


def test_the_reference_of_keys_is_what_the_schema_and_the_files_give():
    spec = importlib.util.spec_from_file_location("reference_keys", DOCS / "reference_keys.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.main(["--check"])
    page = (DOCS / "reference.md").read_text(encoding="utf-8")
    for words in ("`budget.total_gbp`", "`interventions.NAME.capacity`", "`split=per_pupil`", "NFER-2018"):
        assert words in page
