"""Data files: figures as CSV and JSON, as a data package (Frictionless, v1), and in the long form of IAMC.

The descriptor of the package lies beside the tables as ``datapackage.json``: each file with its size and hash, each
column with its type, meaning and unit, and the sources of it all with their licences. The long form, which pyam loads,
has a row for each model, scenario, region, variable, unit and year; a variable is a path such as
``Impact|Key stage 2|Disadvantaged|Mean``. A figure that is a county's says so in its unit, so that it never stands
beside a figure of the area's own as if it were one.
"""

import csv
import hashlib
import json
import math
import re
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import oa_sim
from oa_sim.definitions import MEAN_REGION, MEASURES, QUANTILES, QUANTITIES
from oa_sim.errors import Refusal
from oa_sim.inputs import tables
from oa_sim.report import data_dictionary
from oa_sim.report.document import Dossier
from oa_sim.report.reported_statistic import OWN, PROXY, Published
from oa_sim.report.sanitise import harmless, in_table
from oa_sim.simulation.result import Result, described

FILE_NAME = "datapackage.json"
PROFILE = "tabular-data-package"
LICENCES = [
    {
        "name": "OGL-UK-3.0",
        "title": "Open Government Licence v3: what was published by departments, and what follows from it",
        "path": "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",
    },
    {"name": "MIT", "title": "MIT: what the model adds", "path": "https://opensource.org/license/mit"},
]
COLUMNS = ("model", "scenario", "region", "variable", "unit", "year", "value")
STEP = "|"  # between the parts of a variable, so in no part of it
NAMES = {
    "good_level_of_development": "Good level of development",
    "phonics": "Phonics",
    "key_stage_2": "Key stage 2",
    "attainment_8": "Attainment 8",
    "level_3_by_19": "Level 3 by 19",
    "he_entry_by_19": "Higher education entry by 19",
    "neet_16_17": "Not in education employment or training at 16 to 17",
    "persistent_absence": "Persistent absence",
    "suspensions": "Suspensions",
}
STATISTICS = {"mean": "Mean", "sd": "Standard deviation"} | {
    name: "Median" if share == 0.5 else f"{100 * share:.0f}th percentile" for name, share in QUANTILES.items()
}
ORIGIN = ("scenario", "run_id", "draws", "data_hash", "version", "n_draws")


def descriptor(folder: str | Path, files: Iterable[str], manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the descriptor of some tables of a folder.

    ``files`` are names of CSV files as paths from the folder, in which the descriptor will lie too; each bears the name
    of a table of the dictionary. One without columns, such as what is left of no impact, holds no table and is left
    out. No date and no random number is in it: the same tables have the same descriptor. A file that is not there, lies
    elsewhere, or has a column without a meaning is refused.
    """
    scenario, verdict = manifest["scenario"], manifest["gates"]["verdict"]
    failed = f" [{verdict}]" if verdict != "PASS" else ""
    sources = [
        f"{row['source']}: {row['publisher']}, {row['title']} ({row['published']}; {row['licence']})"
        for row in tables.read("sources", scenario.get("data_folder"))
    ]
    resources = [_resource(Path(folder), str(name)) for name in files]
    return {
        "profile": PROFILE,
        "name": _slug(f"oa_sim-{scenario['name']}-{manifest['run_id']}"),
        "id": manifest["run_id"],
        "title": harmless(f"Twelve Opportunity Areas with and without the programme: {scenario['name']}{failed}"),
        "description": _description(manifest),
        "version": str(manifest.get("oa_sim", "")),
        "licenses": LICENCES,
        "sources": [{"title": harmless(title)} for title in sources],
        "resources": [resource for resource in resources if resource["schema"]["fields"]],
    }


def _description(manifest: dict) -> str:
    """Return what is to be known before any number is used."""
    n_unverified = sum(len(names) for names in manifest.get("to_verify", {}).values())
    gates = manifest["gates"]
    return harmless(
        f"Summaries of {gates.get('n_draws', 'the')} posterior draws; gates: {gates['verdict']}. "
        f"{n_unverified} of the figures behind them are still to verify (assumptions.csv). Rows marked proxy rest on a "
        f"county\u2019s figures, rows marked estimated on a district\u2019s own. "
        f"Data {manifest['data_hash'][:12]}, seed {manifest['seed']}."
    )


def _resource(folder: Path, name: str) -> dict:
    path = folder / name
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise Refusal(f"{name}: a table of a data package lies beneath its folder: give a path from {folder}")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Refusal(f"{path} cannot be read ({error.strerror}): write the table before its descriptor") from None
    table = Path(name).stem
    lines = content.decode("utf-8-sig").splitlines()
    columns = next(csv.reader(lines), []) if lines else []
    return {
        "profile": "tabular-data-resource",
        "name": _slug(table),
        "path": Path(name).as_posix(),
        "title": data_dictionary.TITLES.get(table, table),
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": len(content),
        "hash": f"sha256:{hashlib.sha256(content).hexdigest()}",
        "schema": {"fields": [_field(table, column) for column in columns], "missingValues": [""]},
    }


def _field(table: str, column: str) -> dict[str, str]:
    meaning, unit, kind = data_dictionary.about(table, column)
    return {"name": column, "type": kind, "description": meaning} | ({"unit": unit} if unit else {})


def _slug(text: str) -> str:
    """Return a name as the specification has it: small letters, digits, and ``. _ -``."""
    return re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("-")


def long_table(result: Result) -> pd.DataFrame:
    """Return mean, SD and quantiles of every quantity as a long table, by area and in the mean of the areas.

    A label ends in ``[FAIL]`` where a gate failed, as everywhere. The columns are ``COLUMNS``; a unit is that of the
    measure, and a change of a share is in percentage points. No two rows are of the same thing, and no cell is missing.
    Every text is as ``sanitise.harmless`` returns it.
    """
    table = pd.concat([result.summary(), *_everywhere(result)], ignore_index=True)
    table["unit"] = [_unit(*row) for row in zip(table.unit, table.quantity, table.proxy, table.estimated, strict=True)]
    parts = (table.quantity.map(str.capitalize), table.measure.map(NAMES), table.group.map(str.capitalize))
    table["branch"] = parts[0] + STEP + parts[1] + STEP + parts[2]
    keys = ["scenario", "area", "branch", "unit", "year"]
    rows = table.melt(keys, list(STATISTICS), "statistic", "value").rename(columns={"area": "region"})
    rows["variable"] = rows.branch + STEP + rows.statistic.map(STATISTICS)
    rows["model"] = f"oa_sim {result.manifest.get('oa_sim', oa_sim.__version__)}"  # the version that made the numbers
    for name in ("scenario", "region"):
        rows[name] = rows[name].str.replace(STEP, "\u00a6")
    rows = rows.astype({"year": int, "value": float})[list(COLUMNS)]
    return in_table(rows.sort_values(list(COLUMNS[:-1]), kind="stable", ignore_index=True))


def _everywhere(result: Result) -> list[pd.DataFrame]:
    """Return the rows of the mean of the areas, reckoned draw by draw."""
    parts = []
    for measure in result.draws.measure.values.tolist():
        for group in MEASURES[measure].table_groups:
            place = {"measure": measure, "group": group}
            kinds = result.draws[["proxy", "estimated"]].sel(place).any("area").expand_dims(area=[MEAN_REGION])
            labels = {"scenario": result.label, **place, "unit": MEASURES[measure].unit}
            for quantity in QUANTITIES:
                mean = result.draws[quantity].sel(place).mean("area", dtype=float).expand_dims(area=[MEAN_REGION])
                draws = mean.transpose("chain", "draw", "area", "year")
                parts.append(described(draws, kinds.proxy, kinds.estimated).assign(**labels, quantity=quantity))
    return parts


def _unit(unit: str, quantity: str, proxy: bool, estimated: bool) -> str:
    """Return a unit with the marks of districts' figures."""
    unit = "percentage points" if unit == "%" and quantity == "impact" else unit
    marks = [mark for mark, holds in ((PROXY, proxy), (OWN, estimated)) if holds]
    return f"{unit} ({', '.join(marks)})" if marks else unit


def table(figures: Iterable[Published]) -> pd.DataFrame:
    """Return figures as a table: a row for each, no cell missing; the first that has a name stands for it."""
    once: dict[str, Published] = {}
    for figure in figures:
        once.setdefault(figure.figure, figure)
    return pd.DataFrame([_row(figure) for figure in once.values()])


def csv_text(figures: Iterable[Published]) -> str:
    """Return figures as CSV, in full precision, so that pandas and ``pyam.IamDataFrame`` load it.

    A text that a spreadsheet might take for a formula is led by an apostrophe. A value that is infinite or none is an
    empty cell, since pyam refuses it and leaves out a row without value; any other number that is, says ``inf``, since
    pyam takes no other empty cell. Where years are to stand side by side, hand ``COLUMNS`` alone to pyam.
    """
    rows = table(figures)
    for name in rows.columns[[kind.kind == "f" for kind in rows.dtypes]]:
        rows[name] = rows[name].where(np.isfinite(rows[name]), np.nan if name == "value" else np.inf)
    for name in rows.columns[[kind.kind not in "iuf" for kind in rows.dtypes]]:
        rows[name] = [harmless(text, spares_numbers=False) for text in rows[name]]
    return rows.to_csv(index=False, lineterminator="\n")


def json_text(dossier: Dossier) -> str:
    """Return the figures of a dossier of any kind as JSON: what all can be traced to, then each; no number is null.

    Where the figures are of several scenarios, each names its own origin as well.
    """
    rows = table(dossier.figures).to_dict("records")
    first = asdict(dossier.figures[0].origin) if dossier.figures else {}
    shared = all(row[name] == first[name] for row in rows for name in ORIGIN)
    dropped = (*ORIGIN, "model") if shared else ("model",)
    figures = [{name: _plain(value) for name, value in row.items() if name not in dropped} for row in rows]
    origin = {"kind": dossier.kind, "label": dossier.label, "verdict": dossier.verdict, "reason": dossier.reason}
    origin |= {"trace": dossier.trace} | (first if shared else {})
    return json.dumps({"origin": origin, "figures": figures}, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(value: object) -> object:
    """Return a value that JSON can hold; it has no number that is none or infinite."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _row(figure: Published) -> dict[str, object]:
    """Return a figure as the row of a table in the form that tools for scenarios read, no cell empty.

    ``COLUMNS`` are those that they know; what follows says how the figure is printed, how sure it is, and what it can
    be traced to.
    """
    origin = figure.origin
    path = STEP.join(part for part in (figure.quantity, figure.measure, figure.group) if part != "none")
    series = (f"oa_sim {origin.version}", origin.scenario, figure.area, path, figure.unit, figure.year, figure.value)
    return dict(zip(COLUMNS, series, strict=True)) | {
        **{name: getattr(figure, name) for name in ("figure", "label", "text", "lower", "upper")},
        "interval": figure.interval or "none",
        "price_base": figure.price_base,
        "monte_carlo_error": figure.error,
        **{name: getattr(figure, name) for name in ("marks", "shown_in")},
        **{name: getattr(origin, name) for name in ("n_draws", "run_id", "draws", "data_hash", "version")},
    }
