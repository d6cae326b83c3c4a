"""Assemble: a folder opened: what the packs print of it, its page to explore, and its tidy tables.

Every format is made from one ``Dossier``, and all are written whole into the folder's own folder ``report``.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import pandas as pd

from oa_sim.errors import Refusal, unknown
from oa_sim.explore import page as explorer_page
from oa_sim.explore import views
from oa_sim.report import (
    assumptions_register,
    assurance,
    data_dictionary,
    folder_brief,
    run_brief,
    workbook_statistics,
)
from oa_sim.report.document import Dossier, Drawn
from oa_sim.report.folder_writers import whole
from oa_sim.report.formats import data_files, html_pages
from oa_sim.report.reported_statistic import Published
from oa_sim.report.run_pictures import RunPictures
from oa_sim.report.sanitise import in_table
from oa_sim.report.template_files import check_template_folder, template_file
from oa_sim.simulation.result import Result

WHAT_INTERVALS_HOLD = (
    "Each interval holds 90% of the draws; it is as wide as what the model does not know, and no wider: what it "
    "leaves out is in no interval.",
    "What is said of a whole folder rests on the runs behind it; the uncertainty statement of each run says more.",
)
FORMATS = ("html", "docx", "pptx", "xlsx", "csv", "json")
REPORT = "report"


@dataclass(frozen=True)
class Opened:
    """A folder that was opened.

    Attributes
    ----------
    dossier
        What the packs print.
    explorer
        Makes the page to explore; an empty text where there are no courses over years to show.
    tables
        Makes the tidy tables beside the table of figures, by file name.
    pictures
        Draws all pictures of the gallery.
    """

    dossier: Dossier
    explorer: Callable[[], str]
    tables: Callable[[], dict[str, bytes | str]]
    pictures: Callable[[], list[Drawn]] = list


def open_folder(folder: Path, kind: str) -> Opened:
    """Return a folder, opened.

    Parameters
    ----------
    folder, kind
        The folder, and what it holds, from ``folder_brief.kind_of``.

    Raises
    ------
    Refusal
        Where it cannot be read.
    """
    if kind == "run":
        result = Result.load(folder)
        try:
            return _run(result)
        except (KeyError, AttributeError) as error:  # a manifest of a form that is too old, or was altered
            raise Refusal(f"{folder} lacks what a report tells ({error}): run its scenario again") from None
    found = folder_brief.read(folder, kind)
    found = replace(found, **_assured(found))
    page = (lambda: explorer_page.page(views.of_sweep(folder), found.title)) if kind == "sweep" else (lambda: "")
    return Opened(found, page, dict, lambda: folder_brief.pictures(folder))


def of_run(result: Result, pictures: RunPictures | None = None) -> Dossier:
    """Return what every format prints of a run: its brief, and what the other formats need.

    Parameters
    ----------
    result
        From ``run`` or ``Result.load``.
    pictures
        Its pictures, where others use them too.
    """
    brief, manifest = run_brief.run_document(result, pictures), result.manifest
    statistics = {one.figure: one for one in brief.figures}
    return replace(
        brief,
        figures=_together(statistics.values(), workbook_statistics.figures(result, statistics)),
        assumptions=assumptions_register.assumptions(manifest, manifest["scenario"].get("data_folder")),
        log=assurance.verification_log(result),
        dictionary=data_dictionary.dictionary({"table": data_files.table(brief.figures)}),
        statement=tuple(assurance.uncertainty_statement(result)),
        changes=tuple(assurance.changes(manifest["oa_sim"])),
    )


def package(folder: Path, files: list[str], found: Dossier) -> dict:
    """Return the descriptor of the tables of a report as a data package.

    Parameters
    ----------
    folder, files
        Where they lie, and their names.
    found
        What they say.
    """
    named = [name for name in files if name.endswith(".csv")]
    asked = found.manifest.get("scenario")
    about = found.manifest if isinstance(asked, dict) and "name" in asked else found.manifest | {
        "scenario": {"name": found.label}
    }  # fmt: skip
    return data_files.descriptor(folder, named, about)


def _run(result: Result) -> Opened:
    pictures = RunPictures(result)
    found = of_run(result, pictures)

    def tables() -> dict[str, bytes | str]:
        long = data_files.long_table(result)
        return {"long.csv": in_table(long).to_csv(index=False), "long.parquet": _parquet(long)}

    return Opened(
        found,
        lambda: explorer_page.page(views.of_results([result]), found.title),
        tables,
        pictures.gallery,
    )


def _parquet(table: pd.DataFrame) -> bytes:
    made = BytesIO()
    table.to_parquet(made, index=False)
    return made.getvalue()


def _together(*parts) -> tuple[Published, ...]:
    """Return figures, each once, the first of a name standing for all."""
    found: dict[str, Published] = {}
    for part in parts:
        for one in part:
            known = found.get(one.figure)
            if known is None:
                found[one.figure] = one
            elif known.shown_in != one.shown_in:
                found[one.figure] = replace(known, shown_in="brief, workbook")
    return tuple(found.values())


def _assured(found: Dossier) -> dict:
    """Return what the assurance pack says of a folder that is no run's."""
    about, gates = found.manifest, found.manifest["gates"]
    asked = about.get("scenario")
    assumptions = pd.DataFrame()
    if isinstance(asked, dict) and "interventions" in asked:
        assumptions = assumptions_register.assumptions(about, asked.get("data_folder"))
    log = pd.DataFrame(
        [("gates", "did the sampler converge?", str(gates["reason"]), "see reason", str(gates["verdict"]), found.kind)],
        columns=list(assurance.COLUMNS),
    )
    columns = [
        (name, column, "as in the table of that name in the folder", "", "any")
        for name, grid in found.sheets.items()
        for column in grid.head
    ]
    return {
        "assumptions": assumptions,
        "log": log,
        "dictionary": pd.DataFrame(columns, columns=list(data_dictionary.COLUMNS)),
        "statement": WHAT_INTERVALS_HOLD,
        "changes": tuple(assurance.changes(str(about["oa_sim"]))),
    }


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


def write_report(
    folder: str | Path,
    asked: tuple[str, ...] = FORMATS,
    say: Callable[[str], None] = lambda sentence: None,
    *,
    templates: Path | None = None,
) -> tuple[Path, Dossier, list[str]]:
    """Write the packs of a folder into its folder ``report`` and return that path and the dossier.

    Parameters
    ----------
    folder
        What run, compare, sweep, target, optimise, monitor or voi printed.
    asked
        Of ``FORMATS``.
    say
        Called with a sentence at each stage.
    templates
        A folder of edited copies of templates, each in place of the shipped one of its name.

    Returns
    -------
    Path, Dossier, list of str
        The folder that was written, what it prints, and the names of its files.

    Raises
    ------
    Refusal
        Where the folder cannot be read, or the report not be written; then nothing is left behind.
    """
    check_template_folder(templates)
    at = Path(folder)
    kind = folder_brief.kind_of(at)
    if (at / REPORT).is_symlink() or ((at / REPORT).exists() and not (at / REPORT).is_dir()):
        raise Refusal(f"a report is put into {at / REPORT}, which is there and no folder: move it away")
    say("reading the folder")
    opened = open_folder(at, kind)
    makers = _makers(opened, templates)
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
            write_json_plain(into / data_files.FILE_NAME, package(into, written, opened.dossier))
            names.append(data_files.FILE_NAME)

    return whole(at / REPORT, fill), opened.dossier, names


def _makers(opened: Opened, templates: Path | None) -> dict[str, Callable[[], dict[str, bytes | str]]]:
    """Return what makes the files of each format."""
    dossier: Dossier = opened.dossier

    def html() -> dict:
        pages = {
            "briefing.html": html_pages.brief_page(dossier, templates),
            "assurance.html": html_pages.assurance_page(dossier, templates),
        }
        gallery = html_pages.pictures_page(opened.pictures(), dossier, templates)
        more = {"explore.html": opened.explorer(), "pictures.html": gallery}
        return pages | {name: page for name, page in more.items() if page}

    def docx() -> dict:
        from oa_sim.report.formats import word

        template = template_file("brief.docx", templates)
        return {"briefing.docx": word.brief(dossier, template), "assurance.docx": word.assurance(dossier, template)}

    def pptx() -> dict:
        from oa_sim.report.formats import powerpoint

        return {"briefing.pptx": powerpoint.brief(dossier, template_file("slides.pptx", templates))}

    def xlsx() -> dict:
        from oa_sim.report.formats import excel

        return {"workbook.xlsx": excel.book(dossier)}

    def csv() -> dict:
        return {
            "table.csv": data_files.csv_text(dossier.figures),
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
