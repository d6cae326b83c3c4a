"""Packs: all that is read of a folder, in every format, from one dossier; written whole into its folder ``report``."""

import shutil
from collections.abc import Callable
from pathlib import Path

from oa_sim.errors import Refusal, unknown
from oa_sim.report import assemble, folder_brief
from oa_sim.report.document import Dossier
from oa_sim.report.formats import data_files, datapackage
from oa_sim.report.formats import html as html_pages
from oa_sim.report.run_folder import whole

FORMATS = ("html", "docx", "pptx", "xlsx", "csv", "json")
REPORT = "report"


def formats(asked: str) -> tuple[str, ...]:
    """Return the formats that are asked for, in the order of ``FORMATS``.

    Parameters
    ----------
    asked
        Names with commas; nothing for all.

    Raises
    ------
    Refusal
        For a name that is none of them.
    """
    names = [name.strip() for name in asked.split(",") if name.strip()]
    for name in names:
        if name not in FORMATS:
            raise unknown("format of a report", name, FORMATS)
    return tuple(name for name in FORMATS if name in names) if names else FORMATS


def write(folder: str | Path, asked: tuple[str, ...] = FORMATS, say: Callable[[str], None] = lambda sentence: None):
    """Write the packs of a folder into its folder ``report`` and return that path and the dossier.

    Parameters
    ----------
    folder
        What run, compare, sweep, target, optimise, monitor or voi printed.
    asked
        Of ``FORMATS``.
    say
        Called with a sentence at each stage.

    Returns
    -------
    Path, Dossier, list of str
        The folder that was written, what it prints, and the names of its files.

    Raises
    ------
    Refusal
        Where the folder cannot be read, or the report not be written; then nothing is left behind.
    """
    at = Path(folder)
    kind = folder_brief.kind_of(at)
    if (at / REPORT).is_symlink() or ((at / REPORT).exists() and not (at / REPORT).is_dir()):
        raise Refusal(f"a report is put into {at / REPORT}, which is there and no folder: move it away")
    say("reading the folder")
    opened = assemble.opened(at, kind)
    makers = _makers(opened)
    names: list[str] = []

    def fill(into: Path) -> None:
        if (at / REPORT).is_dir():  # what is there and not written anew stays
            shutil.copytree(at / REPORT, into, dirs_exist_ok=True)
        for one in asked:
            say(f"writing {one}")
            for name, text in makers[one]().items():
                (into / name).write_bytes(text if isinstance(text, bytes) else text.encode())
                names.append(name)
        if "csv" in asked:
            written = sorted(name for name in names if name.endswith(".csv"))
            write_json_plain(into / datapackage.FILE_NAME, assemble.package(into, written, opened.dossier))
            names.append(datapackage.FILE_NAME)

    return whole(at / REPORT, fill), opened.dossier, names


def _makers(opened) -> dict[str, Callable[[], dict[str, bytes | str]]]:
    """Return what makes the files of each format."""
    dossier: Dossier = opened.dossier

    def html() -> dict:
        pages = {"briefing.html": html_pages.brief_page(dossier), "assurance.html": html_pages.assurance_page(dossier)}
        more = {"explore.html": opened.explorer(), "pictures.html": opened.pictures()}
        return pages | {name: page for name, page in more.items() if page}

    def docx() -> dict:
        from oa_sim.report.formats import word

        return {"briefing.docx": word.brief(dossier), "assurance.docx": word.assurance(dossier)}

    def pptx() -> dict:
        from oa_sim.report.formats import powerpoint

        return {"briefing.pptx": powerpoint.brief(dossier)}

    def xlsx() -> dict:
        from oa_sim.report.formats import excel

        return {"workbook.xlsx": excel.book(dossier)}

    def csv() -> dict:
        return {
            "table.csv": data_files.csv(dossier.figures),
            "dictionary.csv": dossier.dictionary.to_csv(index=False),
        } | (opened.tables())

    return {
        "html": html, "docx": docx, "pptx": pptx, "xlsx": xlsx, "csv": csv,
        "json": lambda: {"figures.json": data_files.json_text(dossier)},
    }  # fmt: skip


def write_json_plain(path: Path, facts: dict) -> None:
    """Write facts without the time of writing, so that the same report has the same bytes."""
    import json

    path.write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
