"""The one CSV reader: every table that a person writes is read by its schema, and refused by file and row."""

import pytest

from oa_sim import load_scenario
from oa_sim.errors import Refusal
from oa_sim.inputs import csv_reader, schemas, tables
from oa_sim.inputs.schemas import Schema
from oa_sim.programme import budget

PLACES = Schema(
    {"place": schemas.text, "share_of_all": schemas.number(0, 1)},
    ("place",),
    {"note": lambda cell: cell or "none"},
    noun="shares need",
    is_exact=False,
)


def read(tmp_path, text, schema=PLACES):
    path = tmp_path / "shares.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return csv_reader.read_table(path, schema, "the shares are not there: name them")


@pytest.mark.parametrize(
    "text",
    [
        "place,share_of_all\nDerby,0.5\nOldham,0.25\n",
        "\ufeffShare of all, Place,,\r\n0.5,Derby,,\r\n\r\n 0.25 ,Oldham\r\n",
        'place,share_of_all,note\n"Derby",0.5,\n,,\nOldham,0.25,none',
    ],
    ids=["plain", "as a spreadsheet saves it", "with a column that may be left out"],
)
def test_a_table_is_read_as_people_write_it(tmp_path, text):
    rows = read(tmp_path, text)
    assert [(row["place"], row["share_of_all"], row["note"]) for row in rows] == [
        ("Derby", 0.5, "none"),
        ("Oldham", 0.25, "none"),
    ]
    assert rows[0]["row"] == 2


WRONG = {
    "place\nDerby\n": "shares.csv: shares need the columns place, share_of_all, got no share_of_all: add it",
    "place,place,share_of_all\nDerby,Derby,1\n": "shares.csv row 1: column 'place' must stand once and have a name",
    "place,share_of_al\nDerby,1\n": "shares.csv row 1: unknown column 'share_of_al': did you mean 'share_of_all'?",
    "place,share_of_all\nDerby,1\nDerby,0\n": "shares.csv row 3: Derby stands in row 2 already: keep one of the two",
    "place,share_of_all\nDerby,1,000\n": "shares.csv row 2: must have 2 cells, got 3: correct the row",
    "place,share_of_all\nDerby,1.5\n": "shares.csv row 2: share_of_all must be 0 to 1, got 1.5: correct the cell",
    "place,share_of_all\nDerby\n": "shares.csv row 2: share_of_all must be a number, got '': correct the cell",
    "place,share_of_all\n\n\n,1\n": "shares.csv row 4: place must not be empty: correct the cell",
    'place,share_of_all\n"Derby,1\n': "shares.csv row 2: cannot be read as CSV",
    "place,share_of_all\n": "shares.csv: must have at least one row, got none: fill the table",
    "": "shares.csv: shares need the columns",
    b"place,share_of_all\nDerb\xff,1\n": "shares.csv: cannot be read as CSV",
}


@pytest.mark.parametrize("text", WRONG, ids=WRONG.values())
def test_what_is_wrong_is_one_sentence_with_file_row_and_remedy(tmp_path, text):
    with pytest.raises(Refusal) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(WRONG[text])


def test_a_table_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(Refusal, match="the shares are not there: name them"):
        csv_reader.read_table(tmp_path / "none.csv", PLACES, "the shares are not there: name them")
    with pytest.raises(Refusal, match=r"cannot be read"):
        csv_reader.read_table(tmp_path, PLACES, "")


def test_other_columns_may_stand_beside_an_open_table_alone(tmp_path):
    scenario = load_scenario("areas=[Derby]")
    first = scenario.start_year
    path, (name, *_) = tmp_path / "plan.csv", scenario.interventions
    path.write_text(f",gbp,area,intervention,year,note\n0,1000,Derby,{name},{first},mine\n")
    assert budget.rows(path, scenario, [first]) == {("Derby", name, first): 1000}
    path.write_text(f"gbp,area,intervention,year\n10.5,Derby,{name},{first}\n")
    with pytest.raises(Refusal, match=r"plan\.csv row 2: gbp must be whole pounds, £0 to £100,000,000,000, got '10.5'"):
        budget.rows(path, scenario, [first])
    path.write_text(f"gbp,area,intervention,year\n10,Drby,{name},{first}\n")
    with pytest.raises(Refusal, match=r"row 2: area is an unknown area of the scenario 'Drby': did you mean 'Derby'"):
        budget.rows(path, scenario, [first])
    path.write_text("gbp,area,intervention,year\n")
    assert budget.rows(path, scenario, [first]) == {}


@pytest.mark.parametrize(("text", "year"), [("2026", 2026), ("2026.0", 2026), ("2025/26", 2026), ("1999/00", 2000)])
def test_a_year_is_read_as_people_write_it(text, year):
    assert schemas.year_as_written(2000, 2054)(text) == year


@pytest.mark.parametrize("text", ["2025/27", "25/26", "2025-26", "soon", "1999", ""])
def test_what_is_no_year_is_refused(text):
    with pytest.raises(ValueError, match="must be the year in which an academic year ends, 2000 to 2054, or such as"):
        schemas.year_as_written(2000, 2054)(text)


def test_what_is_read_again_is_a_row_of_its_own():
    tables.read("months")[0]["months"] = -1
    assert tables.read("months")[0]["months"] != -1
