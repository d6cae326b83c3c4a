"""Download formats: a downloaded file, of whichever layout, to cells that all look alike.

Three layouts are told apart by their columns: ``lait``, the Department's interactive tool; ``panel``, a wide table with
a row for each authority and year; ``ees``, underlying data of Explore Education Statistics. Which published name is
which measure stands in ``data/published_names.csv``.
"""

import io
import re
from pathlib import Path

from oa_sim.errors import Refusal, nearest
from oa_sim.inputs import csv_reader
from oa_sim.inputs.schemas import PUBLISHED_NAMES, Row
from oa_sim.inputs.tables import FOLDER

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
    f"{what}_{kind}" for what in ("country", "region", "old_la", "new_la", "la", "lad") for kind in ("code", "name")
}
TOTALS = {"", "total", "all", "all pupils", "all schools", "all state funded", "all state-funded", "z"} | {
    *("state-funded schools", "state-funded schools (la)", "state funded schools", "six half terms")
}


def table_of(file: Path, raw: bytes):
    """Return the text of a CSV or parquet file as a table, with ``row``, the line of each row in the file.

    Rows are counted as a text editor counts lines: the header is 1.

    Parameters
    ----------
    file
        Its path; the ending tells the kind.
    raw
        Its bytes.

    Returns
    -------
    DataFrame
        Every cell as text, an empty cell as ``""``.

    Raises
    ------
    Refusal
        For a file that is cut short, is no text, repeats its header or names a column twice.
    """
    return _parquet(file, raw) if file.suffix.lower() == ".parquet" else _csv(file, raw)


def layout_of(file: str, table, *, alone: bool) -> str | None:
    """Return the layout of a table; in a folder, None for a file that comes near no layout.

    Raises
    ------
    Refusal
        For a file that fits no layout, where it is the only one or lacks a single column.
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


def cells_of(file: str, layout: str, table, *, alone: bool):
    """Return the cells of a table that are figures of ours, and what was left of it; in a folder, None for no figures.

    Parameters
    ----------
    file
        Its name, for the sentence of a refusal.
    layout
        A key of ``LAYOUTS``.
    table
        From ``table_of``.
    alone
        Whether it is the only file, which must then hold figures.

    Returns
    -------
    cells : DataFrame
        ``place``, ``code``, ``measure``, ``group``, ``label`` (the year as written), ``version``, ``text`` (the value
        as written), ``row``.
    report : dict
        ``rows``; how many were left, by reason; ``left``, the names that are missing or not known.

    Raises
    ------
    Refusal
        Where nothing in the table is a figure of ours, and there is no other file.
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


def _parquet(file: Path, raw: bytes):
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


def _csv(file: Path, raw: bytes):
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
        what = f"names the column {twice[0]!r} twice" if twice else "has no row of figures"
        raise Refusal(f"{file.name} row 1: the file {what}: download it again")
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


def _absent(what: str, name: str, known) -> dict:
    return {"what": what, "name": name, "nearest": nearest(name, known)}


def _lait(table, known: list[dict]) -> tuple[list, dict]:
    import pandas as pd

    by_name = {row["name"]: row for row in known}
    stripped = {name: name.strip() for name in table["Short Desc"].unique()}
    used = table["Short Desc"].isin([name for name, bare in stripped.items() if bare in by_name])
    rows, others = table[used], set(stripped.values()) - set(by_name)
    ours = rows["Short Desc"].map(stripped)
    left = [_absent("no row has the Short Desc", name, others) for name in by_name if name not in set(ours)]
    cells = {name: ours.map({key: row[name] for key, row in by_name.items()}) for name in ("measure", "group")}
    place, code = rows["LA and Regions"], rows["LA Number"]
    cells |= {"place": place, "code": code, "label": rows["Years"], "version": "", "text": rows["Values"]}
    pieces = [pd.DataFrame({**cells, "row": rows["row"]})] if len(rows) else []
    return pieces, {"other_measures": int((~used).sum()), "left": left}


def _panel(table, known: list[dict]) -> tuple[list, dict]:
    import pandas as pd

    absent = [row["name"] for row in known if row["name"] not in table]
    strange = [name for name in table if name not in {row["name"] for row in known} | {*LAYOUTS["panel"], "row"}]
    same = {"place": table["la_name"], "code": table["la_code"], "label": table["academic_year"], "version": ""}
    pieces = [
        pd.DataFrame({**same, "measure": row["measure"], "group": row["group"], "text": table[row["name"]]}).assign(
            row=table["row"]
        )
        for row in known
        if row["name"] in table
    ]
    return pieces, {"left": [_absent("row 1: not a known column,", name, absent) for name in strange]}


def _ees(table, known: list[dict]) -> tuple[list, dict]:
    import pandas as pd

    level = table["geographic_level"].str.strip().str.lower()
    here, yearly = level.isin(("national", "local authority")), table["time_identifier"].str.strip().str.lower()
    rows, level = table[here & yearly.isin(YEARLY)], level[here & yearly.isin(YEARLY)]
    national = level == "national"
    place = rows["la_name"].mask(national, "England")
    code = rows["old_la_code"].mask(national, "970")
    version = rows["version"] if "version" in rows else pd.Series("", rows.index)
    filters, pieces, used = _filters(rows), [], pd.Series(False, rows.index)
    for row in known:
        if row["name"] in rows and all(column in rows for column in row["filters"]):
            mask = _matching(filters, rows, row["filters"])
            cells = {"place": place[mask], "code": code[mask], "measure": row["measure"], "group": row["group"]}
            cells |= {"label": rows["time_period"][mask], "version": version[mask], "text": rows[row["name"]][mask]}
            pieces.append(pd.DataFrame({**cells, "row": rows["row"][mask]}))
            used |= mask
    pieces = [piece for piece in pieces if len(piece)]
    got = {(piece["measure"].iloc[0], piece["group"].iloc[0]) for piece in pieces}
    names, lacking = {row["name"] for row in known}, [one for one in known if (one["measure"], one["group"]) not in got]
    left = _renamed(rows, lacking, set(filters), names, bool(got))
    left = left or [_absent("row 1: the column", name, names) for name in table if not pieces]
    return pieces, {"other_places": int((~here).sum()), "other_breakdowns": int(here.sum() - used.sum()), "left": left}


def _renamed(rows, lacking: list[dict], filters: set, names: set, some: bool) -> list[dict]:
    """Return columns that are near to a known name, and why a series has no row: a value, or a column if none has."""
    used = {value for row in lacking for values in row["filters"].values() for value in values} | TOTALS
    strange = set(rows.columns) - names - GEOGRAPHY
    found = [_absent("row 1: not a known column,", name, names - set(rows.columns)) for name in strange - filters]
    found, why = sorted((one for one in found if one["nearest"]), key=lambda one: one["name"]), {}
    for row in sorted(lacking, key=lambda row: sum(column not in rows for column in row["filters"])):
        for column, wanted in row["filters"].items() if row["name"] in rows else ():
            key = f"{row['measure']}, {row['group']}"
            if column not in rows and (not some or nearest(column, strange)):
                why.setdefault(key, _absent("row 1: must have the column", column, strange))
            elif column in rows and not (values := {value.strip().lower() for value in rows[column]}) & wanted:
                near = {one: nearest(one, values - used) for one in sorted(wanted - {"*"})}
                for one in (one for one, value in near.items() if value):
                    why.setdefault(key, {"what": f"{key}: no row has as {column}", "name": one, "nearest": near[one]})
    return [*found, *why.values()]


def _filters(rows) -> dict:
    """Return the columns that break figures down, in small letters: those that name a total, or hold words mostly."""
    found = {}
    for column in rows.columns.difference(list(GEOGRAPHY)):
        values = {str(value).strip().lower() for value in rows[column].unique()} - EMPTY
        words = [value for value in values if not NUMBER.fullmatch(value) and value not in SUPPRESSED]
        if values & {"total", "all pupils"} or 2 * len(words) > len(values):
            found[column] = rows[column].str.strip().str.lower()
    return found


def _matching(filters: dict, rows, wanted: dict):
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
