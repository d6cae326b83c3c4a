"""Make the shipped templates of the Word and PowerPoint packs from the defaults of python-docx and python-pptx.

    python docs/make_office_templates.py [FOLDER]

It writes brief.docx and slides.pptx into FOLDER (oa_sim/report/templates where none is given). Run it to start afresh:
what a designer changed in the files by hand is lost. The same libraries give the same content.
"""

import io
import sys
from pathlib import Path

from docx import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import parse_xml as word_xml
from docx.oxml.ns import nsdecls as word_namespaces
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor
from pptx import Presentation
from pptx.opc.constants import RELATIONSHIP_TYPE
from pptx.oxml import parse_xml as slide_xml
from pptx.util import Pt as SlidePt
from vl_convert import svg_to_png

from oa_sim.report.formats.office import sealed

FOLDER = Path(__file__).resolve().parents[1] / "oa_sim" / "report" / "templates"
FONT = "Arial"
BLUE, RED, INK, GREY, PALE, RULE, WHITE = "0072B2", "A80000", "222222", "595959", "EEF4F9", "C9D3DB", "FFFFFF"
MARKS = {"Red": ("F6D5D5", "7A0000"), "Amber": ("FCE8C3", "5C3B00"), "Green": ("D5EFE3", "00452F")}  # ground, letters
LOGO = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="72" height="48"><rect width="72" height="48" fill="white"/>'
    '<rect x="2" y="28" width="18" height="18" fill="#56B4E9"/><rect x="27" y="16" width="18" height="30" '
    'fill="#0072B2"/><rect x="52" y="2" width="18" height="44" fill="#00437A"/></svg>'
)
W = word_namespaces("w")

# Word: style: colour, size, bold, points before and after, left indent, stays with the next paragraph
PARAGRAPHS = {
    "Normal": (INK, 11, False, 0, 3.3, 0, False),
    "Heading 1": (BLUE, 20, True, 0, 3, 0, True),
    "Heading 2": (BLUE, 13, True, 8.25, 2.75, 0, True),
    "Caption": (INK, 8, True, 4, 3, 0, True),
    "Lead": (INK, 13.5, True, 4, 7, 0, False),
    "List Bullet": (INK, 11, False, 0, 2.2, 12, False),
    "Verdict Pass": (GREY, 8, False, 0, 3, 0, False),
    "Verdict Fail": (WHITE, 13, True, 5, 8, 0, False),
    "Table Cell": (INK, 8, False, 1.2, 1.2, 0, False),
    "Table Head": (BLUE, 8, True, 1.2, 1.2, 0, True),
    "Number": (BLUE, 22, True, 3, 0, 0, False),
    "Number Interval": (GREY, 8, True, 0, 2, 0, False),
    "Number Label": (INK, 8, False, 0, 3, 0, False),
    "Signs": (GREY, 8, False, 5, 0, 0, False),
    "Picture": (INK, 8, False, 0, 0, 0, False),
    "Table Space": (INK, 2, False, 0, 0, 0, False),
    "Header": (GREY, 7, False, 0, 0, 0, False),
    "Footer": (GREY, 7, False, 0, 0, 0, False),
}
KEPT = {*PARAGRAPHS, "Default Paragraph Font", "Normal Table", "No List"}


def word_template() -> bytes:
    """Return brief.docx: A4, the styles, a header with the logo and a footer with the number of the page."""
    document = Document()
    _prune(document)
    _page(document.sections[0])
    _language(document)
    for name, look in PARAGRAPHS.items():
        _paragraph_style(document, name, look)
    points = document.styles["List Bullet"]
    points.paragraph_format.first_line_indent = Pt(-12)
    for old in points.element.pPr.findall(qn("w:contextualSpacing")):
        points.element.pPr.remove(old)
    _banner(document.styles["Verdict Fail"])
    for name, (ground, ink) in MARKS.items():
        mark = document.styles.add_style(f"Mark {name}", WD_STYLE_TYPE.CHARACTER)
        mark.font.bold, mark.font.color.rgb = True, RGBColor.from_string(ink)
        mark.element.rPr.append(word_xml(f'<w:shd {W} w:val="clear" w:color="auto" w:fill="{ground}"/>'))
    head = f'<w:tblStylePr w:type="firstRow"><w:tcPr>{_ground(PALE)}</w:tcPr></w:tblStylePr>'
    _table_style(document, "Brief Table", head)
    _table_style(document, "Brief Numbers", f"<w:tcPr>{_ground(PALE)}</w:tcPr>")
    _header_and_footer(document.sections[0])
    for name in PARAGRAPHS:  # a sample of each, which is not printed
        if name not in ("Header", "Footer"):
            document.add_paragraph(name, style=name)
    document.core_properties.title = "Template of the brief"
    document.core_properties.language = "en-GB"
    return sealed(document)


def _prune(document) -> None:
    for style in list(document.styles):
        if style.name not in KEPT:
            style.element.getparent().remove(style.element)
    for style in document.styles:
        for link in style.element.findall(qn("w:link")):
            style.element.remove(link)


def _page(section) -> None:
    section.page_width, section.page_height = Pt(595.3), Pt(841.9)
    section.left_margin = section.right_margin = section.top_margin = Mm(16)
    section.bottom_margin, section.footer_distance, section.header_distance = Mm(18), Mm(8), Mm(5)


def _language(document) -> None:
    settings = document.settings.element
    for setting in settings.iter(qn("w:compatSetting")):
        if setting.get(qn("w:name")) == "compatibilityMode":
            setting.set(qn("w:val"), "15")
    settings.find(qn("w:themeFontLang")).set(qn("w:val"), "en-GB")
    document_defaults = document.styles.element.find(qn("w:docDefaults"))
    document_defaults.remove(document_defaults.find(qn("w:pPrDefault")))  # no spacing but that of the styles
    defaults = document_defaults.find(qn("w:rPrDefault")).find(qn("w:rPr"))
    for old in defaults.findall(qn("w:lang")):
        defaults.remove(old)
    defaults.append(word_xml(f'<w:lang {W} w:val="en-GB" w:eastAsia="en-GB" w:bidi="he-IL"/>'))


def _paragraph_style(document, name: str, look: tuple) -> None:
    ink, size, bold, before, after, indent, keep = look
    names = [style.name for style in document.styles]
    style = document.styles[name] if name in names else document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
    if name != "Normal":
        style.base_style = document.styles["Normal"]
    style.quick_style, style.hidden, style.unhide_when_used = True, False, False
    letters = style.element.get_or_add_rPr()
    for old in letters.findall(qn("w:rFonts")):
        letters.remove(old)
    style.font.name, style.font.size, style.font.bold, style.font.italic = FONT, Pt(size), bold, False
    letters.rFonts.set(qn("w:cs"), FONT)
    style.font.color.rgb = RGBColor.from_string(ink)
    for tag in ("w:b", "w:sz"):  # letters that run from right to left have the size and weight of the others
        for old in letters.findall(qn(f"{tag}Cs")):
            letters.remove(old)
        own = letters.find(qn(tag))
        value = own.get(qn("w:val"))
        attribute = f' w:val="{value}"' if value is not None else ""
        own.addnext(word_xml(f"<{tag}Cs {W}{attribute}/>"))
    shape = style.paragraph_format
    shape.space_before, shape.space_after, shape.line_spacing = Pt(before), Pt(after), 1.0
    shape.left_indent, shape.keep_with_next, shape.widow_control = Pt(indent), keep, True


def _banner(style) -> None:
    """Give a style a ground, and borders of its colour so that the letters do not touch its edge."""
    properties = style.element.get_or_add_pPr()
    sides = "".join(
        f'<w:{side} w:val="single" w:sz="{width}" w:space="0" w:color="{RED}"/>'
        for side, width in (("top", 24), ("left", 48), ("bottom", 24), ("right", 48))
    )
    spacing = properties.find(qn("w:spacing"))
    spacing.addprevious(word_xml(f"<w:pBdr {W}>{sides}</w:pBdr>"))
    spacing.addprevious(word_xml(_ground(RED).replace("<w:shd", f"<w:shd {W}")))


def _ground(colour: str) -> str:
    return f'<w:shd w:val="clear" w:color="auto" w:fill="{colour}"/>'


def _table_style(document, name: str, looks: str) -> None:
    rules = "".join(
        f'<w:{side} w:val="single" w:sz="4" w:space="0" w:color="{RULE}"/>' for side in ("top", "bottom", "insideH")
    )
    document.styles.element.append(word_xml(
        f'<w:style {W} w:type="table" w:customStyle="1" w:styleId="{name.replace(" ", "")}"><w:name w:val="{name}"/>'
        f'<w:basedOn w:val="TableNormal"/><w:uiPriority w:val="99"/><w:qFormat/><w:tblPr>'
        f"<w:tblBorders>{rules}</w:tblBorders>"
        f'<w:tblCellMar><w:left w:w="90" w:type="dxa"/><w:right w:w="90" w:type="dxa"/></w:tblCellMar></w:tblPr>'
        f"{looks}</w:style>"
    ))  # fmt: skip


def _header_and_footer(section) -> None:
    head = section.header.paragraphs[0]
    head.style, head.alignment = "Header", WD_ALIGN_PARAGRAPH.RIGHT
    logo = head.add_run().add_picture(io.BytesIO(svg_to_png(LOGO, scale=3)), height=Pt(16))
    logo._inline.docPr.set("descr", "Logo")
    logo._inline.docPr.set("name", "Logo")
    foot = section.footer.paragraphs[0]
    foot.style = "Footer"
    for text, field in (("Page ", "PAGE"), (" of ", "NUMPAGES")):
        foot.add_run(text)
        run = foot.add_run()._r
        for part in ('<w:fldChar {} w:fldCharType="begin"/>', f'<w:instrText {{}} xml:space="preserve"> {field} '
                     "</w:instrText>", '<w:fldChar {} w:fldCharType="separate"/>', "<w:t {}>2</w:t>",
                     '<w:fldChar {} w:fldCharType="end"/>'):  # fmt: skip
            run.append(word_xml(part.format(W)))


# PowerPoint: by level size, bold, colour of the theme, points after, indent (of a list)
NAMESPACES = (
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
)
THEME = {"dk1": INK, "lt1": WHITE, "dk2": GREY, "lt2": PALE, "accent1": BLUE, "accent2": RED, "accent3": RULE,
         "accent4": "E69F00", "accent5": "009E73", "accent6": "CC79A7", "hlink": BLUE, "folHlink": GREY}  # fmt: skip
LEFT, WIDE, GAP = 28.0, 904.0, 14.0
NUMBER = ((26, True, "accent1", 0, 0), (10, True, "tx2", 0, 0), (11, False, "tx1", 0, 0))
WORDS = ((15, True, "accent1", 2, 0), (14, False, "tx1", 4.9, 0), (14, False, "tx1", 3.5, 14))
SMALL = ((9, True, "tx1", 0, 0), (11, False, "tx1", 0, 0))  # captions; cells of tables
FOOT = ((8, False, "tx2", 0, 0),)
CARD = (WIDE - 3 * GAP) / 4
THIRD = (WIDE - 2 * GAP) / 3


def _boxes(words_from: float) -> list[tuple]:
    """Return what both layouts have: name, place (left, top, width, height), levels, ground, insets."""
    return [
        ("Verdict Pass", (LEFT, 51, WIDE, 16), ((9, False, "tx2", 0, 0),), "", 0),
        ("Verdict Fail", (LEFT, 50, WIDE, 20), ((12, True, "bg1", 0, 0),), "accent2", 6),
        *((f"Words {i + 1}", (LEFT + i * (THIRD + GAP), words_from, THIRD, 504 - words_from), WORDS, "", 0)
          for i in range(3)),
        ("Tables and captions", (LEFT, words_from, WIDE, 30), SMALL, "", 0),
        ("Signs and trace", (LEFT, 510, WIDE - 40, 26), FOOT, "", 0),
    ]  # fmt: skip


LAYOUTS = {
    "Summary": [
        ("Headline", (LEFT, 75, WIDE, 72), ((20, True, "tx1", 0, 0),), "", 0),
        *((f"Number {i + 1}", (LEFT + i * (CARD + GAP), 153, CARD, 84), NUMBER, "bg2", 8) for i in range(4)),
        *_boxes(246),
    ],
    "Detail": _boxes(75),
}


def slides_template() -> bytes:
    """Return slides.pptx: 16:9, a theme, a master with the logo and the number of the slide, and two layouts."""
    show = Presentation()
    scale = SlidePt(960) / show.slide_width
    show.slide_width, show.slide_height = SlidePt(960), SlidePt(540)
    show.element.sldSz.attrib.pop("type", None)
    keep = [layout for layout in show.slide_layouts if layout.name in ("Title Only", "Title and Content")]
    for layout in list(show.slide_layouts):
        if layout not in keep:
            show.slide_layouts.remove(layout)
    master = show.slide_master
    for shape in master.shapes:
        shape.left, shape.top, shape.width, shape.height = int(shape.left * scale), shape.top, int(
            shape.width * scale), shape.height  # fmt: skip
    _theme(master.part.part_related_by(RELATIONSHIP_TYPE.THEME))
    styles = master.element.find(f"{{{master.element.nsmap['p']}}}txStyles")
    styles.replace(styles.find(f"{{{master.element.nsmap['p']}}}titleStyle"), slide_xml(
        f"<p:titleStyle {NAMESPACES}>{_level(1, (24, True, 'accent1', 0, 0), '+mj-lt')}</p:titleStyle>"))  # fmt: skip
    title = next(shape for shape in master.placeholders if shape.placeholder_format.type.name == "TITLE")
    title.left, title.top, title.width, title.height = (SlidePt(x) for x in (LEFT, 14, WIDE - 60, 34))
    title.text_frame._txBody.bodyPr.attrib.update({"lIns": "0", "rIns": "0", "tIns": "0", "bIns": "0", "anchor": "t"})
    _logo(master)
    _slide_number(master)
    for layout, (name, boxes) in zip(keep, LAYOUTS.items(), strict=True):
        _lay_out(layout, name, boxes)
    show.part.part_related_by(RELATIONSHIP_TYPE.TABLE_STYLES)._blob = _table_styles()
    for relation in list(show.part.rels.values()):
        if relation.reltype.endswith("/printerSettings"):
            show.part.drop_rel(relation.rId)
    show.core_properties.title, show.core_properties.language = "Template of the slides", "en-GB"
    return sealed(show)


def _lay_out(layout, name: str, boxes) -> None:
    """Give a layout its name and placeholders; of the old ones the title alone stays, where the master puts it."""
    layout.name = name
    for shape in list(layout.placeholders):
        if shape.placeholder_format.type.name != "TITLE":
            shape._element.getparent().remove(shape._element)
        else:
            for own in shape._element.spPr:
                shape._element.spPr.remove(own)
    for number, box in enumerate(boxes, start=10):
        layout.shapes._spTree.append(_placeholder(number, *box))


def _theme(part) -> None:
    from lxml import etree

    theme = etree.fromstring(part.blob)
    space = {"a": theme.nsmap["a"]}
    for name, colour in THEME.items():
        (slot,) = theme.xpath(f"//a:clrScheme/a:{name}", namespaces=space)
        for old in slot:
            slot.remove(old)
        slot.append(etree.fromstring(f'<a:srgbClr xmlns:a="{space["a"]}" val="{colour}"/>'))
    for face in theme.xpath("//a:fontScheme//a:latin", namespaces=space):
        face.set("typeface", FONT)
    part._blob = etree.tostring(theme, xml_declaration=True, encoding="UTF-8", standalone=True)


def _level(level: int, look: tuple, face: str = "+mn-lt") -> str:
    size, bold, colour, after, indent = look
    bullet = '<a:buFont typeface="Arial"/><a:buChar char="\u2022"/>' if indent else "<a:buNone/>"
    return (
        f'<a:lvl{level}pPr marL="{SlidePt(indent)}" indent="{-SlidePt(indent)}" algn="l"><a:lnSpc><a:spcPct '
        f'val="100000"/></a:lnSpc><a:spcBef><a:spcPts val="0"/></a:spcBef><a:spcAft><a:spcPts '
        f'val="{int(100 * after)}"/></a:spcAft>{bullet}<a:defRPr lang="en-GB" sz="{int(100 * size)}" b="{int(bold)}" '
        f'i="0"><a:solidFill><a:schemeClr val="{colour}"/></a:solidFill><a:latin typeface="{face}"/></a:defRPr>'
        f"</a:lvl{level}pPr>"
    )


def _placeholder(number: int, name: str, place: tuple, levels: tuple, ground: str, inset: float):
    left, top, wide, high = (SlidePt(x) for x in place)
    fill = f'<a:solidFill><a:schemeClr val="{ground}"/></a:solidFill>' if ground else "<a:noFill/>"
    sides, ends = SlidePt(inset), SlidePt(2 if inset else 0)
    looks = "".join(_level(level, look) for level, look in enumerate(levels, start=1))
    return slide_xml(
        f'<p:sp {NAMESPACES}><p:nvSpPr><p:cNvPr id="{number}" name="{name}"/><p:cNvSpPr><a:spLocks noGrp="1"/>'
        f'</p:cNvSpPr><p:nvPr><p:ph type="body" sz="quarter" idx="{number}"/></p:nvPr></p:nvSpPr><p:spPr><a:xfrm>'
        f'<a:off x="{left}" y="{top}"/><a:ext cx="{wide}" cy="{high}"/></a:xfrm><a:prstGeom prst="rect"><a:avLst/>'
        f'</a:prstGeom>{fill}</p:spPr><p:txBody><a:bodyPr wrap="square" lIns="{sides}" rIns="{sides}" tIns="{ends}" '
        f'bIns="{ends}" anchor="t"><a:noAutofit/></a:bodyPr><a:lstStyle>{looks}</a:lstStyle>'
        + "".join(f'<a:p><a:pPr lvl="{i}"/><a:r><a:rPr lang="en-GB"/><a:t>{name}</a:t></a:r></a:p>'
                  for i in range(len(levels)))
        + "</p:txBody></p:sp>"
    )  # fmt: skip


def _logo(master) -> None:
    """Put the logo on the top right of each slide; python-pptx adds pictures to slides alone."""
    _, relation = master.part.get_or_add_image_part(io.BytesIO(svg_to_png(LOGO, scale=3)))
    left, top, wide, high = (SlidePt(x) for x in (LEFT + WIDE - 42, 14, 42, 28))
    master.shapes._spTree.append(slide_xml(
        f'<p:pic {NAMESPACES}><p:nvPicPr><p:cNvPr id="50" name="Logo" descr="Logo"/><p:cNvPicPr><a:picLocks '
        f'noChangeAspect="1"/></p:cNvPicPr><p:nvPr userDrawn="1"/></p:nvPicPr><p:blipFill><a:blip r:embed="{relation}"'
        f'/><a:stretch><a:fillRect/></a:stretch></p:blipFill><p:spPr><a:xfrm><a:off x="{left}" y="{top}"/><a:ext '
        f'cx="{wide}" cy="{high}"/></a:xfrm><a:prstGeom prst="rect"><a:avLst/></a:prstGeom></p:spPr></p:pic>'
    ))  # fmt: skip


def _slide_number(master) -> None:
    left, top, wide, high = (SlidePt(x) for x in (LEFT + WIDE - 36, 516, 36, 14))
    run = '<a:rPr lang="en-GB" sz="800"><a:solidFill><a:schemeClr val="tx2"/></a:solidFill></a:rPr>'
    master.shapes._spTree.append(slide_xml(
        f'<p:sp {NAMESPACES}><p:nvSpPr><p:cNvPr id="51" name="Number of the slide"/><p:cNvSpPr txBox="1"/><p:nvPr '
        f'userDrawn="1"/></p:nvSpPr><p:spPr><a:xfrm><a:off x="{left}" y="{top}"/><a:ext cx="{wide}" cy="{high}"/>'
        f'</a:xfrm><a:prstGeom prst="rect"><a:avLst/></a:prstGeom><a:noFill/></p:spPr><p:txBody><a:bodyPr '
        f'lIns="0" tIns="0" rIns="0" bIns="0"/><a:p><a:pPr algn="r"/><a:fld '
        f'id="{{B6F15528-21DE-4FAA-801E-634DDDAF4B2B}}" type="slidenum">{run}<a:t>1</a:t></a:fld></a:p></p:txBody>'
        f"</p:sp>"
    ))  # fmt: skip


def _table_styles() -> bytes:
    """Return the one style of tables: rules between rows, and a ground and letters of their own in the header."""
    key = "{5A3C9B1E-6D0F-4C52-9E57-0A51B0D1F001}"
    line = '<a:ln w="6350"><a:solidFill><a:schemeClr val="accent3"/></a:solidFill></a:ln>'
    rules = "".join(f"<a:{side}>{line}</a:{side}>" for side in ("top", "bottom", "insideH"))
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<a:tblStyleLst '
        f'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" def="{key}"><a:tblStyle styleId="{key}" '
        'styleName="Brief Table"><a:wholeTbl>'
        '<a:tcTxStyle><a:fontRef idx="minor"/><a:schemeClr val="tx1"/></a:tcTxStyle>'
        f"<a:tcStyle><a:tcBdr>{rules}</a:tcBdr><a:fill><a:noFill/></a:fill></a:tcStyle></a:wholeTbl><a:firstRow>"
        '<a:tcTxStyle b="on"><a:fontRef idx="minor"/><a:schemeClr val="accent1"/></a:tcTxStyle><a:tcStyle>'
        f'<a:tcBdr><a:bottom>{line}</a:bottom></a:tcBdr><a:fill><a:solidFill><a:schemeClr val="bg2"/></a:solidFill>'
        "</a:fill></a:tcStyle></a:firstRow></a:tblStyle></a:tblStyleLst>"
    ).encode()


def write(folder: Path = FOLDER) -> None:
    """Write both templates into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "brief.docx").write_bytes(word_template())
    (folder / "slides.pptx").write_bytes(slides_template())


if __name__ == "__main__":
    write(*map(Path, sys.argv[1:2]))
