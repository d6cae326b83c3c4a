"""Datapackage: what a folder of tables holds, as the descriptor by which other programs open it (Frictionless, v1).

It lies beside the tables as ``datapackage.json``: each file with its size and hash, each column with its type, its
meaning and its unit, and the sources of it all with their licences.
"""

import csv
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from oa_sim.errors import Refusal
from oa_sim.inputs import tables
from oa_sim.report import data_dictionary
from oa_sim.report.sanitise import harmless

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


def descriptor(folder: str | Path, files: Iterable[str], manifest: dict) -> dict:
    """Return the descriptor of some tables of a folder.

    Parameters
    ----------
    folder
        Where they lie, and where the descriptor will.
    files
        Names of CSV files, as paths from the folder; each bears the name of a table of the dictionary. One without
        columns, such as what is left of no impact, holds no table and is left out.
    manifest
        Of the run.

    Returns
    -------
    dict
        To be written as JSON. No date and no random number is in it: the same tables have the same descriptor.

    Raises
    ------
    Refusal
        For a file that is not there, lies elsewhere, or has a column without a meaning.
    """
    scenario, marks = manifest["scenario"], manifest["gates"]["verdict"]
    failed = "" if marks == "PASS" else f" [{marks}]"
    folder_of_data = scenario.get("data_folder")
    return {
        "profile": PROFILE,
        "name": _slug(f"oa_sim-{scenario['name']}-{manifest['run_id']}"),
        "id": manifest["run_id"],
        "title": harmless(f"Twelve Opportunity Areas with and without the programme: {scenario['name']}{failed}"),
        "description": _said(manifest),
        "version": str(manifest.get("oa_sim", "")),
        "licenses": LICENCES,
        "sources": sources(Path(folder_of_data) if folder_of_data else None),
        "resources": [found for name in files if (found := _resource(Path(folder), str(name)))["schema"]["fields"]],
    }


def sources(folder: Path | None = None) -> list[dict[str, str]]:
    """Return publisher, title, year and licence of each source of the tables, as a descriptor names them."""
    rows = tables.read("sources", folder)
    return [
        {
            "title": harmless(
                f"{row['source']}: {row['publisher']}, {row['title']} ({row['published']}; {row['licence']})"
            )
        }
        for row in rows
    ]


def _said(manifest: dict) -> str:
    """Return what is to be known before any number is used."""
    doubted = sum(len(names) for names in manifest.get("to_verify", {}).values())
    gates = manifest["gates"]
    return harmless(
        f"Summaries of {gates.get('n_draws', 'the')} posterior draws; gates: {gates['verdict']}. "
        f"{doubted} of the figures behind them are still to verify (assumptions.csv). Rows marked proxy rest on a "
        f"county\u2019s figures. Data {manifest['data_hash'][:12]}, seed {manifest['seed']}."
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
