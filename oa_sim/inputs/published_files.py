"""Published files: downloads to one tidy table, each figure checked, and a report of all that was left.

A file, or a folder of files, is read cell by cell. Three layouts are told apart by their columns: ``lait``, the
Department's interactive tool; ``panel``, a wide table with a row for each authority and year; ``ees``, underlying data
of Explore Education Statistics. Which published name is which measure stands in ``data/published_names.csv``. What is
wrong is said in one sentence that names file, row and rule; what is only missing, suppressed or of another place is
counted.
"""

import datetime
import hashlib
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oa_sim import formatting
from oa_sim.definitions import MEASURES, academic_year
from oa_sim.errors import Refusal, nearest
from oa_sim.inputs import csv_reader
from oa_sim.inputs.schemas import FIRST_YEAR, LARGEST, PUBLISHED_NAMES, QUANTITIES, Row, with_unit
from oa_sim.inputs.tables import FOLDER

if TYPE_CHECKING:
    import pandas as pd

Pieces = tuple[list[Any], dict[str, Any]]  # cells of some measures, and what was left
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

    figures: "pd.DataFrame"
    report: dict[str, Any]
    data_hash: str

    def sentences(self) -> list[str]:
        """Return the report in plain lines, for a person."""
        report = self.report
        layouts = " and ".join(sorted({file["layout"] for file in report["files"]}))
        first, last = (academic_year(year) for year in report["years"])
        out = [
            f"read {_count(report['read'])} figures of {report['authorities']} authorities and England, {first} to "
            f"{last}, in the layout {layouts}"
        ]
        out += [f"left {_count(report[name])} {reason}" for name, reason in WHY.items() if report[name]]
        if report["revised"]:
            out.append(f"used {_count(report['revised'])} figures that are marked as revised or final")
        for file in report["files"]:
            for item in file["left"]:
                hint = f"; nearest is {item['nearest']!r}" if item["nearest"] else ""
                out.append(f"left in {file['file']}: {item['what']} {item['name']!r}{hint}")
        out += [f"left the file {name}: it has no figures of a layout that is known" for name in report["other_files"]]
        if report["disagree"]["count"]:
            out.append(
                f"groups and mean disagree by more than {_count(TOLERANCE)} in {_count(report['disagree']['count'])} "
                f"cells, most at {report['disagree']['worst']}"
            )
        return out


def _count(n: float) -> str:
    return formatting.number(n, 0)


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

    missing = f"{path}: there is no such file or folder: give the path of a downloaded file"
    files, digest, pieces, reports, strange = _files(Path(path)), hashlib.sha256(), [], [], []
    for file in files:
        raw = csv_reader.read_bytes(file, str(file), missing)
        digest.update(raw)
        table = _parquet(file, raw) if file.suffix.lower() == ".parquet" else _csv(file, raw)
        layout = layout_of(file.name, table, alone=len(files) == 1)
        cells, report = cells_of(file.name, layout, table, alone=len(files) == 1) if layout else (None, {})
        if layout is None or cells is None:
            strange.append(file.name)
            continue
        pieces.append(_checked(file.name, cells, report))
        reports.append({"file": file.name, "layout": LABELS[layout], **report, "read": len(pieces[-1])})
    if not pieces:
        raise Refusal(f"{path}: must hold a file of a layout that is known: add one of {', '.join(LABELS.values())}")
    total = {name: sum(report.get(name, 0) for report in reports) for name in ("rows", *WHY)}
    figures = _named(_one_each(pd.concat(pieces, ignore_index=True), total))
    codes = set(figures["code"])
    if ENGLAND not in codes:
        raise Refusal(f"{path}: must have rows of England, got none: download the file with the nation in it")
    if len(codes) < 3:
        raise Refusal(f"{path}: must have at least 2 authorities, got {len(codes) - 1}: download all authorities")
    total |= _summary(figures) | {"files": reports, "other_files": strange}
    return Reading(figures.drop(columns="rank"), total, digest.hexdigest())


def year_of(label: str) -> tuple[int, int] | None:
    """Return the year in which a labelled year ends and its rank as a revision, or None for a span of years.

    ``2019``, ``2018/19``, ``2018-19``, ``201819`` and ``2018/2019`` are all 2019; ``2018 (Rev)`` has rank 1,
    ``2020 (Final)`` rank 2. A label that is none of these is a ``ValueError``.
    """
    match = re.fullmatch(r"(\d{4})(?:\s*[-/]?\s*(\d{2}|\d{4}))?\s*(?:\((\w+)\.?\))?", label.strip())
    if not match:
        if re.fullmatch(r"\d{4}(/\d{2})?\s*-\s*(\d{2}|\d{4})(/\d{2})?(\s*\(\w+\))?", label.strip()):
            return None
        raise ValueError(label)
    first, last, note = int(match[1]), match[2], (match[3] or "").lower()
    following = last is not None and int(last) % 100 == (first + 1) % 100
    if last is not None and not following:
        if int(last) % 100 > first % 100:
            return None
        raise ValueError(label)
    return first + following, RANKS.get(note, 0)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.iterdir() if file.suffix.lower() in (".csv", ".parquet"))
    if not files:
        raise Refusal(f"{path}: the folder holds no .csv or .parquet file: put the downloaded files there")
    return files


def _checked(file: str, cells: "pd.DataFrame", report: dict[str, Any]) -> "pd.DataFrame":
    """Return the cells of one file as figures, each number checked; what is left is counted in the report."""
    cells = cells.assign(file=file, text=cells["text"].str.strip())
    empty = cells["text"].str.lower().isin(EMPTY)
    cells = _placed(cells[~empty], report)
    hidden = cells["text"].str.lower().isin(SUPPRESSED)
    report |= {"empty": int(empty.sum()), "suppressed": int(hidden.sum())}
    cells, text = cells[~hidden], cells["text"][~hidden]
    wrong = ~text.str.fullmatch(NUMBER.pattern, case=False).astype(bool)
    if wrong.any():
        _refuse(cells[wrong], "must be a number or a known sign of suppression", "text")
    cells = cells.assign(value=text.str.replace(",", "").astype(float))
    cells = _dated(cells, report)
    for measure, of_measure in cells.groupby("measure"):
        unit = UNITS[measure]
        wrong = ~of_measure["value"].between(0, LARGEST[unit])
        if wrong.any():
            _refuse(of_measure[wrong], f"must be 0 to {with_unit(LARGEST[unit], unit)}", "value")
    return cells[["place", *CELL, "value", "rank", "file", "row"]]


def _refuse(rows: "pd.DataFrame", rule: str, column: str) -> None:
    """Refuse the first of some rows by file and row, for a column that breaks a rule."""
    row = next(rows.sort_values("row").itertuples())
    cell = getattr(row, column)
    got = repr(cell) if isinstance(cell, str) else f"{cell:g}"
    raise Refusal(f"{row.file} row {row.row}: {row.measure}, {row.group}, {rule}, got {got}: correct the cell")


def _placed(cells: "pd.DataFrame", report: dict[str, Any]) -> "pd.DataFrame":
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


def _dated(cells: "pd.DataFrame", report: dict[str, Any]) -> "pd.DataFrame":
    """Turn labels into years; a span of years is left, a year that is unreadable or in the future refused."""
    today = datetime.date.today().year
    years: dict[str, Any] = {}
    for label in cells["label"].unique():
        try:
            years[label] = year_of(label)
        except ValueError:
            _refuse(cells[cells["label"] == label], "must have a year such as 2019, 2018/19 or 201819", "label")
        if years[label] and not FIRST_YEAR <= years[label][0] <= today:
            rule = f"must be of a year that ends {FIRST_YEAR} to {today}"
            _refuse(cells[cells["label"] == label], rule, "label")
    span = cells["label"].map(lambda label: years[label] is None).astype(bool)
    report["spans"] = int(span.sum())
    cells = cells[~span]
    label, version = cells["label"], cells["version"].str.strip().str.lower()
    rank = label.map(lambda label: years[label][1]).astype(int)
    return cells.assign(
        year=label.map(lambda label: years[label][0]).astype(int),
        rank=rank.where(rank != 0, version.map(lambda version: RANKS.get(version, 0)).astype(int)),
    )


def _one_each(figures: "pd.DataFrame", total: dict[str, Any]) -> "pd.DataFrame":
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


def _named(figures: "pd.DataFrame") -> "pd.DataFrame":
    """Give each code one name, the one last published; where two codes share it, the older ones carry their code."""
    last = figures.sort_values("year", kind="stable").drop_duplicates("code", keep="last")
    older = last.duplicated("place", keep="last")
    name = last["place"].mask(older, last["place"] + " (" + last["code"] + ")")
    figures = figures.assign(place=figures["code"].map(dict(zip(last["code"], name, strict=True))))
    return figures.sort_values(["measure", "group", "code", "year"]).reset_index(drop=True)


def _summary(figures: "pd.DataFrame") -> dict[str, Any]:
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


def _disagree(figures: "pd.DataFrame") -> dict[str, Any]:
    """Count the cells whose mean lies outside its two groups by more than the tolerance, and name the worst."""
    wide = figures.pivot(index=["measure", "place", "year"], columns="group", values="value")
    wide = wide.reindex(columns=["all", "disadvantaged", "other"]).dropna()
    groups = wide[["disadvantaged", "other"]]
    outside = (groups.min(axis=1) - wide["all"]).clip(lower=0) + (wide["all"] - groups.max(axis=1)).clip(lower=0)
    count = int((outside > TOLERANCE).sum())
    if not count:
        return {"count": 0, "worst": None}
    measure, place, year = outside.idxmax()
    return {"count": count, "worst": f"{measure} of {place} in {year}, by {formatting.number(outside.max(), 1)}"}


LAYOUTS = {  # layout -> the columns that must be there
    "lait": ("Short Desc", "Years", "LA and Regions", "Values", "LA Number"),
    "panel": ("la_code", "la_name", "academic_year"),
    "ees": ("time_period", "time_identifier", "geographic_level", "old_la_code", "la_name"),
}
LABELS = {"lait": "interactive tool", "panel": "wide panel", "ees": "Explore Education Statistics"}
EMPTY = {"", "nan", "none", "null", "<na>"}
SUPPRESSED = {*"-\u2013\u2014.:~*#xzcukb", "..", "...", "**", "low", "lowcov", "supp", "sup", "suppressed", "ne", "na"}
SUPPRESSED |= {"n/a"}
NUMBER = re.compile(r"-?(\d+|\d{1,3}(,\d{3})+)(\.\d*)?(e[-+]?\d+)?|-?\.\d+", re.IGNORECASE)
CODE = re.compile(r"\d{1,9}(\.0+)?")  # of an authority; what is none counts as another place
CUT_SHORT = "correct the row, or download the file again if it was cut short"
YEARLY = {"academic year", "calendar year", "financial year", "reporting year"}  # terms are parts of a year
GEOGRAPHY = {"time_period", "time_identifier", "geographic_level", "version", "row"} | {
    f"{place}_{kind}" for place in ("country", "region", "old_la", "new_la", "la", "lad") for kind in ("code", "name")
}
TOTALS = {"", "total", "all", "all pupils", "all schools", "all state funded", "all state-funded", "z"} | {
    *("state-funded schools", "state-funded schools (la)", "state funded schools", "six half terms")
}


def layout_of(file: str, table: "pd.DataFrame", *, alone: bool) -> str | None:
    """Return the layout of a table; in a folder, None for a file that comes near no layout.

    A file that is the only one, or that lacks a single column, is refused instead.
    """
    lacks = {name: [column for column in needed if column not in table] for name, needed in LAYOUTS.items()}
    name = min(lacks, key=lambda layout: len(lacks[layout]) / len(LAYOUTS[layout]))
    if not lacks[name]:
        return name
    if alone or len(lacks[name]) == 1:
        raise Refusal(
            f"{file} row 1: the columns fit no layout; the nearest is {LABELS[name]}, which also has "
            f"{', '.join(lacks[name])}: correct the header or give a file of {' or '.join(LABELS.values())}"
        )
    return None


def cells_of(file: str, layout: str, table: "pd.DataFrame", *, alone: bool) -> tuple["pd.DataFrame", dict[str, Any]]:
    """Return the cells of a table that are figures of ours, and what was left of it; in a folder, None for no figures.

    The cells have ``place``, ``code``, ``measure``, ``group``, ``label`` (the year as written), ``version``, ``text``
    (the value as written), ``row``. The report has ``rows``; how many were left, by reason; ``left``, the names that
    are missing or not known. A table without a figure of ours is refused where it is the only file (``alone``).
    """
    import pandas as pd

    pieces, report = _PIECES[layout](table, [row for row in names() if row["layout"] == layout])
    if not pieces and not alone:
        return None, report
    if not pieces:
        hints = [f"{item['name']!r} (nearest is {item['nearest']!r})" for item in report["left"] if item["nearest"]]
        needs = next((f"; {item['what']} {item['name']!r}" for item in report["left"] if "must" in item["what"]), "")
        seen = f", got {', '.join(hints[:3])}" if hints else needs
        raise Refusal(
            f"{file}: must hold a measure that the layout {LABELS[layout]} is known to have{seen}: "
            "correct the names or add them to published_names.csv"
        )
    cells = pd.concat(pieces, ignore_index=True)
    code = cells["code"].str.strip()
    return cells.assign(code=code.where(code.str.fullmatch(CODE.pattern), "")), {"rows": len(table), **report}


def names() -> list[Row]:
    """Return the rows of ``published_names.csv``: layout, name, filters, measure, group, source, status.

    ``filters`` becomes a dict of a column to the values that it may have, in small letters; ``*`` is any value.
    """
    path = FOLDER / "published_names.csv"
    return csv_reader.read_table(path, PUBLISHED_NAMES, f"{path} is missing: install oa_sim again")


def _parquet(file: Path, raw: bytes) -> "pd.DataFrame":
    import pandas as pd

    try:
        table = pd.read_parquet(io.BytesIO(raw))
    except ImportError:
        raise Refusal(f"{file.name}: parquet needs pyarrow: install oa-sim[panel] or give the file as CSV") from None
    except Exception as error:  # pyarrow's errors share no class that can be named without importing it
        raise Refusal(f"{file.name}: cannot be read as parquet ({error}): download it again") from None
    table = table.rename(columns=str).reset_index(drop=True)
    needed = [column for column in table if column in LAYOUTS["lait"]] if "Short Desc" in table else list(table)
    return table[needed].astype("string").fillna("").assign(row=range(2, len(table) + 2))


def _csv(file: Path, raw: bytes) -> "pd.DataFrame":
    """Return a CSV file as a table of text, with ``row``, the line of each row; a file cut short is refused."""
    import pandas as pd

    text = _text(file.name, raw)
    lines = csv_reader.numbered(io.StringIO(text, newline=""), file.name, "download it again")
    header, rows = [column.strip() for column in next(lines, (1, []))[1]], []
    for number, cells in lines:
        if not cells:
            continue
        csv_reader.check_length(file.name, (number, cells), header, CUT_SHORT)
        if cells[0].strip() == header[0] and [cell.strip() for cell in cells] == header:
            raise Refusal(f"{file.name} row {number}: the header is repeated: delete the row")
        rows.append(number)
    twice = sorted({column for column in header if header.count(column) > 1})
    if twice or not rows:
        fault = f"names the column {twice[0]!r} twice" if twice else "has no row of figures"
        raise Refusal(f"{file.name} row 1: the file {fault}: download it again")
    table = pd.read_csv(io.StringIO(text, newline=""), dtype=str, keep_default_na=False, names=header, header=0)
    return table.assign(row=rows)


def _text(file: str, raw: bytes) -> str:
    if b"\0" in raw:
        row = raw[: raw.index(b"\0")].count(b"\n") + 1
        raise Refusal(f"{file} row {row}: holds a NUL byte, so it is no CSV text: save it as CSV in UTF-8")
    for encoding in ("utf-8-sig", "cp1252"):  # the tool's own CSV is saved by Excel
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Refusal(f"{file}: the text is neither UTF-8 nor Windows-1252: save it as CSV in UTF-8")


def _absent(fault: str, name: str, names: Iterable[str]) -> dict[str, Any]:
    return {"what": fault, "name": name, "nearest": nearest(name, names)}


def _lait(table: "pd.DataFrame", entries: list[Row]) -> Pieces:

    by_name = {row["name"]: row for row in entries}
    stripped = {name: name.strip() for name in table["Short Desc"].unique()}
    used = table["Short Desc"].isin([name for name, bare in stripped.items() if bare in by_name])
    rows, others = table[used], set(stripped.values()) - set(by_name)
    ours = rows["Short Desc"].map(stripped)
    left = [_absent("no row has the Short Desc", name, others) for name in by_name if name not in set(ours)]
    columns = {"LA and Regions": "place", "LA Number": "code", "Years": "label", "Values": "text", "row": "row"}
    series = {name: ours.map({key: row[name] for key, row in by_name.items()}) for name in ("measure", "group")}
    pieces = [rows[list(columns)].rename(columns=columns).assign(version="", **series)] if len(rows) else []
    return pieces, {"other_measures": int((~used).sum()), "left": left}


def _panel(table: "pd.DataFrame", entries: list[Row]) -> Pieces:
    names = [row["name"] for row in entries]
    absent = [name for name in names if name not in table]
    strange = [name for name in table if name not in {*names, *LAYOUTS["panel"], "row"}]
    columns = {"la_name": "place", "la_code": "code", "academic_year": "label", "row": "row"}
    shared = table[list(columns)].rename(columns=columns).assign(version="")
    pieces = [
        shared.assign(measure=row["measure"], group=row["group"], text=table[row["name"]])
        for row in entries
        if row["name"] in table
    ]
    return pieces, {"left": [_absent("row 1: not a known column,", name, absent) for name in strange]}


def _ees(table: "pd.DataFrame", entries: list[Row]) -> Pieces:
    import pandas as pd

    level = table["geographic_level"].str.strip().str.lower()
    here, yearly = level.isin(("national", "local authority")), table["time_identifier"].str.strip().str.lower()
    rows, level = table[here & yearly.isin(YEARLY)], level[here & yearly.isin(YEARLY)]
    national = level == "national"
    shared = rows[["row"]].assign(
        place=rows["la_name"].mask(national, "England"),
        code=rows["old_la_code"].mask(national, ENGLAND),
        label=rows["time_period"],
        version=rows.get("version", ""),
    )
    filters, pieces, used = _filters(rows), [], pd.Series(False, rows.index)
    for row in entries:
        mask = pd.Series(False, rows.index)
        if row["name"] in rows and all(column in rows for column in row["filters"]):
            mask = _matching(filters, rows, row["filters"])
            used |= mask
        if mask.any():
            text = rows[row["name"]][mask]
            pieces.append(shared[mask].assign(measure=row["measure"], group=row["group"], text=text))
    got = {(piece["measure"].iloc[0], piece["group"].iloc[0]) for piece in pieces}
    names = {row["name"] for row in entries}
    lacking = [row for row in entries if (row["measure"], row["group"]) not in got]
    left = _renamed(rows, lacking, set(filters), names, bool(got))
    left = left or [_absent("row 1: the column", name, names) for name in table if not pieces]
    return pieces, {"other_places": int((~here).sum()), "other_breakdowns": int(here.sum() - used.sum()), "left": left}


def _renamed(
    rows: "pd.DataFrame", lacking: list[Row], filters: set[str], names: set[str], some: bool
) -> list[dict[str, Any]]:
    """Return columns that are near to a known name, and why a series has no row: a value, or a column if none has."""
    used = {value for row in lacking for values in row["filters"].values() for value in values} | TOTALS
    strange = set(rows.columns) - names - GEOGRAPHY
    columns = [_absent("row 1: not a known column,", name, names - set(rows.columns)) for name in strange - filters]
    columns = sorted((item for item in columns if item["nearest"]), key=lambda item: item["name"])
    why: dict[str, dict[str, Any]] = {}
    for row in sorted(lacking, key=lambda row: sum(column not in rows for column in row["filters"])):
        for column, wanted in row["filters"].items() if row["name"] in rows else ():
            key = f"{row['measure']}, {row['group']}"
            if column not in rows and (not some or nearest(column, strange)):
                why.setdefault(key, _absent("row 1: must have the column", column, strange))
            elif column in rows and not (values := {value.strip().lower() for value in rows[column]}) & wanted:
                items = [
                    _absent(f"{key}: no row has as {column}", name, values - used) for name in sorted(wanted - {"*"})
                ]
                for item in (item for item in items if item["nearest"]):
                    why.setdefault(key, item)
    return [*columns, *why.values()]


def _filters(rows: "pd.DataFrame") -> dict[str, Any]:
    """Return the columns that break figures down, in small letters: those that name a total, or hold words mostly."""
    filters = {}
    for column in rows.columns.difference(list(GEOGRAPHY)):
        values = {str(value).strip().lower() for value in rows[column].unique()} - EMPTY
        words = [value for value in values if not NUMBER.fullmatch(value) and value not in SUPPRESSED]
        if values & {"total", "all pupils"} or 2 * len(words) > len(values):
            filters[column] = rows[column].str.strip().str.lower()
    return filters


def _matching(filters: dict[str, Any], rows: "pd.DataFrame", wanted: dict[str, set[str]]) -> "pd.Series":
    """Return where the wanted columns have a wanted value and every other breakdown is a total."""
    import pandas as pd

    mask = pd.Series(True, rows.index)
    for column, values in wanted.items():
        if values != {"*"}:
            mask &= rows[column].str.strip().str.lower().isin(values)
    for column, cells in filters.items():
        if column not in wanted:
            mask &= cells.isin(TOTALS)
    return mask


_PIECES = {"lait": _lait, "panel": _panel, "ees": _ees}
