"""Templates of Word and PowerPoint: colour, logo and headings are changed in the file alone; a wrong one is refused."""

import io
import runpy
import zipfile
from pathlib import Path

import pytest
from docx import Document
from docx.shared import Pt, RGBColor
from pptx import Presentation
from pptx.dml.color import RGBColor as SlideColor
from pptx.opc.constants import RELATIONSHIP_TYPE
from printed import dossier_of, failed

from oa_sim.errors import Refusal
from oa_sim.report.formats import office, powerpoint, word

SHIPPED = Path(office.__file__).parents[1] / "templates"
SCRIPT = Path(__file__).resolve().parents[3] / "docs" / "make_office_templates.py"
RED_DOT = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc0000003010100c9fe92ef"
    "0000000049454e44ae426082"
)


@pytest.fixture(scope="module")
def dossier(tiny):
    return dossier_of(tiny)


@pytest.fixture
def designed(tmp_path):
    """Return a function that saves a template, edited, and returns its path."""

    def save(shipped, edit):
        document = (Document if shipped.endswith(".docx") else Presentation)(SHIPPED / shipped)
        edit(document)
        document.save(tmp_path / shipped)
        return tmp_path / shipped

    return save


def media(blob):
    with zipfile.ZipFile(io.BytesIO(blob)) as file:
        return [file.read(name) for name in file.namelist() if "/media/" in name]


def parts(blob):
    with zipfile.ZipFile(io.BytesIO(blob)) as file:
        return {name: file.read(name) for name in file.namelist()}


def test_the_script_makes_the_shipped_templates(tmp_path):
    runpy.run_path(str(SCRIPT))["write"](tmp_path)
    for name in ("brief.docx", "slides.pptx"):
        assert parts((tmp_path / name).read_bytes()) == parts((SHIPPED / name).read_bytes())


def test_colour_logo_and_headings_of_word_are_changed_in_the_template_alone(dossier, designed):
    def edit(document):
        heading = document.styles["Heading 1"]
        heading.font.color.rgb, heading.font.name, heading.font.italic = RGBColor(0x6F, 0x2D, 0x91), "Georgia", True
        document.styles["Lead"].font.size = Pt(16)
        head = document.sections[0].header
        (logo,) = [rel for rel in head.part.rels.values() if rel.reltype.endswith("/image")]
        logo.target_part._blob = RED_DOT

    plain, changed = word.brief(dossier), word.brief(dossier, designed("brief.docx", edit))
    pages = Document(io.BytesIO(changed))
    title = next(paragraph for paragraph in pages.paragraphs if paragraph.text == dossier.title)
    assert title.style.font.color.rgb == RGBColor(0x6F, 0x2D, 0x91)
    assert (title.style.font.name, title.style.font.italic) == ("Georgia", True)
    assert {run.font.color.rgb for run in title.runs} == {None}  # nothing is said over the style
    assert RED_DOT in media(changed)
    assert RED_DOT not in media(plain)
    assert [one.text for one in pages.paragraphs] == [one.text for one in Document(io.BytesIO(plain)).paragraphs]
    assert parts(changed)["word/styles.xml"] != parts(plain)["word/styles.xml"]


def test_larger_letters_of_a_template_are_made_smaller_until_two_pages_hold_them(dossier):
    opened = word.Template()
    large = {name: style._replace(size=1.3 * style.size) for name, style in opened.styles.items()}
    opened.styles = large
    layout = word._largest(dossier, opened)
    assert layout.styles["Normal"].size < large["Normal"].size
    assert layout.used <= layout.high


def test_colour_logo_and_titles_of_slides_are_changed_in_the_template_alone(dossier, designed):
    def edit(show):
        theme = show.slide_master.part.part_related_by(RELATIONSHIP_TYPE.THEME)
        theme._blob = theme.blob.replace(b'<a:srgbClr val="0072B2"/>', b'<a:srgbClr val="6F2D91"/>')
        layout = next(one for one in show.slide_layouts if one.name == "Summary")
        headline = next(shape for shape in layout.placeholders if shape.name == "Headline")
        headline.fill.solid()
        headline.fill.fore_color.rgb = SlideColor(0xFF, 0xF4, 0xCC)
        (logo,) = [rel for rel in show.slide_master.part.rels.values() if rel.reltype.endswith("/image")]
        logo.target_part._blob = RED_DOT
        styles = show.slide_master.element.find(".//{*}titleStyle//{*}defRPr")
        styles.set("sz", "1800")

    plain, changed = powerpoint.brief(dossier), powerpoint.brief(dossier, designed("slides.pptx", edit))
    show = Presentation(io.BytesIO(changed))
    assert b"6F2D91" in show.slide_master.part.part_related_by(RELATIONSHIP_TYPE.THEME).blob
    assert RED_DOT in media(changed)
    slides = {name: part for name, part in parts(changed).items() if name.startswith("ppt/slides/")}
    assert slides
    assert not [name for name, part in slides.items() if b"srgbClr" in part]  # none but the theme's
    for before, after in zip(Presentation(io.BytesIO(plain)).slides, show.slides, strict=True):
        assert after.shapes.title.text == before.shapes.title.text
        assert not after.shapes.title.text_frame.paragraphs[0].runs[0].font.size  # that of the master


def test_a_failed_gate_has_its_own_style_and_its_own_placeholder(dossier):
    bad = failed(dossier)
    assert "Verdict Fail" in [one.style.name for one in Document(io.BytesIO(word.brief(bad))).paragraphs]
    names = [shape.name for shape in Presentation(io.BytesIO(powerpoint.brief(bad))).slides[0].shapes]
    assert "Verdict Fail" in names
    assert "Verdict Pass" not in names


def lacks_style(document):
    style = document.styles["Lead"]
    style.element.getparent().remove(style.element)


def lacks_placeholder(show):
    layout = next(one for one in show.slide_layouts if one.name == "Detail")
    shape = next(shape for shape in layout.placeholders if shape.name == "Words 2")
    shape._element.getparent().remove(shape._element)


def lacks_layout(show):
    next(one for one in show.slide_layouts if one.name == "Summary").name = "Another"


@pytest.mark.parametrize(
    ("shipped", "edit", "missing"),
    [
        ("brief.docx", lacks_style, "paragraph style .* lacks Lead: add it, or start from a copy"),
        ("slides.pptx", lacks_placeholder, "placeholder of the layout Detail .* lacks Words 2: add it"),
        ("slides.pptx", lacks_layout, "slide layout .* lacks Summary"),
    ],
)
def test_a_template_that_lacks_what_is_needed_is_refused_in_one_sentence(shipped, edit, missing, dossier, designed):
    path = designed(shipped, edit)
    with pytest.raises(Refusal, match=missing) as refused:
        (word if shipped.endswith(".docx") else powerpoint).brief(dossier, path)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("writer", [word.brief, word.assurance, powerpoint.brief])
def test_a_file_that_is_no_template_is_refused(writer, dossier, tmp_path):
    ending = ".pptx" if writer is powerpoint.brief else ".docx"
    text = tmp_path / f"text{ending}"
    text.write_text("not a document")
    other = SHIPPED / ("brief.docx" if ending == ".pptx" else "slides.pptx")
    for path, message in (
        (text, f"is no {ending} file"),
        (other, f"is no {ending} file"),
        (tmp_path / "none", "cannot be read"),
    ):
        with pytest.raises(Refusal, match=message):
            writer(dossier, path)
