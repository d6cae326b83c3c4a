import csv
import io
import json
import re
import shutil
import subprocess
from dataclasses import replace
from html import unescape

import numpy as np
import pytest
from printed import Text, book_text, slide_text, word_text

from oa_sim.cli.main import main
from oa_sim.report import assemble, document, folder_brief, folder_writers
from oa_sim.report.formats import data_files, excel, html_pages, powerpoint, word
from oa_sim.report.reported_statistic import Published
from oa_sim.report.run_brief import RunPictures

HOSTILE = (
    '=HYPERLINK("http://x.invalid","y")',
    "<script>alert(1)</script>",
    "n" * 200,
    "O\u2019Brien \"quoted\" & 'more'",
    "\N{GRINNING FACE} school",
    "\u05e9\u05dc\u05d5\u05dd",
)


@pytest.fixture(scope="module")
def every(every_area):
    return assemble.of_run(every_area)


def test_a_level_is_said_in_per_cent_and_its_figure_stays_a_number(every):
    level = next(figure for figure in every.figures if figure.quantity == "counterfactual")
    said = document.plain(every.passages[0].said[0])
    assert f"expected to be {level.text}% (90% interval {level.interval.replace(' to ', '% to ')}%)" in said
    assert "%" not in level.text + level.interval


def test_the_first_page_says_what_the_figures_cannot(every):
    first = [document.plain(line) for part in every.passages if part.page == 1 for line in part.said]
    assert any(line.startswith("What this cannot say:") for line in first)


def test_units_are_printed_with_a_pound_sign_and_kept_as_programs_know_them(every):
    cost = next(figure for figure in every.figures if figure.quantity == "cost_of_one_more")
    assert (cost.unit, cost.printed_unit) == ("GBP", "\u00a3")
    printed = [cell for row in document.brief_statistics(every).rows for cell in row if isinstance(cell, str)]
    assert not any("GBP" in cell for cell in printed)
    assert not any("GBP" in cell for row in every.log.itertuples(index=False) for cell in row)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tiny):
    return folder_writers.write(tiny, tmp_path_factory.mktemp("run"))


# a figure


def test_a_figure_has_one_name_and_one_text(every):
    names = [one.figure for one in every.figures]
    assert len(set(names)) == len(names)
    assert sum("brief" in one.shown_in for one in every.figures) >= 40


# the same in every format


def test_forty_figures_read_the_same_in_every_format(every):
    page = Text(html_pages.brief_page(every)).figures
    by_name = {one.figure: one for one in every.figures}
    wanted = [name for name in page if name in by_name]
    assert sum("brief" in by_name[name].shown_in for name in wanted) >= 40
    in_book = {row["figure"]: row for row in book_text(excel.book(every))}
    in_csv = {row["figure"]: row for row in csv.DictReader(io.StringIO(data_files.csv_text(every.figures)))}
    in_json = {row["figure"]: row for row in json.loads(data_files.json_text(every))["figures"]}
    lines, cells = word_text(word.brief(every))
    slide_lines, slide_cells = slide_text(powerpoint.brief(every))
    for name in wanted:
        text = by_name[name].text
        assert all(said.startswith(text) for said in page[name]), name
        assert in_csv[name]["text"] == in_json[name]["text"] == text
        if "brief" not in by_name[name].shown_in:  # of the annex, which the page alone has
            continue
        assert in_book[name]["as printed"] == by_name[name].in_cell
        assert any(text in said for said in (*lines, *cells)), f"{name} is not in Word"
        assert any(text in said for said in (*slide_lines, *slide_cells)), f"{name} is not on the slides"


def test_cells_of_the_tables_stand_in_the_same_row_in_word_and_on_slides(every):
    grid = next(grid for one in every.passages for grid in one.grids)
    _, cells = word_text(word.brief(every))
    _, slide_cells = slide_text(powerpoint.brief(every))
    for row in grid.rows:
        wanted = [document.cell(cell) for cell in row]
        for found in (cells, slide_cells):
            at = found.index(wanted[0])
            assert found[at : at + len(wanted)] == wanted


def test_what_is_a_number_in_the_brief_of_a_run_stands_in_the_table_of_figures(every):
    texts = {one.text for one in every.figures} | {end for one in every.figures for end in one.interval.split(" to ")}
    known = {text.strip("\u00a3mbn%") for text in texts}
    said = [every.headline, *(line for one in every.passages for line in (*one.said, *one.points))]
    free = re.compile(r"90%|20\d\d/\d\d|20\d\d|Year \d+|Attainment 8|key stage 2|age \d+|2017 to 2022|16 to 17")
    for number in re.findall(r"[-\u2212]?\d[\d,.]*\d|\d", free.sub("", " ".join(map(document.plain, said)))):
        assert number in known or f"above {number}" in known, number


# the six questions


def test_a_reader_of_the_brief_alone_can_answer_six_questions(every):
    told = [" ".join(part for lines in read(made(every)) for part in lines)
            for read, made in ((word_text, word.brief), (slide_text, powerpoint.brief))]  # fmt: skip
    for text in (Text(html_pages.brief_page(every)).text, *told):
        said = {
            "what is expected": r"is expected to raise the share of .* in 20\d\d/\d\d by [\d.]+.* percentage points",
            "how sure": r"[Ii]f the model is right, (it|there) is (almost certain|highly likely|likely) "
            r"\((above )?\d+%[^)]*\) that pupils do better",
            "compared with what": r"compared with no further programme.*Without a further programme, .* is expected "
            r"to be [\d.]+",
            "does it last": r"Five years after funding ends in 20\d\d/\d\d, \d+%.* remains.*The risk of losing "
            r"the impact is (high|medium|low).*Why: ",
            "what does it cost": r"The programme costs .*[\d,]+.* pays for activity.* for management",
            "what can it not say": r"What it cannot say.*real programme of 2017 to 2022",
        }
        for question, sentence in said.items():
            assert re.search(sentence, text), question


def test_a_scenario_without_money_is_briefed_without_a_claim(run_tiny):
    found = assemble.of_run(run_tiny("scenario=no_programme"))
    text = Text(html_pages.brief_page(found)).text
    assert "so there is no impact" in text
    assert "Compared with what?" in text
    for made in (word.brief(found), powerpoint.brief(found), excel.book(found)):
        assert made[:2] == b"PK"


# names that harm


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_harmless_and_legible_in_every_format(tiny, name):
    first = tiny.draws.area.values[0]
    draws = {key: getattr(tiny, key) for key in ("draws", "money", "sustainability", "by_intervention", "retention",
                                                 "served", "value", "uncertainty")}  # fmt: skip
    told = {}
    for key, part in draws.items():
        for dim in ("area", "place"):
            if dim in part.coords:
                part = part.assign_coords({dim: [name if one == first else one for one in part[dim].values.tolist()]})
        told[key] = part
    asked = json.loads(json.dumps(tiny.manifest).replace(json.dumps(first)[1:-1], "AREA"))
    asked["scenario"]["name"] = name
    found = assemble.of_run(replace(tiny, manifest=asked, **told))
    page = html_pages.brief_page(found)
    assert "<script>alert" not in page
    assert name in unescape(page)
    assert "<script>alert" not in html_pages.assurance_page(found)
    _, cells = word_text(word.brief(found))
    assert name in cells
    import openpyxl

    for sheet in openpyxl.load_workbook(io.BytesIO(excel.book(found))):
        assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)
    for row in csv.reader(io.StringIO(data_files.csv_text(found.figures))):
        assert not any(cell.startswith(("=", "@", "+")) for cell in row)
    assert powerpoint.brief(found)[:2] == b"PK"


# folders


def test_a_run_is_reported_in_every_format_and_again_to_the_last_byte(folder):
    at, _found, names = assemble.write_report(folder)
    expected = {"briefing.html", "briefing.docx", "briefing.pptx", "workbook.xlsx", "assurance.html", "assurance.docx",
                "table.csv", "figures.json", "explore.html"}  # fmt: skip
    assert expected <= {path.name for path in at.iterdir()} == set(names)
    before = {path.name: path.read_bytes() for path in at.iterdir()}
    assemble.write_report(folder)
    assert {path.name: path.read_bytes() for path in at.iterdir()} == before
    described = json.loads(before["datapackage.json"])
    for one in described["resources"]:
        assert one["bytes"] == len(before[one["path"]])


def test_only_the_formats_that_are_asked_for_are_written(tmp_path, tiny):
    at, _, names = assemble.write_report(folder_writers.write(tiny, tmp_path), assemble.formats("json,docx"))
    assert {path.name for path in at.iterdir()} == set(names) == {"figures.json", "briefing.docx", "assurance.docx"}


def test_a_comparison_has_the_mean_of_the_areas_and_is_reported(tmp_path, run_tiny, tiny):
    import pandas as pd

    from oa_sim.simulation.comparison import Comparison

    other = run_tiny("scenario=no_programme")
    made = Comparison((other, tiny), pd.DataFrame())
    means = made.means()
    row = means[(means.measure == "key_stage_2") & (means.group == "all") & (means.year == means.year.max())].iloc[0]
    at = {"measure": "key_stage_2", "group": "all", "year": int(row.year)}
    change = (tiny.draws.projection.sel(at) - other.draws.projection.sel(at)).astype(float).mean("area").values
    assert row["mean"] == pytest.approx(change.mean())
    assert row.q95 == pytest.approx(np.quantile(change, 0.95))
    at = folder_writers.write_comparison(replace(made, table=means), tmp_path)
    found = folder_brief.read(at, folder_brief.kind_of(at))
    assert found.kind == "compare"
    assert any(one.value == pytest.approx(row["mean"], rel=1e-5) for one in found.figures)
    _, _, names = assemble.write_report(at)
    assert {"briefing.docx", "workbook.xlsx", "table.csv", "figures.json"} <= set(names)


def test_what_stands_in_a_report_and_is_not_written_anew_stays(folder):
    at, _, _ = assemble.write_report(folder, ("json",))
    (at / "my_notes.txt").write_text("mine")
    assemble.write_report(folder, ("csv",))
    assert {"my_notes.txt", "figures.json", "table.csv"} <= {path.name for path in at.iterdir()}
    (at / "my_notes.txt").unlink()


def test_a_report_is_not_put_in_the_place_of_a_file(tmp_path, tiny, capsys):
    at = folder_writers.write(tiny, tmp_path)
    (at / "report").write_text("mine")
    assert main(["report", str(at)]) == 2
    assert "no folder" in capsys.readouterr().err
    assert (at / "report").read_text() == "mine"


def test_facts_that_lack_what_is_told_are_refused(tmp_path, tiny, capsys):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "voi.json").write_text("{}")
    assert main(["report", str(tmp_path / "a")]) == 2
    told = json.loads(json.dumps(tiny.manifest))
    del told["account_gbp"]
    replace(tiny, manifest=told).save(tmp_path / "b" / "result.nc")
    assert main(["report", str(tmp_path / "b")]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_folder_that_holds_nothing_is_refused_in_a_sentence(tmp_path, capsys):
    for given, said in (
        ([str(tmp_path)], "holds neither"),
        ([str(tmp_path / "none")], "is no folder"),
        ([], "takes one folder"),
        ([str(tmp_path), "b"], "takes one folder"),
        ([str(tmp_path), "--to"], "--to needs formats"),
        ([str(tmp_path), "--to", "docs"], "did you mean 'docx'"),
        ([str(tmp_path), "--too", "docx"], "did you mean '--to'"),
    ):
        assert main(["report", *given]) == 2
        assert said in capsys.readouterr().err
    assert not (tmp_path / "report").exists()


def test_the_door_says_what_was_written_and_machines_get_one_line(folder, capsys):
    assert main(["report", str(folder), "--to=csv", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["kind"] == "run"
    assert "table.csv" in facts["files"]
    assert facts["folder"].endswith("report")


def test_templates_are_copied_edited_and_used_by_the_command(tmp_path, folder, capsys):
    mine = tmp_path / "mine"
    assert main(["report", "--copy-templates", str(mine)]) == 0
    assert "theme.css" in capsys.readouterr().out
    text = (mine / "theme.css").read_text()
    (mine / "theme.css").write_text(text.replace("#0072b2", "#7a1f5c"))
    assert main(["report", str(folder), "--to", "html", "--templates", str(mine)]) == 0
    assert "--accent: #7a1f5c" in (folder / "report" / "briefing.html").read_text()
    (mine / "base.html").write_text("{% if %}")
    capsys.readouterr()
    assert main(["report", str(folder), "--to", "html", f"--templates={mine}"]) == 2
    assert f"{mine / 'base.html'}, line 1: " in capsys.readouterr().err
    assert main(["report", "--copy-templates", str(mine)]) == 2
    assert "is there already" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not on this machine")
def test_every_document_opens_and_the_brief_has_two_pages(tmp_path, every_area):
    at, _, _ = assemble.write_report(folder_writers.write(every_area, tmp_path))
    for name in ("briefing.docx", "briefing.pptx", "workbook.xlsx", "assurance.docx"):
        command = ["soffice", f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", "pdf",
                   "--outdir", str(tmp_path / name), str(at / name)]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True, timeout=300)
        (made,) = (tmp_path / name).glob("*.pdf")
        assert made.stat().st_size > 5000
        if name.startswith("briefing") and shutil.which("pdfinfo"):
            said = subprocess.run(["pdfinfo", str(made)], check=True, capture_output=True, text=True).stdout
            assert re.search(r"Pages:\s+2\b", said), name


def test_a_figure_cannot_be_changed_once_it_is_formed(every):
    with pytest.raises(AttributeError):
        every.figures[0].value = 1.0
    assert isinstance(every.figures[0], Published)


def test_the_page_of_pictures_has_every_kind_each_with_its_words(every_area, every):
    page = html_pages.pictures_page(RunPictures(every_area).gallery(), every)
    assert page.count("<svg") == page.count("<figcaption>") == page.count("<details>") >= 15
    for name in ("fan-", "gaps", "areas", "lasting", "curves", "origins", "forest"):
        assert f'id="{name}' in page or f"#{name}" in page, name


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("chromium"), reason="Chromium is not on this machine")
def test_the_pages_of_a_report_ask_for_nothing_and_can_be_used_by_all(tmp_path, every_area):
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright

    at, _, _ = assemble.write_report(folder_writers.write(every_area, tmp_path), ("html",))
    flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        for name in ("briefing.html", "assurance.html", "pictures.html"):
            context = browser.new_context(offline=True)
            page, asked, said = context.new_page(), [], []
            page.on("request", lambda request, asked=asked: asked.append(request.url))
            page.on("console", lambda message, said=said: said.append(message.text))
            page.goto((at / name).as_uri())
            found = Axe().run(page, options={"runOnly": {"type": "tag", "values": tags}})
            assert found.violations_count == 0, (name, found.generate_report())
            assert asked == [(at / name).as_uri()]
            assert not said
        browser.close()
