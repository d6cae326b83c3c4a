import datetime
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from oa_sim import Refusal
from oa_sim.definitions import GROUPS
from oa_sim.inputs import published_files, tables
from oa_sim.inputs.published_files import names

FACTS = Path(__file__).resolve().parents[3] / "shared" / "facts"
LAIT, PANEL = FACTS / "lait_to_2022_23.parquet", FACTS / "la_panel.csv"
wide_files = pytest.mark.skipif(not (LAIT.exists() and PANEL.exists()), reason="the wide files are not on this machine")
PLACES = {"Camden": 202, "Blackpool": 890, "England": 970, "North West": 981, "City of London": 201}
SHORT = {"KS1P_all": 80, "KS1P_FSM": 70, "FSP_NEW_GOODDEV": 65, "AVG_Attain8_Score": 46.5, "RTA": 3}
LAIT_HEADER = ["Short Desc", "Data item", "Years", "LA and Regions", "Values", "LA Number", "Region"]
FUTURE = datetime.date.today().year + 2


def lait_rows():
    """Return small rows as the tool gives them: a cell over two lines, regions, and a measure that is not ours."""
    return [
        [name, "a long\r\ndescription", year, place, str(value), f"{code}.0", "NA"]
        for name, value in SHORT.items()
        for year in ("2018", "2019")
        for place, code in PLACES.items()
    ]


def lait(tmp_path, rows, name="lait.csv"):
    path = tmp_path / name
    pd.DataFrame(rows, columns=LAIT_HEADER).to_csv(path, index=False)
    return path


def panel_rows():
    rows = [("la_code,la_name,academic_year,gld_pct,gld_fsm_pct,gld_nonfsm_pct,n_eyfsp,p8")]
    for place, code in PLACES.items():
        rows += [f"{code},{place},{year},65.0,50.0,70.0,1000.0,0.1" for year in ("2017/18", "2018/19")]
    return rows


def panel(tmp_path, rows, name="panel.csv"):
    path = tmp_path / name
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


EES_HEADER = "time_period,time_identifier,geographic_level,country_code,country_name,region_code,region_name,"
EES_HEADER += "old_la_code,new_la_code,la_name,version,year_group,sex,fsm_status,expected_standard_pupil_percent"


def ees_rows(version="Final"):
    def row(level, code, place, sex, fsm, value, year_group="Year 1"):
        region = ("E12000002", "North West") if level == "Regional" else ("", "")
        start = ("201819", "Academic year", level, "E92000001", "England", *region, code, "", place, version)
        return ",".join((*start, year_group, sex, fsm, value))

    rows = [EES_HEADER]
    for level, code, place in (
        ("National", "", ""), ("Regional", "", ""),
        ("Local authority", "202", "Camden"), ("Local authority", "890", "Blackpool"),
        ("Local authority", "201", "City of London"),
    ):  # fmt: skip
        rows += [
            row(level, code, place, "Total", "Total", "82"),
            row(level, code, place, "Total", "FSM eligible", "70"),
            row(level, code, place, "Boys", "Total", "78"),
            row(level, code, place, "Total", "Total", "91", "By the end of year 2"),
        ]
    return rows


def refused(path):
    with pytest.raises(Refusal) as caught:
        published_files.read(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def value_of(reading, measure, group="all", place="Blackpool", year=2019):
    figures = reading.figures
    hit = figures[(figures.measure == measure) & (figures.group == group) & (figures.place == place)]
    return hit[hit.year == year].value.item()


def test_the_tools_own_csv_becomes_one_tidy_table(tmp_path):
    reading = published_files.read(lait(tmp_path, lait_rows()))
    assert list(reading.figures) == ["place", "code", "measure", "group", "year", "value", "file", "row"]
    assert set(reading.figures.place) == {"Camden", "Blackpool", "England"}
    assert value_of(reading, "phonics", "disadvantaged") == 70
    assert reading.report["other_places"] == 8
    assert reading.report["small_authorities"] == 8
    assert reading.report["other_measures"] == 10
    assert json.loads(json.dumps(reading.report)) == reading.report


def test_parquet_and_csv_of_the_same_rows_give_the_same_figures(tmp_path):
    pytest.importorskip("pyarrow")
    from_csv = published_files.read(lait(tmp_path, lait_rows()))
    table = pd.DataFrame(lait_rows(), columns=LAIT_HEADER).assign(
        **{"LA Number": lambda t: t["LA Number"].astype(float)}
    )
    table.to_parquet(tmp_path / "lait.parquet")
    from_parquet = published_files.read(tmp_path / "lait.parquet")
    same = ["place", "code", "measure", "group", "year", "value"]
    pd.testing.assert_frame_equal(from_csv.figures[same], from_parquet.figures[same])


def test_a_row_is_named_as_a_text_editor_counts_it(tmp_path):
    rows = lait_rows()
    rows[6][4] = "180"
    path = lait(tmp_path, rows)
    sentence = refused(path)
    row = int(sentence.split(" row ")[1].split(":")[0])
    assert "180" in path.read_text(encoding="utf-8").splitlines()[row - 1]


@pytest.mark.parametrize("sign", ["-", "c", "x", "..", "~", "z", "*", "low", ":", " C "])
def test_a_suppressed_value_is_counted_and_left(tmp_path, sign):
    rows = lait_rows()
    rows[0][4] = sign
    reading = published_files.read(lait(tmp_path, rows))
    assert reading.report["suppressed"] == 1
    assert any("suppressed" in line for line in reading.sentences())


def test_a_blank_value_is_counted_as_empty(tmp_path):
    rows = lait_rows()
    rows[0][4] = ""
    assert published_files.read(lait(tmp_path, rows)).report["empty"] == 1


@pytest.mark.parametrize(
    ("label", "year"),
    [
        ("2018", (2018, 0)), ("2018 (Rev)", (2018, 1)), ("2020 (Final)", (2020, 2)), ("2015-16", (2016, 0)),
        ("2015/16", (2016, 0)), ("2016-17 (OT)", (2017, 0)), ("201819", (2019, 0)), ("2018/2019", (2019, 0)),
        ("1999/00", (2000, 0)), ("2014-16", None), ("2013/14-15/16", None), ("2017-2020", None),
    ],
)  # fmt: skip
def test_a_year_is_the_one_in_which_the_academic_year_ends(label, year):
    assert published_files.year_of(label) == year


@pytest.mark.parametrize("label", ["", "last year", "18/19", "2018/17", "20I9"])
def test_a_label_that_is_no_year_is_refused_by_row(tmp_path, label):
    rows = lait_rows()
    rows[0][2] = label
    sentence = refused(lait(tmp_path, rows))
    assert "lait.csv row 3: phonics, all, must have a year such as" in sentence


def test_a_span_of_years_is_left_and_counted(tmp_path):
    rows = lait_rows()
    rows[0][2] = "2014-16"
    assert published_files.read(lait(tmp_path, rows)).report["spans"] == 1


def test_a_revised_figure_takes_the_place_of_the_first_one(tmp_path):
    rows = lait_rows()
    rows += [[*rows[6][:2], "2019 (Rev)", *rows[6][3:4], "81.5", *rows[6][5:]]]
    reading = published_files.read(lait(tmp_path, rows))
    assert value_of(reading, "phonics") == 81.5
    assert reading.report["revised"] == reading.report["superseded"] == 1
    assert any("revised" in line for line in reading.sentences())


def test_two_values_for_one_cell_are_refused_by_both_rows(tmp_path):
    rows = lait_rows()
    rows += [[*rows[6][:4], "81.5", *rows[6][5:]]]
    sentence = refused(lait(tmp_path, rows))
    assert "phonics, all, of Blackpool in 2019 is 81.5, but 80 in lait.csv row" in sentence


def test_a_row_that_repeats_a_figure_is_counted_and_left(tmp_path):
    rows = lait_rows()
    assert published_files.read(lait(tmp_path, [*rows, rows[6]])).report["duplicates"] == 1


def test_a_name_that_is_gone_is_reported_with_the_nearest(tmp_path):
    rows = [["KS1P_Total" if cell == "KS1P_all" else cell for cell in row] for row in lait_rows()]
    reading = published_files.read(lait(tmp_path, rows))
    left = {item["name"]: item["nearest"] for item in reading.report["files"][0]["left"]}
    assert left["KS1P_all"] == "KS1P_Total"
    assert any("no row has the Short Desc 'KS1P_all'; nearest is 'KS1P_Total'" in line for line in reading.sentences())


def test_the_wide_layout_is_read_by_its_columns(tmp_path):
    reading = published_files.read(panel(tmp_path, panel_rows()))
    assert value_of(reading, "good_level_of_development", "other") == 70
    assert value_of(reading, "reception_pupils") == 1000
    assert [item["name"] for item in reading.report["files"][0]["left"]] == ["p8"]


def test_a_renamed_column_is_left_with_the_nearest_known_name(tmp_path):
    rows = panel_rows()
    rows[0] = rows[0].replace("gld_pct", "gld_percent")
    reading = published_files.read(panel(tmp_path, rows))
    left = {item["name"]: item["nearest"] for item in reading.report["files"][0]["left"]}
    assert left["gld_percent"] == "gld_pct"
    assert "all" not in set(reading.figures[reading.figures.measure == "good_level_of_development"].group)


def test_underlying_data_are_read_where_all_other_breakdowns_are_totals(tmp_path):
    reading = published_files.read(panel(tmp_path, ees_rows()))
    assert value_of(reading, "phonics") == 82
    assert value_of(reading, "phonics", "disadvantaged", "England") == 70
    assert reading.report["read"] == 6
    assert reading.report["other_breakdowns"] == 8
    assert reading.report["other_places"] == 4
    assert reading.report["small_authorities"] == 2


def test_a_final_release_takes_the_place_of_a_provisional_one(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    panel(folder, [row.replace(",82", ",79") for row in ees_rows("Provisional")], "provisional.csv")
    panel(folder, ees_rows(), "revised.csv")
    reading = published_files.read(folder)
    assert value_of(reading, "phonics") == 82
    assert reading.report["superseded"] == 6


def test_terms_are_parts_of_a_year_and_left(tmp_path):
    rows = ees_rows()
    rows += [row.replace("Academic year", "Autumn term").replace(",82", ",60") for row in rows[1:]]
    assert value_of(published_files.read(panel(tmp_path, rows)), "phonics") == 82


def test_two_rows_of_underlying_data_for_one_cell_are_refused(tmp_path):
    rows = ees_rows()
    rows += [rows[9].replace(",82", ",83")]
    assert "panel.csv row 22: phonics, all, of Camden in 2019 is 83, but 82 in panel.csv row 10" in refused(
        panel(tmp_path, rows)
    )


def test_a_folder_is_read_together_and_strangers_are_named(tmp_path):
    lait(tmp_path, lait_rows())
    panel(
        tmp_path,
        [row.replace("gld_pct", "x").replace("2017/18", "2015/16").replace("65.0", "") for row in panel_rows()],
    )
    panel(tmp_path, ["col_name,label", "a,b"], "meta.csv")
    reading = published_files.read(tmp_path)
    assert reading.report["other_files"] == ["meta.csv"]
    assert {file["layout"] for file in reading.report["files"]} == {"interactive tool", "wide panel"}
    assert any("meta.csv" in line for line in reading.sentences())


def swap(line, old, new):
    def damage(rows):
        assert old in rows[line - 1]
        return [*rows[: line - 1], rows[line - 1].replace(old, new, 1), *rows[line:]]

    return damage


DAMAGES = {  # what is wrong: (damage, what the sentence must say)
    "a percentage of 180": (swap(3, "65.0", "180"), "panel.csv row 3: good_level_of_development, all, must be 0 to"),
    "a negative share": (swap(3, "65.0", "-5"), "row 3: good_level_of_development, all, must be 0 to 100"),
    "text among numbers": (swap(3, "65.0", "6S.0"), "row 3: good_level_of_development, all, must be a number or"),
    "a decimal comma": (swap(3, "65.0", '"65,0"'), "row 3: good_level_of_development, all, must be a number"),
    "a year in the future": (swap(3, "2018/19", f"{FUTURE - 1}/{FUTURE % 100:02d}"), "row 3: good_level_of_dev"),
    "no year": (swap(3, "2018/19", "soon"), "must have a year such as 2019, 2018/19 or 201819, got 'soon'"),
    "a missing cell": (swap(4, ",0.1", ""), "panel.csv row 4: must have 8 cells, got 7"),
    "an extra cell": (swap(4, ",0.1", ",0.1,9"), "panel.csv row 4: must have 8 cells, got 9"),
    "a header repeated": (lambda rows: [*rows, rows[0]], "panel.csv row 12: the header is repeated"),
    "a column twice": (swap(1, "gld_fsm_pct", "gld_pct"), "row 1: the file names the column 'gld_pct' twice"),
    "a NUL byte": (swap(5, "65.0", "6\x005.0"), "panel.csv row 5: holds a NUL byte"),
    "an unclosed quotation": (swap(5, "65.0", '"65.0'), "cannot be read as CSV"),
    "another layout": (lambda rows: ["place,year,value", "Norfolk,2019,1"], "the columns fit no layout; the nearest"),
    "a column of the layout gone": (swap(1, "academic_year", "when"), "which also has academic_year"),
    "no measure of ours": (
        lambda rows: [rows[0].replace("gld_", "gdl_").replace("n_eyfsp", "roll"), *rows[1:]],
        "must hold a measure that the layout wide panel is known to have, got 'gdl_pct' (nearest is 'gld_pct')",
    ),
    "no England": (lambda rows: [row for row in rows if "England" not in row], "must have rows of England"),
    "one authority": (lambda rows: [row for row in rows if "Camden" not in row], "at least 2 authorities, got 1"),
    "a header alone": (lambda rows: rows[:1], "row 1: the file has no row of figures"),
    "an empty file": (lambda rows: [], "panel.csv row 1: the file has no row of figures"),
}  # fmt: skip


@pytest.mark.parametrize("what", DAMAGES)
def test_a_damaged_file_is_refused_by_file_row_and_rule(tmp_path, what):
    damage, says = DAMAGES[what]
    sentence = refused(panel(tmp_path, damage(panel_rows())))
    assert says in sentence
    assert "panel.csv" in sentence


def test_a_csv_that_is_cut_short_is_refused(tmp_path):
    path = panel(tmp_path, panel_rows())
    path.write_bytes(path.read_bytes()[:-12])
    assert "panel.csv row 11: must have 8 cells, got" in refused(path)


def test_a_parquet_file_that_is_cut_short_is_refused(tmp_path):
    pytest.importorskip("pyarrow")
    path = tmp_path / "lait.parquet"
    pd.DataFrame(lait_rows(), columns=LAIT_HEADER).to_parquet(path)
    path.write_bytes(path.read_bytes()[:-40])
    assert "lait.parquet: cannot be read as parquet" in refused(path)


def test_without_pyarrow_the_remedy_is_named(tmp_path, monkeypatch):
    def missing(*_):
        raise ImportError("no engine")

    path = tmp_path / "lait.parquet"
    path.write_bytes(b"PAR1")
    monkeypatch.setattr(pd, "read_parquet", missing)
    assert "install oa-sim[panel]" in refused(path)


def test_a_path_that_leads_nowhere_is_refused(tmp_path):
    assert "there is no such file or folder" in refused(tmp_path / "none.csv")
    assert "holds no .csv or .parquet file" in refused(tmp_path)


def test_text_saved_by_a_spreadsheet_is_read(tmp_path):
    path = panel(tmp_path, panel_rows())
    path.write_bytes(path.read_text().replace("Camden", "Camd\u00e9n").encode("cp1252"))
    assert "Camd\u00e9n" in set(published_files.read(path).figures.place)
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(panel_rows()).encode())
    assert len(published_files.read(path).figures) == 24


def test_a_mean_outside_its_groups_is_reported_not_refused(tmp_path):
    rows = swap(5, "65.0", "75.0")(panel_rows())
    reading = published_files.read(panel(tmp_path, rows))
    assert reading.report["disagree"]["count"] == 1
    assert "Blackpool in 2019, by 5.0" in reading.report["disagree"]["worst"]
    assert any("groups and mean disagree" in line for line in reading.sentences())


def test_the_hash_is_of_the_bytes(tmp_path):
    import hashlib

    path = panel(tmp_path, panel_rows())
    assert published_files.read(path).data_hash == hashlib.sha256(path.read_bytes()).hexdigest()


def test_two_codes_of_one_name_are_told_apart(tmp_path):
    rows = [row.replace("Camden", "Dorset").replace("Blackpool", "Dorset") for row in panel_rows()]
    rows = [row for row in rows if not row.startswith("202,Dorset,2018/19")]
    assert set(published_files.read(panel(tmp_path, rows)).figures.place) == {"Dorset (202)", "Dorset", "England"}


def test_every_published_name_leads_to_a_measure_that_is_known():
    for row in names():
        assert row["measure"] in published_files.UNITS
        assert row["group"] in GROUPS
        assert row["status"] in ("found", "to verify")
        assert row["source"]


@pytest.fixture(scope="module")
def wide():
    return {path.name: published_files.read(path) for path in (LAIT, PANEL)}


@wide_files
def test_the_departments_file_and_the_wide_panel_agree_cell_by_cell(wide):
    key = ["code", "measure", "group", "year"]
    one, two = (reading.figures.set_index(key).value for reading in wide.values())
    both = pd.concat([one, two], axis=1, keys=["lait", "panel"], join="inner")
    assert len(both) > 20_000
    assert (both.lait - both.panel).abs().max() <= 0.0051  # the panel is rounded to two places


@wide_files
def test_nothing_of_the_departments_file_is_lost_in_silence(wide):
    report = wide[LAIT.name].report
    left = sum(report[name] for name in published_files.WHY)
    assert report["read"] + left == report["rows"] == 524_790
    assert report["authorities"] == 156
    assert not report["files"][0]["left"]
    assert report["disagree"]["count"] == 0


@wide_files
def test_each_modelled_measure_is_in_the_departments_file(wide):
    from oa_sim.definitions import series

    have = set(wide[LAIT.name].report["measures"])
    wanted = {f"{measure}, {group}" for measure, group in series()} - {"phonics, other"}  # follows from the FSM share
    assert wanted <= have
    assert np.isfinite(wide[LAIT.name].figures.value).all()


# names that are not known in underlying data


def test_a_group_that_is_named_otherwise_is_said_with_the_nearest_name(tmp_path):
    rows = [row.replace("FSM eligible", "FSM eligibles") for row in ees_rows()]
    said = published_files.read(panel(tmp_path, rows)).sentences()
    assert any("phonics, disadvantaged: no row has as fsm_status" in line and "fsm eligibles" in line for line in said)


def test_a_column_that_is_misspelt_beside_a_good_one_is_said(tmp_path):
    rows = [",".join([*row.split(","), "5"]) for row in ees_rows()]
    rows[0] = EES_HEADER + ",gld_percentag"
    said = published_files.read(panel(tmp_path, rows)).sentences()
    assert any("'gld_percentag'" in line and "nearest is" in line for line in said)


def test_a_file_without_the_column_that_tells_its_rows_apart_says_which(tmp_path):
    rows = [row.replace("fsm_status", "fsm_state") for row in ees_rows()]
    said = published_files.read(panel(tmp_path, rows)).sentences()
    assert any("must have the column 'fsm_status'" in line for line in said)


@pytest.mark.parametrize("code", ["inf", "9e99", "353.5", "x"])
def test_a_code_that_is_none_counts_as_another_place(tmp_path, code):
    third = [row.replace(",202,", ",203,").replace("Camden", "Greenwich") for row in ees_rows() if ",202," in row]
    plain = published_files.read(panel(tmp_path, [*ees_rows(), *third]))
    odd = published_files.read(panel(tmp_path, [*ees_rows(), *(row.replace(",203,", f",{code},") for row in third)]))
    assert odd.report["authorities"] == plain.report["authorities"] - 1
    assert odd.report["other_places"] > plain.report["other_places"]


NEW = FACTS / "lait_to_2024_25.parquet"


@pytest.mark.skipif(not NEW.exists(), reason="the tool's file of 2024/25 is not on this machine")
def test_our_tables_repeat_what_the_tool_publishes_to_its_last_year():
    """No figure of ours is of an earlier revision, and none that the tool has since 2015/16 is left out."""
    figures = published_files.read(NEW).figures.replace({"place": {"Durham": "County Durham"}})
    for name, column in (("outcomes", "measure"), ("pupils", "quantity")):
        ours = pd.DataFrame(tables.read(name)).query("source == 'LAIT'").rename(columns={column: "measure"})
        keys = ["measure", "group", "place", "year"]
        ours = ours.assign(group=ours.get("group", "all")).set_index(keys).value
        seen = figures[figures.place.isin(ours.index.get_level_values("place")) & (figures.year <= 2025)]
        seen = seen.set_index(keys).value.round(2)
        pd.testing.assert_series_equal(ours.sort_index(), seen[seen.index.isin(ours.index)].sort_index(), atol=1e-9)
        series = set(ours.reset_index()[["measure", "group"]].itertuples(index=False, name=None))
        asked = [key for key in seen.index if (key[0], key[1]) in series]
        assert len(asked) == len(ours)
