import io
import re
import shutil
import subprocess
import warnings
import zipfile
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import openpyxl
import pandas as pd
import pytest

from oa_sim.report import reported_statistic, run_brief, run_statistics
from oa_sim.report.document import Dossier, Grid
from oa_sim.report.formats import excel, excel_sheets
from oa_sim.report.reported_statistic import About, Origin

LONG = "A very long name " * 12
HOSTILE = [
    '=HYPERLINK("http://x","y")', "<script>alert(1)</script>", LONG[:200], "it's \"quoted\"", "\U0001f600 smile",
    "\ttab", "\uff1d1",
    "\u0645\u0646\u0637\u0642\u0629 \u202eevil", "bell\x07 \x00null\x1b[31m", "@SUM(1)", "+1+1", "-2",
]  # fmt: skip
MINUS = "\u2212"
ORIGIN = Origin("plan", "r1", "d1", "h1", "0.0", 2000)


@pytest.fixture(scope="module")
def of_run(tiny):
    found = run_statistics.brief(tiny)
    gates = tiny.manifest["gates"]
    once = {one.figure: one for one in (*found.values(), *run_statistics.workbook(tiny))}
    register = pd.DataFrame(
        {"number": [1, 2], "what": ["a cost", "=1+1"], "value": [60.0, 0.5], "rating": ["red", "green"]}
    )
    return Dossier(
        "run", f"Opportunity Areas: {tiny.label}", tiny.label, gates["verdict"], gates["reason"],
        run_brief.headline(tiny, found), run_brief.numbers(tiny, found), (), tuple(once.values()), tiny.manifest,
        assumptions=register,
    )  # fmt: skip


@pytest.fixture(scope="module")
def made(of_run):
    return excel.book(of_run)


@pytest.fixture(scope="module")
def read(made):
    return opened(made)


def opened(made):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # conditional formats of later versions
        return openpyxl.load_workbook(io.BytesIO(made))


def displayed(value, form):
    """Return a number as a spreadsheet shows it under one of the formats that are used here."""
    if form.startswith('"'):
        return form.strip('"')
    pound, whole, places, thousands, suffix, percent = re.fullmatch(
        r'(\u00a3?)(#,##0|0)(?:\.(0+))?(,*)(?:"(\w+)")?(%?)', form
    ).groups()
    exact = Decimal(f"{float(value):.15g}").scaleb((2 if percent else 0) - 3 * len(thousands))
    rounded = exact.quantize(Decimal(1).scaleb(-len(places or "")), ROUND_HALF_UP)
    grouped = "," if "," in whole else ""
    return f"{'-' if rounded < 0 else ''}{pound}{abs(rounded):{grouped}f}{suffix or ''}{percent}"


def table(sheet):
    """Return the rows of a sheet's one table, as cells by heading."""
    (ref,) = [one.ref for one in sheet.tables.values()]
    head, *rows = sheet[ref]
    return [dict(zip([str(cell.value) for cell in head], row, strict=True)) for row in rows]


def test_every_figure_of_the_brief_stands_on_its_sheet_and_shows_its_printed_digits(of_run, read):
    rows = {row["Figure"].value: row for row in table(read["Figures"])}
    brief = [one for one in of_run.figures if one.shown_in == "brief"]
    assert set(rows) == {one.figure for one in brief}
    for one in brief:
        row = rows[one.figure]
        assert isinstance(row["Value"].value, float | int)
        shown = displayed(row["Value"].value, row["Value"].number_format).replace("-", MINUS)
        assert shown.replace("\u00a3", "") == one.text.replace("\u00a3", "")
        assert shown.startswith("\u00a3") == ((one.unit == "GBP" and one.text[0].isdigit()) or "\u00a3" in one.text)
        assert row["As printed"].value == one.in_cell
        if one.interval:
            ends = " to ".join(displayed(row[end].value, row[end].number_format) for end in ("Lower", "Upper"))
            assert ends.replace("-", MINUS) == one.interval
        assert row["Marks"].value == one.marks


def test_a_cell_holds_the_number_in_full_where_its_digits_allow(of_run, read):
    rows = {row["Figure"].value: row for row in table(read["Impact"])}
    for one in of_run.figures:
        if one.quantity == "impact" and not one.text.endswith("0"):
            assert rows[one.figure]["Impact"].value == pytest.approx(one.value, rel=1e-14, abs=1e-17)


def test_targets_projections_and_what_lasts_have_a_row_for_each_place(tiny, read):
    places, years = tiny.draws.sizes["area"] + 1, tiny.draws.sizes["year"]
    assert len(table(read["Projections"])) == len(table(read["Impact"])) == 21 * places * years
    assert {row["Year"].value for row in table(read["Targets"])} == {"2029/30"}
    risks = {row["Risk"].value for row in table(read["Sustainability"])}
    assert risks <= {"high", "medium", "low", "none"}
    assert len(risks) > 1


def test_the_money_reconciles_on_its_sheet(tiny, read):
    rows = table(read["Money"])
    assert {row["Money in less its parts"].value for row in rows} == {0}
    assert rows[-1]["Money in"].value == tiny.manifest["account_gbp"]["money_in"]
    by_year = sum(row["Money"].value for row in table(read["Money by year"]) if row["Area"].value == "all areas")
    assert by_year == tiny.manifest["account_gbp"]["money_in"]


def test_no_cell_is_a_formula_and_each_table_filters_under_a_frozen_head(read):
    for sheet in read:
        assert not [cell for row in sheet for cell in row if cell.data_type == "f"]
        if sheet.tables:
            (one,) = sheet.tables.values()
            top = int(re.search(r"\d+", one.ref)[0])
            assert one.autoFilter is not None
            assert sheet.freeze_panes == f"B{top + 1}"
            assert sheet.print_title_rows == f"${top}:${top}"
            assert sheet.page_setup.orientation == "landscape"


def test_the_charts_are_native_and_say_what_is_seen(made, of_run):
    with zipfile.ZipFile(io.BytesIO(made)) as held:
        names = held.namelist()
        charts = [held.read(name).decode() for name in names if re.fullmatch(r"xl/charts/chart\d+\.xml", name)]
        drawing = held.read("xl/drawings/drawing1.xml").decode()
    assert len(charts) == 3
    assert all("<c:title>" in chart for chart in charts)
    assert sum("<c:errBars>" in chart for chart in charts) == 2
    said = re.findall(r'descr="([^"]*)"', drawing)
    assert len(said) == 3
    first = next(one for one in of_run.figures if one.quantity == "impact" and one.area not in ("mean of areas",))
    assert f"{first.area} {first.whole}" in said[0]


def test_the_same_dossier_gives_the_same_bytes(of_run, made):
    assert excel.book(of_run) == made


def test_the_read_me_says_the_headline_the_verdict_the_signs_and_how_to_cite(of_run, read):
    said = {row["About"].value: row["What it says"].value for row in table(read["Read me"])}
    assert said["Headline"].startswith("The programme, funded from ")
    assert said["Verdict"].startswith("PASS")
    assert "\u2021 uses inputs still to be verified" in said["Signs beside figures"]
    assert of_run.trace in said["How to cite"]


def test_provenance_holds_the_scenario_in_full(of_run, read):
    rows = {row["Key"].value: row["Value"].value for row in table(read["Provenance"])}
    assert rows["run_id"] == of_run.manifest["run_id"]
    assert rows["scenario.horizon"] == "5"
    assert rows["gates.verdict"] == "PASS"
    assert not [key for key, said in rows.items() if said is None]


def test_an_empty_register_is_a_sentence_and_a_full_one_is_rated(read):
    assert "without a verification log" in read["Verification"]["A3"].value
    rows = table(read["Assumptions"])
    assert [row["Rating"].value for row in rows] == ["red", "green"]
    assert rows[0]["Value"].value == 60
    assert rows[1]["What"].value == "=1+1"
    assert rows[1]["What"].data_type == "s"
    assert rows[1]["What"].quotePrefix
    assert len(read["Assumptions"].conditional_formatting) > 0


def test_names_from_outside_are_harmless_and_legible():
    figures = tuple(hostile(name, number) for number, name in enumerate(HOSTILE))
    manifest = {"oa_sim": "0", "data_hash": "h", "run_id": "r", "seed": 1, "scenario": {"name": HOSTILE[0]}}
    asked = Dossier("run", HOSTILE[0], HOSTILE[2], "PASS", HOSTILE[6], (HOSTILE[0],), (), (), figures, manifest,
                    sheets={name: Grid(name, (name, name), ((name, figures[0]),)) for name in HOSTILE})  # fmt: skip
    book = opened(excel.book(asked))
    for sheet in book:
        assert len(sheet.title) <= 31
        assert not re.search(r"[\[\]:*?/\\]", sheet.title)
        for row in sheet:
            for cell in row:
                assert cell.data_type != "f"
                assert cell.hyperlink is None
                if isinstance(cell.value, str):
                    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e]", cell.value)
                    assert cell.quotePrefix or cell.value[:1] not in "=+-@\uff1d"
    areas = [row["Area"].value for row in table(book["Impact"])]
    assert HOSTILE[0] in areas
    assert "<script>alert(1)</script>" in areas
    assert "bell null[31m" in areas


def hostile(name, number):
    about = About("impact", f"{name}, a label", "points", "key_stage_2", "all", name, 2028)
    return reported_statistic.of_summary(about, (1.0 + number, 0.5, 20.0), 0.01, replace(ORIGIN, scenario=name))


def test_a_number_that_is_none_is_a_word_in_its_cell(of_run):
    rows = pd.DataFrame({"name": ["a", "b"], "size": [1.5, np.nan], "limit": [np.inf, 2]})
    found = table(opened(excel.book(replace(of_run, figures=(), log=rows)))["Verification"])
    assert [[cell.value for cell in row.values()] for row in found] == [["a", 1.5, "none"], ["b", "none", 2]]


def test_names_of_sheets_differ_and_are_such_as_spreadsheets_take():
    taken = set()
    names = [excel.name(asked, taken) for asked in ("a/b", "a:b", "A?B", "'x'", "", "History", "y" * 40, "y" * 50)]
    assert len({name.lower() for name in names}) == len(names)
    assert all(0 < len(name) <= 31 for name in names)
    assert names[3] == "x"


def test_a_failed_gate_is_a_red_banner_on_every_sheet(of_run):
    failed = replace(of_run, verdict="FAIL", reason="R-hat is 2", label=f"{of_run.label} [FAIL]")
    for sheet in opened(excel.book(failed)):
        banner = sheet["A2"]
        assert banner.value == "FAIL: DO NOT USE. R-hat is 2"
        assert banner.fill.fgColor.rgb == "FFA00000"


def test_a_dossier_of_another_kind_has_its_own_sheets_and_no_empty_ones(of_run):
    money = reported_statistic.of_money(
        About("best", "best split", "GBP", marks=("county proxy",)), 1_500_000.4, ORIGIN
    )
    grid = Grid("The best split", ("Area", "Money"), (("Derby", money), ("Oldham", "none")))
    other = replace(of_run, kind="optimise", figures=(money,), sheets={"Split": grid}, assumptions=pd.DataFrame())
    book = opened(excel.book(other))
    assert not {"Targets", "Projections", "Impact", "Sustainability", "Money", "Charts"} & set(book.sheetnames)
    rows = table(book["Split"])
    assert displayed(rows[0]["Money"].value, rows[0]["Money"].number_format) == "\u00a31.5m"
    assert (rows[0]["Money, as printed"].value, rows[0]["Money, marks"].value) == ("\u00a31.5m\u2020", "county proxy")
    assert rows[1]["Money"].value == "none"


def test_every_row_of_a_sheet_has_a_cell_for_each_column(of_run):
    for sheet in excel_sheets.sheets(of_run):
        assert {len(row) for row in sheet.rows} <= {len(sheet.columns)}


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not installed")
def test_libre_office_opens_it(made, tmp_path):
    (tmp_path / "workbook.xlsx").write_bytes(made)
    profile = f"-env:UserInstallation=file://{tmp_path / 'profile'}"
    command = ["soffice", profile, "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path), "workbook.xlsx"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=300)
    assert (tmp_path / "workbook.pdf").read_bytes()[:5] == b"%PDF-"
