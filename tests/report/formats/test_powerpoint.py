"""Slides: what is printed is what was published, on two slides, none of it beyond its room."""

import io
import zipfile
from dataclasses import replace

import pytest
from pptx import Presentation
from pptx.oxml.ns import qn
from pptx.util import Pt
from printed import (
    FORMULA,
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

from oa_sim.report.document import key, plain
from oa_sim.report.formats import office, powerpoint
from oa_sim.report.formats.office import height


@pytest.fixture(scope="module")
def dossier(every_area):
    return dossier_of(every_area)


@pytest.fixture(scope="module")
def blob(dossier):
    return powerpoint.brief(dossier)


@pytest.fixture(scope="module")
def awkward(dossier):
    return labelled(with_areas(dossier, HOSTILE), " ".join(HOSTILE))


def read(blob):
    return list(Presentation(io.BytesIO(blob)).slides)


def said(slide):
    """Return all text of a slide, of boxes and of tables."""
    found = []
    for shape in slide.shapes:
        if shape.has_text_frame:
            found += [one.text for one in shape.text_frame.paragraphs]
        if shape.has_table:
            found += [cell.text for row in shape.table.rows for cell in row.cells]
    return "\n".join(found)


def notes(blob):
    return [one.notes_slide.notes_text_frame.text for one in read(blob)]


def test_every_sentence_and_figure_of_the_brief_stands_as_it_was_published(dossier, blob):
    found = "\n".join(said(one) for one in read(blob))
    assert len(figures(dossier)) > 100
    for wanted in [
        *figures(dossier),
        *(plain(one) for one in sentences(dossier)),
        *(one for one, _ in dossier.numbers),
    ]:
        assert wanted in found
    assert "\u2026" not in found


def test_the_same_dossier_gives_the_same_bytes(dossier, blob):
    assert powerpoint.brief(dossier) == blob
    names = zipfile.ZipFile(io.BytesIO(blob)).namelist()
    assert not [name for name in names if "thumbnail" in name]  # of the library's template
    assert {part.date_time for part in zipfile.ZipFile(io.BytesIO(blob)).infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_there_are_two_wide_slides_each_with_a_title_that_is_read_first(dossier, blob):
    show = Presentation(io.BytesIO(blob))
    assert show.slide_width / show.slide_height == pytest.approx(16 / 9)
    titles = [one.shapes.title.text for one in show.slides]
    assert titles[0] == dossier.title
    assert titles[1] == " \u00b7 ".join(part.title for part in dossier.passages if part.page == 2)
    assert all(one.shapes[0].is_placeholder for one in show.slides)


def test_the_picture_and_the_tables_say_in_words_what_they_are(dossier, blob):
    first, second = read(blob)
    drawn = dossier.passages[0].pictures[0]
    told = [one._element.nvPicPr.cNvPr.get("descr") for one in first.shapes if one.shape_type == 13]
    assert told == [drawn.alternative]
    tables = [one for one in second.shapes if one.has_table]
    grids = [grid for part in dossier.passages for grid in part.grids]
    assert [one._element.nvGraphicFramePr.cNvPr.get("descr") for one in tables] == [grid.caption for grid in grids]
    assert all(one.table.first_row for one in tables)


def test_the_notes_hold_the_whole_sentences_and_the_trace(dossier, blob):
    for page, found in enumerate(notes(blob), start=1):
        assert found.endswith(dossier.trace)
        for part in dossier.passages:
            for one in (*part.said, *part.points):
                assert (plain(one) in found) == (part.page == page)
    assert plain(dossier.headline) in notes(blob)[0]


def test_the_signs_and_the_trace_stand_on_each_slide(dossier, blob):
    for slide in read(blob):
        assert f"Signs: {key(dossier.figures)}" in said(slide)
        assert dossier.trace in said(slide)


def test_a_failed_gate_is_said_on_each_slide(dossier):
    for slide in read(powerpoint.brief(failed(dossier))):
        assert "Verdict FAIL: do not use these figures" in said(slide)


@pytest.mark.parametrize("which", ["twelve", "fourteen", "failed", "awkward"])
def test_nothing_stands_beyond_the_slide_or_its_own_box(which, dossier, awkward):
    many = with_areas(dossier, [f"Opportunity North East, area {i} of a long name" for i in range(14)])
    made = {"twelve": dossier, "fourteen": many, "failed": failed(many), "awkward": awkward}[which]
    for slide in read(powerpoint.brief(made)):
        for shape in slide.shapes:
            assert shape.left >= 0
            assert shape.top >= 0
            assert shape.left + shape.width <= Pt(960)
            assert shape.top + shape.height <= Pt(540)
            if shape.has_text_frame:
                assert stands(shape) <= shape.height.pt + 3, shape.name


def stands(shape):
    """Return how high the words of a box stand, points, in the sizes that the box or its layout says."""
    total = 0.0
    styles = [one._element.txBody for one in (shape, of_layout(shape)) if one is not None]
    inset = next((int(one.bodyPr.get("lIns")) / 12700 for one in styles if one.bodyPr.get("lIns")), 0.0)
    for one in shape.text_frame.paragraphs:
        level = [found for style in styles for found in style.iter(qn(f"a:lvl{one.level + 1}pPr"))]
        look = level[0].find(qn("a:defRPr")) if level else {"sz": "2400", "b": "1"}  # of the title, the master's
        for run in one.runs:
            size = run.font.size.pt if run.font.size else int(look.get("sz")) / 100
            indent = int(level[0].get("marL")) / 12700 if level else 0.0
            total += height(run.text, shape.width.pt - 2 * inset - indent, size, bold=look.get("b") == "1")
            total += one.space_after.pt if one.space_after is not None else 0.0
    return total


def of_layout(shape):
    """Return the placeholder of the layout that a placeholder fills."""
    if not shape.is_placeholder:
        return None
    same = [one for one in shape.part.slide_layout.placeholders
            if one.placeholder_format.idx == shape.placeholder_format.idx]  # fmt: skip
    return same[0]


def test_a_figure_is_never_cut_and_a_cut_name_stands_whole_in_the_notes(awkward):
    made = powerpoint.brief(awkward)
    second = said(read(made)[1])
    grids = [grid for part in awkward.passages for grid in part.grids]
    assert all(one in second for one in figures_of(grids))
    assert LONG not in second
    assert LONG in notes(made)[1]


def figures_of(grids):
    return [cell.in_cell for grid in grids for row in grid.rows for cell in row if not isinstance(cell, str)]


def test_hostile_names_are_words_and_nothing_else(awkward):
    made = powerpoint.brief(awkward)
    files = zipfile.ZipFile(io.BytesIO(made))
    links = "".join(files.read(name).decode() for name in files.namelist() if name.endswith(".rels"))
    assert "hyperlink" not in links
    second = said(read(made)[1])
    for name in (FORMULA, HEBREW, "bell and  half", "<script>alert(1)</script>", "turned"):
        assert office.xml_safe(name) in second
    assert str(awkward.manifest["data_hash"])[:12] in said(read(made)[0])  # a long label hides no part of the trace


def test_rows_that_do_not_fit_are_counted_on_the_slide_and_stand_in_the_notes(dossier):
    made = powerpoint.brief(with_areas(dossier, [f"Area {i}" for i in range(60)]))
    second, found = read(made)[1], notes(made)[1]
    table = next(one.table for one in second.shapes if one.has_table)
    left = len(table.rows) - 1
    assert left < 60
    assert f"(first {left} of 60 rows, the rest in the notes)" in said(second)
    assert all(f"Area {i};" in found for i in range(left, 60))


def test_a_picture_that_would_be_too_small_to_read_is_left_out_and_said_in_words(dossier):
    at = next(i for i, part in enumerate(dossier.passages) if part.grids)
    picture = replace(dossier.passages[0].pictures[0], name="map", alternative="A map of the areas.")
    parts = list(dossier.passages)
    parts[at] = replace(parts[at], pictures=(picture,))
    made = powerpoint.brief(replace(dossier, passages=tuple(parts)))
    assert not [one for one in read(made)[1].shapes if one.shape_type == 13]
    assert "Picture: A map of the areas." in notes(made)[1]


@pytest.mark.slow
@pytest.mark.parametrize("which", ["twelve", "fourteen", "nothing", "failed", "awkward"])
def test_two_slides_are_drawn_and_no_word_lies_on_another(which, dossier, awkward, run_tiny, tmp_path):
    many = with_areas(dossier, [f"Opportunity North East, area {i} of a long name" for i in range(14)])
    made = {"twelve": dossier, "fourteen": many, "failed": failed(many), "awkward": awkward}.get(which)
    made = made or dossier_of(run_tiny("scenario=no_programme"))
    found = pages(powerpoint.brief(made), "pptx", tmp_path)
    assert len(found) == 2
    for page in found:
        assert not collisions(page)
        assert max(word[3] for word in page) <= 540
