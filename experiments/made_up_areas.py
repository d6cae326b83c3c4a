"""A data folder with as many areas as one likes: authorities of a panel, and made-up ones beside them.

    python experiments/made_up_areas.py FOLDER 1000 [PANEL]

An area of the panel has the panel's figures; its pupils, and figures that the panel lacks, are those of an authority of
the package. A made-up one has all its figures from such an authority. For measuring alone: no number of it means
anything.
"""

import csv
import re
import shutil
import sys
from itertools import cycle
from pathlib import Path

import numpy as np

from oa_sim.inputs import panel, published_files, tables


def write(folder: Path, n: int, file: str | None = None) -> list[str]:
    """Write the tables of a data folder with ``n`` areas, the package's first, and return their names."""
    shutil.copytree(tables.FOLDER, folder, ignore=shutil.ignore_patterns("*.nc"))
    known = tables.read_all()
    like = cycle(row for row in known["areas"] if row["geography"] == "authority")
    names = [row["area"] for row in known["areas"]][:n]
    areas, outcomes, pupils = [], [], []
    figures = _figures(known, file)
    for i in range(n - len(names)):
        name, template = f"Made-up area {i:04d}", next(like)
        place = template["published_place"]
        areas.append({**template, "area": name, "code": f"X{i:08d}", "status": "to verify"})
        if i < len(figures):
            name = areas[-1]["area"] = areas[-1]["published_place"] = f"Panel {figures[i][0]}"
            outcomes += _own(known["outcomes"], place, name, figures[i][1])
            pupils += [{**row, "place": name} for row in known["pupils"] if row["place"] == place]
        names.append(name)
    for table, rows in (("areas", areas), ("outcomes", outcomes), ("pupils", pupils)):
        _append(folder / f"{table}.csv", rows)
    return names


def _figures(known: dict, file: str | None) -> list[tuple]:
    """Return the authorities of a panel that are not in the package, each with its figures."""
    if not file:
        return []
    history = panel.history(published_files.read(file), known["breaks"])
    ours = {row["published_place"] for row in known["areas"]}
    others = [name for name in history.area.values.tolist() if name not in ours]
    return [(re.sub(r"[^\w -]", "", name), history.published.sel(area=name)) for name in others]


def _own(rows: list, place: str, name: str, figures) -> list[dict]:
    """Return the rows of a place with the figures of another where those are there."""
    found = []
    for row in rows:
        if row["place"] == place:
            at = {"group": row["group"], "measure": row["measure"], "year": row["year"]}
            value = float(figures.sel(at)) if row["year"] in figures.year.values else np.nan
            found.append({**row, "place": name, "value": value if np.isfinite(value) else row["value"]})
    return found


def _append(path: Path, rows: list[dict]) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        columns = next(csv.reader(file))
    with path.open("a", encoding="utf-8", newline="") as file:
        csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n").writerows(rows)


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:4])
