"""Assemble: a folder opened: what the packs print of it, its page to explore, and its tidy tables.

Every format is made from one ``Dossier``, and all are written whole into the folder's own folder ``report``.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

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
    run_statistics,
)
from oa_sim.report.document import Dossier, Drawn
from oa_sim.report.folder_writers import whole
from oa_sim.report.formats import data_files, html_pages
from oa_sim.report.run_brief import RunPictures
from oa_sim.report.sanitise import in_table
from oa_sim.report.template_files import check_template_folder, template_file
from oa_sim.simulation.result import Result

FORMATS = ("html", "docx", "pptx", "xlsx", "csv", "json")
REPORT = "report"

Files = dict[str, bytes | str]  # what they hold, by name


@dataclass(frozen=True)
class Opened:
    """A folder that was opened: what the packs print, and what is made where a format asks for it.

    ``explorer`` makes the page to explore, an empty text where there are no courses over years to show; ``tables`` the
    tidy tables beside the table of figures, by file name; ``pictures`` draws all pictures of the gallery.
    """

    dossier: Dossier
    explorer: Callable[[], str]
    tables: Callable[[], Files]
    pictures: Callable[[], list[Drawn]]


def open_folder(folder: Path, kind: str) -> Opened:
    """Return a folder, opened; ``kind`` is from ``folder_brief.kind_of``.

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
    dossier = _assured(folder_brief.read(folder, kind))
    page = (lambda: explorer_page.page(views.of_sweep(folder), dossier.title)) if kind == "sweep" else (lambda: "")
    return Opened(dossier, page, dict, lambda: folder_brief.pictures(folder))


def of_run(result: Result, pictures: RunPictures | None = None) -> Dossier:
    """Return what every format prints of a run: its brief, and what the other formats need.

    ``pictures`` are those of the run, where others use them too.
    """
    brief, manifest = run_brief.run_document(result, pictures), result.manifest
    statistics = {figure.figure: figure for figure in brief.figures}
    figures = statistics | {figure.figure: figure for figure in run_statistics.workbook(result, statistics)}
    return replace(
        brief,
        figures=tuple(figures.values()),
        assumptions=assumptions_register.assumptions(manifest, manifest["scenario"].get("data_folder")),
        log=assurance.verification_log(result),
        dictionary=data_dictionary.dictionary({"table": data_files.table(brief.figures)}),
        statement=tuple(assurance.uncertainty_statement(result)),
        changes=tuple(assurance.changes(manifest["oa_sim"])),
    )


def _run(result: Result) -> Opened:
    pictures = RunPictures(result)
    dossier = of_run(result, pictures)

    def tables() -> Files:
        long, parquet = data_files.long_table(result), BytesIO()
        long.to_parquet(parquet, index=False)
        return {"long.csv": in_table(long).to_csv(index=False), "long.parquet": parquet.getvalue()}

    def explorer() -> str:
        return explorer_page.page(views.of_results([result]), dossier.title)

    return Opened(dossier, explorer, tables, pictures.gallery)


def _assured(dossier: Dossier) -> Dossier:
    """Return a folder that is no run's with what its assurance pack says."""
    facts, gates = dossier.manifest, dossier.manifest["gates"]
    scenario, assumptions = facts.get("scenario"), pd.DataFrame()
    if isinstance(scenario, dict) and "interventions" in scenario:
        assumptions = assumptions_register.assumptions(facts, scenario.get("data_folder"))
    check = ("gates", "did the sampler converge?", str(gates["reason"]), "see reason", str(gates["verdict"]))
    columns = [
        (name, column, "as in the table of that name in the folder", "", "any")
        for name, grid in dossier.sheets.items()
        for column in grid.head
    ]
    return replace(
        dossier,
        assumptions=assumptions,
        log=pd.DataFrame([(*check, dossier.kind)], columns=list(assurance.COLUMNS)),
        dictionary=pd.DataFrame(columns, columns=list(data_dictionary.COLUMNS)),
        statement=tuple(assurance.interval_words("of a folder")),
        changes=tuple(assurance.changes(str(facts["oa_sim"]))),
    )


def formats(names: str) -> tuple[str, ...]:
    """Return the formats that are asked for, with commas between them, in the order of ``FORMATS``; nothing for all.

    Raises
    ------
    Refusal
        For a name that is none of them.
    """
    chosen = [name.strip() for name in names.split(",") if name.strip()]
    for name in chosen:
        if name not in FORMATS:
            raise unknown("format of a report", name, FORMATS)
    return tuple(name for name in FORMATS if name in chosen) if chosen else FORMATS


def write_report(
    folder: str | Path,
    chosen: tuple[str, ...] = FORMATS,
    say: Callable[[str], None] = lambda sentence: None,
    *,
    templates: Path | None = None,
) -> tuple[Path, Dossier, list[str]]:
    """Write the packs of a folder into its folder ``report`` and return that path and the dossier.

    Parameters
    ----------
    folder
        What run, compare, sweep, target, optimise, monitor or voi printed.
    chosen
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
    folder = Path(folder)
    kind, place = folder_brief.kind_of(folder), folder / REPORT
    if place.is_symlink() or (place.exists() and not place.is_dir()):
        raise Refusal(f"a report is put into {place}, which is there and no folder: move it away")
    say("reading the folder")
    opened = open_folder(folder, kind)
    makers = _makers(opened, templates)
    names: list[str] = []

    def fill(into: Path) -> None:
        if place.is_dir():  # what is there and not written anew stays
            shutil.copytree(place, into, dirs_exist_ok=True)
        for name in chosen:
            say(f"writing {name}")
            files = makers[name]()
            for file, content in files.items():
                (into / file).write_bytes(content if isinstance(content, bytes) else content.encode())
            names.extend(files)
        if "csv" in chosen:
            tables = sorted(name for name in names if name.endswith(".csv"))
            package = data_files.descriptor(into, tables, _facts(opened.dossier))
            text = json.dumps(package, indent=2, ensure_ascii=False)  # no time in it: the same report, the same bytes
            (into / data_files.FILE_NAME).write_text(f"{text}\n", encoding="utf-8")
            names.append(data_files.FILE_NAME)

    return whole(place, fill), opened.dossier, names


def _facts(dossier: Dossier) -> dict[str, Any]:
    """Return the manifest of a dossier with a scenario, which a folder of several has not."""
    scenario = dossier.manifest.get("scenario")
    has_name = isinstance(scenario, dict) and "name" in scenario
    return dossier.manifest if has_name else dossier.manifest | {"scenario": {"name": dossier.label}}


def _makers(opened: Opened, templates: Path | None) -> dict[str, Callable[[], Files]]:
    """Return what makes the files of each format; its library is loaded where it is asked for."""
    dossier = opened.dossier

    def html() -> Files:
        pages = {
            "briefing.html": html_pages.brief_page(dossier, templates),
            "assurance.html": html_pages.assurance_page(dossier, templates),
            "explore.html": opened.explorer(),
            "pictures.html": html_pages.pictures_page(opened.pictures(), dossier, templates),
        }
        return {name: page for name, page in pages.items() if page}

    def docx() -> Files:
        from oa_sim.report.formats import word

        template = template_file("brief.docx", templates)
        return {"briefing.docx": word.brief(dossier, template), "assurance.docx": word.assurance(dossier, template)}

    def pptx() -> Files:
        from oa_sim.report.formats import powerpoint

        return {"briefing.pptx": powerpoint.brief(dossier, template_file("slides.pptx", templates))}

    def xlsx() -> Files:
        from oa_sim.report.formats import excel

        return {"workbook.xlsx": excel.book(dossier)}

    def csv() -> Files:
        own = {
            "table.csv": data_files.csv_text(dossier.figures),
            "dictionary.csv": dossier.dictionary.to_csv(index=False),
        }
        return own | opened.tables()

    def json_file() -> Files:
        return {"figures.json": data_files.json_text(dossier)}

    return dict(zip(FORMATS, (html, docx, pptx, xlsx, csv, json_file), strict=True))
