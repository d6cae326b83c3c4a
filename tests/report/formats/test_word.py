"""Word packs: what is printed is what was published, on two pages, whatever the names."""

import io
import time
import zipfile
from dataclasses import replace

import pandas as pd
import pytest
from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from printed import (
    HEBREW,
    HOSTILE,
    LONG,
    collisions,
    dossier_of,
    failed,
    figures,
    labelled,
    pages,
    sentences,
    with_areas,
)  # fmt: skip

from oa_sim import formatting
from oa_sim.report.document import key, plain
from oa_sim.report.formats import office, word


@pytest.fixture(scope="module")
def dossier(every_area):
    return dossier_of(every_area)


@pytest.fixture(scope="module")
def blob(dossier):
    return word.brief(dossier)


def read(blob):
    return Document(io.BytesIO(blob))


def text(blob):
    """Return all text of a document, of paragraphs and of tables, in order."""
    return "\n".join(one.text for one in paragraphs(read(blob).element.body))


def paragraphs(within):
    from docx.text.paragraph import Paragraph

    return [Paragraph(one, None) for one in within.iter(qn("w:p"))]


def register(many):
    ratings = ("red", "amber", "green")
    return pd.DataFrame({
        "number": range(1, many + 1), "what": "Effect of tutoring on reading", "value": 0.0712,
        "unit": "standard deviations", "source": "a study, recalled", "status": "to verify",
        "rating": [ratings[i % 3] for i in range(many)], "why": "its standard error is assumed", "owner": "analyst",
    })  # fmt: skip


def test_every_sentence_and_figure_of_the_brief_stands_as_it_was_published(dossier, blob):
    found = text(blob)
    assert len(figures(dossier)) > 100
    for said in [*figures(dossier), *(plain(one) for one in sentences(dossier)), *(one for one, _ in dossier.numbers)]:
        assert said in found


def test_the_same_dossier_gives_the_same_bytes_without_a_date_of_today(dossier, blob):
    assert word.brief(dossier) == blob
    assert word.assurance(dossier) == word.assurance(dossier)
    assert {part.date_time for part in zipfile.ZipFile(io.BytesIO(blob)).infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_headings_are_headings_and_the_second_page_begins_with_one(dossier, blob):
    found = [(one.style.name, one.text) for one in read(blob).paragraphs if one.style.name.startswith("Heading")]
    assert found[0] == ("Heading 1", dossier.title)
    assert found[1:] == [("Heading 2", part.title) for part in dossier.passages]
    breaks = [one.text for one in read(blob).paragraphs if one.paragraph_format.page_break_before]
    assert breaks == [next(part.title for part in dossier.passages if part.page == 2)]


def test_the_picture_says_in_words_what_is_seen(dossier, blob):
    drawn = [one for part in dossier.passages for one in part.pictures]
    told = [one._inline.docPr.get("descr") for one in read(blob).inline_shapes]
    assert told == [one.alternative for one in drawn]


def test_tables_have_a_header_that_is_marked_and_figures_to_the_right(dossier, blob):
    grids = [grid for part in dossier.passages for grid in part.grids]
    tables = read(blob).tables[1:]  # the first holds the four numbers
    assert len(tables) == len(grids)
    for table, grid in zip(tables, grids, strict=True):
        assert [cell.text for cell in table.rows[0].cells] == list(grid.head)
        assert [row._tr.trPr.find(qn("w:tblHeader")) is not None for row in table.rows] == [True] + [False] * len(
            grid.rows
        )
        sides = [cell.paragraphs[0].alignment for cell in table.rows[1].cells]
        assert sides[0] is None
        assert sides[1] == WD_ALIGN_PARAGRAPH.RIGHT


def test_the_document_says_its_language_its_version_and_what_it_is(dossier, blob):
    document = read(blob)
    assert 'w:lang w:val="en-GB"' in zipfile.ZipFile(io.BytesIO(blob)).read("word/styles.xml").decode()
    about = document.core_properties
    assert (about.title, about.subject) == (dossier.title, "Ministerial pack")
    assert about.author == f"oa_sim {dossier.manifest['oa_sim']}"
    assert about.created == about.modified


def test_each_page_has_the_trace_and_its_number_at_its_foot(dossier, blob):
    foot = read(blob).sections[0].footer
    assert foot.paragraphs[0].text == dossier.trace
    fields = [one.text.strip() for one in foot._element.iter(qn("w:instrText"))]
    assert fields == ["PAGE", "NUMPAGES"]


def test_the_signs_are_explained_on_both_pages(dossier, blob):
    meaning = key(dossier.figures)
    assert meaning
    assert text(blob).count(f"Signs: {meaning}") == 2


def test_a_failed_gate_is_a_red_banner_and_stands_at_each_figure(dossier, blob):
    bad = failed(dossier)
    made = word.brief(bad)
    banner = [one for one in read(made).paragraphs if one.style.name == "Verdict Fail"]
    assert [one.text for one in banner] == ["Verdict FAIL: do not use these figures. R-hat is 1.20."]
    assert banner[0].style.element.pPr.find(qn("w:shd")).get(qn("w:fill")) == "A80000"
    found = text(made)
    assert all(one.in_cell.endswith(" [FAIL]") for one in bad.figures)
    assert all(one in found for one in figures(bad))
    assert not [one for one in read(blob).paragraphs if one.style.name == "Verdict Fail"]


def test_hostile_names_are_words_and_nothing_else(dossier):
    bad = labelled(with_areas(dossier, HOSTILE), " ".join(HOSTILE))
    for made in (word.brief(bad), word.assurance(bad)):
        files = zipfile.ZipFile(io.BytesIO(made))
        assert "hyperlink" not in "".join(files.read(name).decode() for name in files.namelist() if ".rels" in name)
        assert office.xml_safe(" ".join(HOSTILE)) in text(made)
    names = [row.cells[0].text for row in read(word.brief(bad)).tables[1].rows[1:]]
    assert names == [office.xml_safe(name) for name in HOSTILE]
    assert LONG in names


def test_words_from_right_to_left_are_marked_as_such(dossier):
    table = read(word.brief(with_areas(dossier, [f"North {HEBREW} 7"]))).tables[1]
    marked = {run.text: run._r.rPr.find(qn("w:rtl")) is not None for run in table.rows[1].cells[0].paragraphs[0].runs}
    assert marked == {"North ": False, HEBREW: True, " 7": False}


def test_the_assurance_pack_holds_its_parts_and_room_for_three_signatures(dossier):
    log = pd.DataFrame({"check": ["R-hat"], "asks": ["Do the chains agree?"], "found": ["1.007"], "limit": ["1.01"],
                        "verdict": ["PASS"], "from": ["run.json"]})  # fmt: skip
    full = replace(dossier, assumptions=register(4), log=log, statement=("It is not sure.",), changes=("It is new.",))
    made = word.assurance(full)
    found = text(made)
    for said in ("It is not sure.", "It is new.", "Do the chains agree?", formatting.SOURCE, *word.ROLES):
        assert said in found
    sign_off = read(made).tables[0]
    assert [cell.text for cell in sign_off.rows[0].cells] == ["Role", "Name", "Date", "Signature"]
    assert [row.cells[0].text for row in sign_off.rows[1:]] == list(word.ROLES)
    assert [tuple(cell.text for cell in row.cells) for row in read(made).tables[1].rows[1:]] == formatting.table()


def test_the_assurance_pack_says_how_each_figure_was_made(dossier):
    made = read(word.assurance(dossier))
    table = next(one for one in made.tables if one.rows[0].cells[0].text == "Figure")
    found = {(row[0].text, row[1].text, row[2].text) for row in (list(one.cells) for one in table.rows[1:])}
    assert found == {(one.label, one.in_cell, one.interval or "none") for one in dossier.figures}


def test_a_rating_is_a_word_and_a_colour(dossier):
    made = read(word.assurance(replace(dossier, assumptions=register(3))))
    cells = [row.cells[6] for row in made.tables[-1].rows[1:]]
    assert [cell.text for cell in cells] == ["red", "amber", "green"]
    marks = [cell.paragraphs[0].runs[0].style for cell in cells]
    assert [mark.name for mark in marks] == ["Mark Red", "Mark Amber", "Mark Green"]
    assert len({mark.element.rPr.find(qn("w:shd")).get(qn("w:fill")) for mark in marks}) == 3


def test_where_nothing_was_registered_a_sentence_says_so(dossier):
    found = text(word.assurance(dossier))
    for said in ("No assumption was registered.", "No check was logged.", "No statement was made."):
        assert said in found


def test_four_hundred_assumptions_are_written_in_a_moment(dossier):
    began = time.process_time()
    made = word.assurance(replace(dossier, assumptions=register(400)))
    assert time.process_time() - began < 2
    table = zipfile.ZipFile(io.BytesIO(made)).read("word/document.xml").decode()
    assert table.count("a study, recalled") == 400


@pytest.mark.slow
@pytest.mark.parametrize("which", ["twelve", "one", "fourteen", "nothing", "failed", "hostile"])
def test_the_brief_has_two_pages_and_no_word_lies_on_another(which, dossier, run_tiny, tmp_path):
    made = {
        "twelve": lambda: dossier,
        "one": lambda: with_areas(dossier, ["Derby"]),
        "fourteen": lambda: with_areas(dossier, [f"Opportunity North East, area {i}" for i in range(14)]),
        "nothing": lambda: dossier_of(run_tiny("scenario=no_programme")),
        "failed": lambda: failed(dossier),
        "hostile": lambda: labelled(with_areas(dossier, HOSTILE), " ".join(HOSTILE)),
    }[which]()
    found = pages(word.brief(made), "docx", tmp_path)
    assert len(found) == 2
    for page in found:
        assert not collisions(page)
