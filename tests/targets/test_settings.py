"""Tables of targets and of new figures: what is understood, and what is refused in one sentence."""

import pytest
from test_assess import AREAS, GOOD, written
from test_monitor import small

from oa_sim.errors import Refusal
from oa_sim.inputs import tables
from oa_sim.targets import settings
from oa_sim.targets.settings import Monitor, Target, Want, of_user


def test_a_measure_is_known_by_its_label_and_by_what_people_call_it(tmp_path):
    names = ["GLD", "Good level of development (age 5)", "good level of development"]
    for name in names:
        path = written(tmp_path / "t.csv", [GOOD[0], ["Derby", name, "all", "60", "2028", "level"]])
        assert of_user(path, AREAS, None)[0].measure == "good_level_of_development"


HEAD = "area,measure,group,target,target_year\n"
WRONG = {
    "an area that is unknown": (HEAD + "Oldam,key_stage_2,all,60,2027", "row 2: area is an unknown area.*Oldham"),
    "an area of another scenario": (
        HEAD + "Norwich,key_stage_2,all,60,2027",
        "row 2: area must be one of the scenario",
    ),
    "a measure that is unknown": (HEAD + "Oldham,key_stage_3,all,60,2027", "key_stage_2"),
    "a group that is unknown": (HEAD + "Oldham,key_stage_2,poor,60,2027", "group"),
    "a group that the measure has not": (HEAD + "Oldham,suspensions,other,6,2027", "group of suspensions"),
    "a target that is no number": (HEAD + "Oldham,key_stage_2,all,sixty,2027", "must be a number, got 'sixty'"),
    "a target that is not finite": (HEAD + "Oldham,key_stage_2,all,nan,2027", "must be -100 to 100"),
    "a target above all": (HEAD + "Oldham,key_stage_2,all,160,2027", "must be -100 to 100"),
    "a year in words": (HEAD + "Oldham,key_stage_2,all,60,soon", "target_year must be"),
    "an academic year that is none": (HEAD + "Oldham,key_stage_2,all,60,2027/29", "target_year must be"),
    "a column that is unknown": (
        "area,measure,group,target,target_yaer\nOldham,key_stage_2,all,60,2027",
        "target_year",
    ),
    "a column that is missing": ("area,measure,group,target\nOldham,key_stage_2,all,60", "no target_year"),
    "a scale that is unknown": (
        "area,measure,group,target,target_year,scale\nOldham,key_stage_2,all,60,2027,log",
        "scale",
    ),
    "a row that is too short": (HEAD + "Oldham,key_stage_2", "must be a number, got ''"),
    "a row that is too long": (HEAD + "Oldham,key_stage_2,all,60,2028,61", "row 2: must have 5 cells, got 6"),
    "a column that stands there twice": (
        "area,measure,group,target,target_year,target\nOldham,key_stage_2,all,60,2028,5",
        "row 1: column 'target' must stand once",
    ),
    "a target that stands there twice": (
        HEAD + "Oldham,key_stage_2,all,60,2028\nOldham,KS2,all,61,2027/28",
        "row 3: Oldham, key_stage_2, all, 2028, level stands in row 2 already",
    ),
    "a unit of another measure": (
        "area,measure,group,target,target_year,unit\nOldham,attainment_8,all,45,2028,%",
        "unit of attainment_8",
    ),
    "a status that is unknown": (
        "area,measure,group,target,target_year,status\nOldham,attainment_8,all,45,2028,perhaps",
        "status",
    ),
    "no rows": (HEAD, "at least one row"),
    "nothing": ("", "targets need the columns area, .*, got no area"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_table_is_refused_in_one_sentence(tmp_path, case):
    text, words = WRONG[case]
    path = tmp_path / "targets.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Refusal, match=words):
        of_user(str(path), AREAS, None)


def test_what_is_no_workbook_is_refused(tmp_path):
    path = tmp_path / "targets.xlsx"
    path.write_bytes(b"not a workbook")
    with pytest.raises(Refusal, match="cannot be read as an Excel workbook"):
        of_user(str(path), AREAS, None)
    with pytest.raises(Refusal, match="is not there"):
        of_user(str(tmp_path / "none.xlsx"), AREAS, None)


# figures of a monitor

WRONG_FIGURES = {
    "a place": ("Oldam,key_stage_2,all,2022,50", "place"),
    "a place that no area needs": ("Kent,key_stage_2,all,2022,50", "unknown place 'Kent'"),
    "a district": ("Norwich,key_stage_2,all,2022,50", "published for Norfolk"),
    "a measure": ("Oldham,key_stage_9,all,2022,50", "measure"),
    "a group": ("Oldham,suspensions,other,2022,5", "group of suspensions"),
    "a year": ("Oldham,key_stage_2,all,soon,50", "year must be"),
    "a value": ("Oldham,key_stage_2,all,2022,many", "must be a number"),
    "a share": ("Oldham,key_stage_2,all,2022,150", "0 to 100%"),
    "what is not finite": ("Oldham,key_stage_2,all,2022,nan", "0 to 100%"),
}


@pytest.mark.parametrize("case", WRONG_FIGURES)
def test_a_wrong_figure_is_refused_in_one_sentence(tmp_path, case):
    row, words = WRONG_FIGURES[case]
    with pytest.raises(Refusal, match=words):
        settings.figure_rows(Monitor(figures=small(tmp_path / "f.csv", row)), tables.read_all(), 2022, None)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Target(levels=[0.5, 0.5]), r"^target\.levels must name each probability once"),
        (lambda: Target(red_below=0.8), r"^target\.red_below must be at most target\.green_from=0\.7, got 0\.8"),
        (lambda: Monitor(red_from=0.5), r"^monitor\.red_from must be at least monitor\.green_from=0\.7, got 0\.5"),
        (lambda: Want(most_gbp=1.0), r"^want\.most_gbp must be £10,000 to £100,000,000,000, got 1"),
        (lambda: Want(measure="attainment_8", group="pupils"), r"^unknown want\.group 'pupils'"),
    ],
)
def test_settings_check_themselves_alone_and_together(make, words):
    with pytest.raises(Refusal, match=words):
        make()


def test_a_published_file_may_write_an_authority_in_its_own_way(tmp_path):
    header = "gss_code,la_code,la_name,region,academic_year,gld_pct\n"
    rows = ("E92000001,970,England,England", "E06000047,840,Durham,North East", "E06000010,810,{},Yorkshire")
    text = header + "".join(f"{row},2021/22,{60 + n}\n" for n, row in enumerate(rows))
    (tmp_path / "f.csv").write_text(text.format('"Kingston Upon Hull, City of"'))
    hull = "Kingston upon Hull, City of"
    found = settings.figure_rows(Monitor(figures=str(tmp_path / "f.csv")), tables.read_all(names=[hull]), 2022, None)
    assert {row["place"]: row["value"] for row in found} == {"England": 60, "County Durham": 61, hull: 62}
