"""Published files: published files to one tidy table, each figure checked, and a report of all that was left.

A file, or a folder of files, is read cell by cell (see ``download_formats``). What is wrong is said in one sentence
that names file, row and rule; what is only missing, suppressed or of another place is counted.
"""

import datetime
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from oa_sim.definitions import MEASURES, academic_year
from oa_sim.errors import Refusal
from oa_sim.inputs.download_formats import EMPTY, LABELS, NUMBER, SUPPRESSED, cells_of, layout_of, table_of
from oa_sim.inputs.schemas import FIRST_YEAR, LARGEST, QUANTITIES

ENGLAND = "970"
SMALL = {201: "City of London", 420: "Isles of Scilly"}  # too few pupils for a share to mean anything
AUTHORITIES = range(201, 970)  # the Department's codes; regions are 980 and above
RANKS = {"prov": -1, "provisional": -1, "rev": 1, "revised": 1, "final": 2}  # of one cell, the highest is used
UNITS = {**QUANTITIES, "aged_16_17": "pupils", "pupils_all": "pupils", "pupil_premium_pupils": "pupils"}
UNITS |= {name: measure.unit for name, measure in MEASURES.items()}
CELL = ["code", "measure", "group", "year"]
WHY = {  # count in the report -> what was left, in words
    "suppressed": "that are suppressed",
    "empty": "that are empty",
    "other_measures": "of measures that are not modelled",
    "other_places": "of regions and other places",
    "small_authorities": f"of {' and '.join(SMALL.values())}",
    "other_breakdowns": "of other breakdowns or parts of a year",
    "spans": "of several years together",
    "superseded": "superseded by a revised figure",
    "duplicates": "that repeat a figure",
}
TOLERANCE = 1.0  # points by which a mean may lie outside its groups before it is reported; both are rounded


@dataclass(frozen=True, eq=False)
class Reading:
    """What was read of one file, or of all files in a folder.

    Attributes
    ----------
    figures : DataFrame
        ``place``, ``code`` (the Department's, as text; England is 970), ``measure`` (a measure, or a quantity of pupils
        in group ``all``), ``group``, ``year`` (in which the academic year ends), ``value`` (in the measure's unit),
        ``file``, ``row`` (its line in the file).
    report : dict
        How many figures were read and how many left for which reason, in all and by file; fit for JSON.
    data_hash : str
        SHA-256 of the bytes of the files, in the order of their names.
    """

    figures: object
    report: dict
    data_hash: str

    def sentences(self) -> list[str]:
        """Return the report in plain lines."""
        return sentences(self.report)


def read(path: str | Path) -> Reading:
    """Read a published file, or every CSV and parquet file of a folder together.

    Parameters
    ----------
    path
        The file or the folder.

    Returns
    -------
    Reading
        The figures, a report of all that was left, and the hash of the data.

    Raises
    ------
    Refusal
        For what cannot be read, fits no layout or breaks a rule; the sentence names file, row, rule and remedy.
    """
    import pandas as pd

    files, digest, pieces, reports, strange = _files(Path(path)), hashlib.sha256(), [], [], []
    for file in files:
        raw = _bytes(file)
        digest.update(raw)
        table = table_of(file, raw)
        layout = layout_of(file.name, table, alone=len(files) == 1)
        cells, report = cells_of(file.name, layout, table, alone=len(files) == 1) if layout else (None, {})
        if cells is None:
            strange.append(file.name)
            continue
        pieces.append(_checked(file.name, cells, report))
        reports.append({"file": file.name, "layout": LABELS[layout], **report, "read": len(pieces[-1])})
    if not pieces:
        raise Refusal(f"{path}: must hold a file of a layout that is known: add one of {', '.join(LABELS.values())}")
    total = {name: sum(report.get(name, 0) for report in reports) for name in ("rows", *WHY)}
    figures = _named(_one_each(pd.concat(pieces, ignore_index=True), total))
    _check_places(path, figures)
    total |= _summary(figures) | {"files": reports, "other_files": strange}
    return Reading(figures.drop(columns="rank"), total, digest.hexdigest())


def sentences(report: dict) -> list[str]:
    """Return the report of a reading in plain lines, for a person."""
    layouts = " and ".join(sorted({file["layout"] for file in report["files"]}))
    out = [
        f"read {report['read']:,} figures of {report['authorities']} authorities and England, "
        f"{academic_year(report['years'][0])} to {academic_year(report['years'][1])}, in the layout {layouts}"
    ]
    out += [f"left {report[name]:,} {what}" for name, what in WHY.items() if report[name]]
    if report["revised"]:
        out.append(f"used {report['revised']:,} figures that are marked as revised or final")
    for file in report["files"]:
        for item in file["left"]:
            hint = f"; nearest is {item['nearest']!r}" if item["nearest"] else ""
            out.append(f"left in {file['file']}: {item['what']} {item['name']!r}{hint}")
    out += [f"left the file {name}: it holds no figures of a layout that is known" for name in report["other_files"]]
    if report["disagree"]["count"]:
        out.append(
            f"groups and mean disagree by more than {TOLERANCE:g} in {report['disagree']['count']:,} cells, "
            f"most at {report['disagree']['worst']}"
        )
    return out


def year_of(label: str) -> tuple[int, int] | None:
    """Return the year in which a labelled year ends and its rank as a revision, or None for a span of years.

    ``2019``, ``2018/19``, ``2018-19``, ``201819`` and ``2018/2019`` are all 2019; ``2018 (Rev)`` has rank 1,
    ``2020 (Final)`` rank 2.

    Raises
    ------
    ValueError
        For a label that is none of these.
    """
    known = re.fullmatch(r"(\d{4})(?:\s*[-/]?\s*(\d{2}|\d{4}))?\s*(?:\((\w+)\.?\))?", label.strip())
    if not known:
        if re.fullmatch(r"\d{4}(/\d{2})?\s*-\s*(\d{2}|\d{4})(/\d{2})?(\s*\(\w+\))?", label.strip()):
            return None
        raise ValueError(label)
    first, last, note = int(known[1]), known[2], (known[3] or "").lower()
    following = last is not None and int(last) % 100 == (first + 1) % 100
    if last is not None and not following:
        if int(last) % 100 > first % 100:
            return None
        raise ValueError(label)
    return first + following, RANKS.get(note, 0)


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise Refusal(f"{path}: there is no such file or folder: give the path of a downloaded file")
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.iterdir() if file.suffix.lower() in (".csv", ".parquet"))
    if not found:
        raise Refusal(f"{path}: the folder holds no .csv or .parquet file: put the downloaded files there")
    return found


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Refusal(f"{file}: cannot be read ({error}): check the file") from None


def _checked(file: str, cells, report: dict):
    """Return the cells of one file as figures, each number checked; what is left is counted in the report."""
    cells = cells.assign(file=file, text=cells["text"].str.strip())
    empty = cells["text"].str.lower().isin(EMPTY)
    cells = _placed(cells[~empty], report)
    hidden = cells["text"].str.lower().isin(SUPPRESSED)
    report |= {"empty": int(empty.sum()), "suppressed": int(hidden.sum())}
    cells, text = cells[~hidden], cells["text"][~hidden]
    wrong = ~text.str.fullmatch(NUMBER.pattern, case=False).astype(bool)
    if wrong.any():
        _refuse(cells[wrong], lambda row: f"must be a number or a known sign of suppression, got {row.text!r}")
    cells = cells.assign(value=text.str.replace(",", "").astype(float))
    cells = _dated(cells, report)
    for measure, of_measure in cells.groupby("measure"):
        unit = UNITS[measure]
        wrong = ~of_measure["value"].between(0, LARGEST[unit])
        if wrong.any():
            _refuse(
                of_measure[wrong], lambda row, unit=unit: f"must be 0 to {LARGEST[unit]:g} {unit}, got {row.value:g}"
            )
    return cells[["place", *CELL, "value", "rank", "file", "row"]]


def _refuse(rows, rule) -> None:
    """Refuse the first of some rows by file and row; ``rule`` makes the sentence of it."""
    row = next(rows.sort_values("row").itertuples())
    raise Refusal(f"{row.file} row {row.row}: {row.measure}, {row.group}, {rule(row)}: correct the cell")


def _placed(cells, report: dict):
    """Keep England and the authorities, their code as plain text."""
    import pandas as pd

    number = pd.to_numeric(cells["code"].str.strip(), errors="coerce").fillna(-1).astype(int)
    place = cells["place"].str.strip()
    england = (number == int(ENGLAND)) | ((number == -1) & (place.str.lower() == "england"))
    small = number.isin(SMALL)
    kept = england | (number.between(AUTHORITIES[0], AUTHORITIES[-1]) & ~small)
    report["other_places"] = report.get("other_places", 0) + int((~kept & ~small).sum())
    report["small_authorities"] = int(small.sum())
    code = number.astype(str).mask(england, ENGLAND)
    return cells.assign(place=place.mask(england, "England"), code=code)[kept]


def _dated(cells, report: dict):
    """Turn labels into years; a span of years is left, a year that is unreadable or in the future refused."""
    today, known = datetime.date.today().year, {}
    for label in cells["label"].unique():
        try:
            known[label] = year_of(label)
        except ValueError:
            rows = cells[cells["label"] == label]
            _refuse(rows, lambda row: f"must have a year such as 2019, 2018/19 or 201819, got {row.label!r}")
        if known[label] and not FIRST_YEAR <= known[label][0] <= today:
            rows = cells[cells["label"] == label]
            _refuse(rows, lambda row: f"must be of a year that ends {FIRST_YEAR} to {today}, got {row.label!r}")
    span = cells["label"].map(lambda label: known[label] is None).astype(bool)
    report["spans"] = int(span.sum())
    cells = cells[~span]
    label, version = cells["label"], cells["version"].str.strip().str.lower()
    rank = label.map(lambda label: known[label][1]).astype(int)
    return cells.assign(
        year=label.map(lambda label: known[label][0]).astype(int),
        rank=rank.where(rank != 0, version.map(lambda version: RANKS.get(version, 0)).astype(int)),
    )


def _one_each(figures, total: dict):
    """Return one figure a cell: the one revised last; two that differ are refused."""
    best = figures.groupby(CELL)["rank"].transform("max")
    total["superseded"] = int((figures["rank"] < best).sum())
    figures = figures[figures["rank"] == best]
    again = figures.duplicated(CELL)
    if again.any():
        first = figures[~again].set_index(CELL)[["value", "file", "row"]].add_prefix("first_")
        both = figures[again].join(first, on=CELL)
        clash = both[both["value"] != both["first_value"]]
        if len(clash):
            row = next(clash.itertuples())
            raise Refusal(
                f"{row.file} row {row.row}: {row.measure}, {row.group}, of {row.place} in {row.year} is {row.value:g}, "
                f"but {row.first_value:g} in {row.first_file} row {row.first_row}: a cell may have one value, keep one"
            )
    total["duplicates"] = int(again.sum())
    return figures[~again]


def _named(figures):
    """Give each code one name, the one last published; where two codes share it, the older ones carry their code."""
    last = figures.sort_values("year", kind="stable").drop_duplicates("code", keep="last")
    older = last.duplicated("place", keep="last")
    name = last["place"].mask(older, last["place"] + " (" + last["code"] + ")")
    figures = figures.assign(place=figures["code"].map(dict(zip(last["code"], name, strict=True))))
    return figures.sort_values(["measure", "group", "code", "year"]).reset_index(drop=True)


def _check_places(path, figures) -> None:
    codes = set(figures["code"])
    if ENGLAND not in codes:
        raise Refusal(f"{path}: must have rows of England, got none: download the file with the nation in it")
    if len(codes) < 3:
        raise Refusal(f"{path}: must have at least 2 authorities, got {len(codes) - 1}: download all authorities")


def _summary(figures) -> dict:
    """Return what the figures amount to: how many, of whom, of when, and where groups and mean disagree."""
    counts = figures.groupby(["measure", "group"]).size()
    years = figures["year"]
    return {
        "read": len(figures),
        "revised": int((figures["rank"] > 0).sum()),
        "authorities": figures["code"].nunique() - 1,
        "years": [int(years.min()), int(years.max())],
        "measures": {f"{measure}, {group}": int(number) for (measure, group), number in counts.items()},
        "disagree": _disagree(figures),
    }


def _disagree(figures) -> dict:
    """Count the cells whose mean lies outside its two groups by more than the tolerance, and name the worst."""
    wide = figures.pivot(index=["measure", "place", "year"], columns="group", values="value")
    wide = wide.reindex(columns=["all", "disadvantaged", "other"]).dropna()
    groups = wide[["disadvantaged", "other"]]
    outside = (groups.min(axis=1) - wide["all"]).clip(lower=0) + (wide["all"] - groups.max(axis=1)).clip(lower=0)
    count = int((outside > TOLERANCE).sum())
    if not count:
        return {"count": 0, "worst": None}
    measure, place, year = outside.idxmax()
    return {"count": count, "worst": f"{measure} of {place} in {year}, by {outside.max():.1f}"}
