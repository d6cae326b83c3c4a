"""Template files: the shipped ones, edited copies in their place, and folders that are refused."""

import pytest

from oa_sim.errors import Refusal
from oa_sim.report import template_files


def test_an_edited_copy_takes_the_place_of_its_name_alone(tmp_path):
    (tmp_path / "theme.css").write_text("mine")
    assert template_files.template_file("theme.css", tmp_path).read_text() == "mine"
    assert "--accent" in template_files.template_file("theme.css").read_text()
    assert "{% block main %}" in template_files.template_file("base.html", tmp_path).read_text()


def test_copies_are_the_shipped_templates_to_the_last_byte(tmp_path):
    names = template_files.copy_templates(tmp_path / "a" / "mine")
    assert {"base.html", "brief.html", "macros.html", "style.css", "theme.css", "logo.html"} <= set(names)
    for name in names:
        copy = (tmp_path / "a" / "mine" / name).read_bytes()
        assert copy == template_files.template_file(name).read_bytes()
    template_files.check_template_folder(tmp_path / "a" / "mine")


def test_copies_are_not_put_over_what_is_there(tmp_path):
    (tmp_path / "theme.css").write_text("mine")
    for folder in (tmp_path, tmp_path / "theme.css", tmp_path / "theme.css" / "below"):
        with pytest.raises(Refusal, match=r"is there already|cannot be written"):
            template_files.copy_templates(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["theme.css"]
    assert (tmp_path / "theme.css").read_text() == "mine"


def test_a_folder_that_replaces_no_template_is_refused(tmp_path):
    (tmp_path / "breif.html").write_text("mine")
    with pytest.raises(Refusal, match=r"holds no template; .*brief\.html"):
        template_files.check_template_folder(tmp_path)
    with pytest.raises(Refusal, match="needs a folder"):
        template_files.check_template_folder(tmp_path / "breif.html")
    template_files.check_template_folder(None)
