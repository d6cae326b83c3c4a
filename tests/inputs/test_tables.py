import os
import shutil
import time

import pytest

from oa_sim import Refusal
from oa_sim.definitions import MEASURES
from oa_sim.inputs import areas, schemas, tables


@pytest.fixture
def folder(tmp_path):
    """Give a copy of the shipped tables, free to be damaged."""
    return shutil.copytree(tables.FOLDER, tmp_path / "data")


def swap(line, old, new):
    """Return a damage: in one line of a table (counted as an editor does) put ``new`` for ``old``."""

    def damage(lines):
        assert old in lines[line - 1]
        lines[line - 1] = lines[line - 1].replace(old, new, 1)
        return lines

    return damage


def drop(line):
    return lambda lines: lines[: line - 1] + lines[line:]


def again(line):
    return lambda lines: [*lines, lines[line - 1]]


def without_column(lines):
    return [",".join(line.split(",")[:-1]) for line in lines]


def refused(folder, name, damage):
    path = folder / f"{name}.csv"
    path.write_text("\n".join(damage(path.read_text(encoding="utf-8").splitlines())) + "\n", encoding="utf-8")
    with pytest.raises(Refusal) as caught:
        tables.read_all(folder)
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


DAMAGES = {  # what is wrong: (table, damage, what the sentence must say)
    "a letter in a number": ("outcomes", swap(2, "51.7", "5l.7"), "outcomes.csv row 2: value must be a number"),
    "an empty number": ("outcomes", swap(2, "51.7", ""), "outcomes.csv row 2: value must be a number"),
    "not a number": ("outcomes", swap(2, "51.7", "nan"), "outcomes.csv row 2: value must be"),
    "a percentage of 180": ("outcomes", swap(2, "51.7", "180"), "outcomes.csv row 2: value must be 0 to 100%"),
    "a negative roll": ("pupils", swap(2, "669151.0", "-5"), "pupils.csv row 2: value must be 1"),
    "a missing column": ("outcomes", without_column, "outcomes.csv row 1: the columns must be measure,group"),
    "columns in another order": ("months", swap(1, "months,lowest_sd", "lowest_sd,months"), "months.csv row 1"),
    "an extra cell": ("outcomes", swap(3, "60.4", "60.4,60.4"), "outcomes.csv row 3: must have 9 cells, got 10"),
    "a missing cell": ("outcomes", swap(3, "60.4,", ""), "outcomes.csv row 3: must have 9 cells, got 8"),
    "a blank line": ("months", swap(3, "1,0.02,0.09,EEF-MONTHS,found", ""), "months.csv row 3: must have 5 cells"),
    "a duplicate row": ("months", again(2), "stands in row 2 already"),
    "an unknown measure": ("outcomes", swap(2, "good_level_of", "good_levl_of"), "did you mean 'good_level_of"),
    "an unknown group": ("outcomes", swap(2, ",all,", ",boys,"), "outcomes.csv row 2: group is an unknown name 'boys'"),
    "an unknown quantity": ("pupils", swap(2, "reception", "recption"), "pupils.csv row 2: quantity is an unknown"),
    "a year in the future": ("outcomes", swap(2, "2013", "2999"), "outcomes.csv row 2: year must be the year"),
    "a year of two digits": ("outcomes", swap(2, "2013", "13"), "outcomes.csv row 2: year must be the year"),
    "an academic year": ("outcomes", swap(2, "2013", "2012/13"), "outcomes.csv row 2: year must be the year"),
    "a gap in a series": ("outcomes", drop(5), "has a gap at 2016"),
    "an unknown source": ("outcomes", swap(2, "EYFS-LA", "EYFS-XX"), "outcomes.csv row 2: source 'EYFS-XX' is not in"),
    "a number without a source": ("outcomes", swap(2, "EYFS-LA", ""), "outcomes.csv row 2: source must not be empty"),
    "an unknown place": ("outcomes", swap(2, "England", "Englnd"), "outcomes.csv row 2: unknown place 'Englnd'"),
    "an unknown area": ("targets", swap(2, "North Yorkshire Coast", "Whitby"), "targets.csv row 2: unk"),
    "a wrong unit": ("outcomes", swap(2, ",%,", ",points,"), "outcomes.csv row 2: unit must be '%', got 'points'"),
    "an unknown status": ("outcomes", swap(2, ",found", ",guessed"), "outcomes.csv row 2: status is an unknown name"),
    "a header alone": ("months", lambda lines: lines[:1], "months.csv: must have at least one row"),
    "an unclosed quotation": ("months", swap(3, "EEF-MONTHS", '"EEF-MONTHS'), "cannot be read as CSV"),
    "a study without an error": ("studies", swap(2, "0.12", "0"), "studies.csv row 2: standard_error_sd must be 0.001"),
    "an unknown design": ("studies", swap(2, "efficacy,NELI", "survey,NELI"), "studies.csv row 2: design is"),
    "an unknown district": ("district_figures", swap(2, "E06000001", "E06000901"), "row 2: unknown code 'E06000901'"),
    "more than all pupils": ("district_figures", swap(3, "59.81", "159.81"), "row 3: value must be 0 to 100"),
    "an unknown kind of break": ("breaks", swap(2, "not_collected", "lost"), "breaks.csv row 2: kind is an"),
}  # fmt: skip


def test_the_shipped_tables_read(known):
    assert set(known) == set(schemas.TABLES)
    assert len([row for row in known["area_sets"] if row["area_set"] == "opportunity_areas"]) == 12
    assert len(known["areas"]) == 24
    assert {row["measure"] for row in known["outcomes"]} == set(MEASURES)


def test_every_row_has_a_source_that_is_listed(known):
    listed = {row["source"] for row in known["sources"]}
    assert all(row["source"] in listed for rows in known.values() for row in rows)


@pytest.mark.parametrize("what", DAMAGES)
def test_a_damaged_table_is_refused_by_file_and_row(folder, what):
    name, damage, says = DAMAGES[what]
    sentence = refused(folder, name, damage)
    assert f"{name}.csv" in sentence
    assert says in sentence


def test_a_duplicate_row_is_refused_by_its_own_row(folder):
    last = len((folder / "outcomes.csv").read_text(encoding="utf-8").splitlines()) + 1
    assert f"outcomes.csv row {last}: " in refused(folder, "outcomes", again(2))


@pytest.mark.parametrize(
    "content", [b"", b"\x89HDF\r\n\x1a\n\xff\xfe\x00\x80", b"\x00" * 64], ids=["empty", "binary", "nought"]
)
def test_a_file_that_is_no_table_is_refused(folder, content):
    (folder / "pupils.csv").write_bytes(content)
    with pytest.raises(Refusal, match=r"pupils\.csv") as caught:
        tables.read_all(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", schemas.TABLES)
def test_a_missing_table_is_refused(folder, name):
    (folder / f"{name}.csv").unlink()
    with pytest.raises(Refusal, match=rf"{name}\.csv.* is missing"):
        tables.read_all(folder)
    with pytest.raises(Refusal, match=rf"{name}\.csv.* is missing"):
        tables.data_hash(folder)


def test_a_table_that_is_written_again_is_read_again_whenever_that_is(folder, monkeypatch):
    path, before = folder / "months.csv", tables.data_hash(folder)
    text = path.read_text(encoding="utf-8")
    rows = tables.read("months", folder)
    other = text.replace("1", "2", 1) if "1" in text else text.replace("0", "1", 1)
    assert len(other) == len(text)
    path.write_text(other, encoding="utf-8")  # as long as before, and perhaps within the same tick of the clock
    assert tables.data_hash(folder) != before
    path.write_text(text, encoding="utf-8")
    assert tables.data_hash(folder) == before
    assert tables.read("months", folder) == rows
    tables._settled_content.cache_clear()
    assert tables.data_hash(folder) == before
    # what is this young is not kept: another writing may look the same
    assert tables._settled_content.cache_info().currsize == 0
    monkeypatch.setattr(tables, "SETTLED", -(10**18))  # as if it had been written long ago
    assert tables.data_hash(folder) == before
    assert tables._settled_content.cache_info().currsize == len(schemas.TABLES)
    written = os.stat(path).st_mtime_ns
    time.sleep(0.05)  # a tick of the clock of files
    path.write_text(other, encoding="utf-8")
    os.utime(path, ns=(written, written))  # as a copy does that keeps the time of writing
    assert tables.data_hash(folder) != before


def test_a_line_break_within_a_cell_stays_in_one_sentence(folder):
    assert "months.csv row 1" in refused(folder, "months", swap(1, "months", '"mon\nths"'))


def test_an_area_without_figures_is_refused(folder):
    sentence = refused(
        folder, "outcomes", lambda lines: [line for line in lines if not line.startswith("suspensions,")]
    )
    assert "has no figures of suspensions" in sentence


@pytest.mark.parametrize(
    ("name", "is_hit"),
    [
        ("pupils", lambda line: line.startswith("aged_19,")),
    ],
    ids=["a roll that is not there"],
)  # fmt: skip
def test_what_the_model_needs_of_a_table_is_refused_where_it_is_missing(folder, tiny_posterior, name, is_hit):
    from oa_sim import load_scenario
    from oa_sim.simulation.scenario_run import run

    path = folder / f"{name}.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(line for line in lines if not is_hit(line)) + "\n", encoding="utf-8")
    with pytest.raises(Refusal, match=rf"{name}\.csv"):
        run(load_scenario("areas=[Norwich]", "horizon=5", f"data_folder={folder}"), posterior=tiny_posterior)


@pytest.mark.parametrize(("quantity", "value"), [("aged_19", "0"), ("fsm_share_primary", "100")])
def test_a_count_that_leaves_nobody_is_refused(folder, quantity, value):
    path = folder / "pupils.csv"
    lines = [line.split(",") for line in path.read_text(encoding="utf-8").splitlines()]
    lines = [[*cells[:4], value, *cells[5:]] if cells[0] == quantity else cells for cells in lines]
    path.write_text("\n".join(",".join(cells) for cells in lines) + "\n", encoding="utf-8")

    def read():
        known = tables.read_all(folder)
        areas.history(known, until=2023)
        areas.pupils(known)

    with pytest.raises(Refusal, match=r"pupils\.csv"):
        read()


def test_the_hash_changes_with_a_byte_of_a_value(folder):
    before = tables.data_hash(folder)
    path = folder / "outcomes.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("51.7", "51.8", 1), encoding="utf-8")
    assert tables.data_hash(folder) != before


def test_the_hash_does_not_change_with_the_line_endings(folder):
    before = tables.data_hash(folder)
    for path in folder.glob("*.csv"):
        path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    assert tables.data_hash(folder) == before == tables.data_hash()
    tables.read_all(folder)


def test_a_part_that_is_more_than_its_whole_is_refused(folder):
    path = folder / "pupils.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("aged_19_disadvantaged,Blackpool"))
    cells = lines[at].split(",")
    lines[at] = ",".join([*cells[:4], "99999", *cells[5:]])
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(Refusal, match=rf"pupils\.csv row {at + 1}: aged_19_disadvantaged must be below"):
        tables.read_all(folder)


def test_a_byte_order_mark_is_no_part_of_the_header(folder):
    path = folder / "months.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert tables.read("months", folder)


def test_a_break_that_ends_before_it_begins_is_refused(folder):
    path = folder / "breaks.csv"
    path.write_text(path.read_text().replace("attainment_8,2017,2017", "attainment_8,2017,2016"))
    with pytest.raises(Refusal, match=r"breaks\.csv row \d+: first_year must not be above last_year"):
        tables.read_all(folder)
