"""Add the years since to the package's tables of outcomes and pupils, from the Department's own files.

    python docs/make_area_tables.py FOLDER

FOLDER holds ``lait_to_2024_25.parquet`` (the Local Authority Interactive Tool's data set as published),
``cohorts_2023_24_and_2024_25.csv`` (pupils on roll, of the school places scorecards), and the outcomes again, tidy and
wide: ``outcomes_2023_24_and_2024_25.csv`` and ``la_panel_2023_24_and_2024_25.csv``. Rows that ``oa_sim/data`` has are
kept, and a file that has another value for one is refused, so that no revision is mixed with an earlier one. Outcomes
that are added are held against the two other files.
"""

import sys
from pathlib import Path

import pandas as pd

from oa_sim.definitions import MEASURES
from oa_sim.errors import Refusal
from oa_sim.inputs import published_files, schemas, tables

LAST_YEAR = 2025
DIGITS = 2  # in which the package keeps what the tool publishes
LONG_NAMES = {"Durham": "County Durham"}  # as the tool writes it -> as the package does
ON_ROLL = {"primary_pupils_on_roll": "primary_pupils", "secondary_pupils_on_roll": "secondary_pupils"}
TIDY = {  # names in the tidy file -> those of the package
    "eyfsp_gld": "good_level_of_development",
    "phonics_y1_expected": "phonics",
    "ks2_rwm_expected": "key_stage_2",
    "ks4_attainment8": "attainment_8",
    "level3_by_19": "level_3_by_19",
    "persistent_absence_10pct": "persistent_absence",
    "suspension_rate": "suspensions",
    **dict.fromkeys(("fsm", "fsm_at_15", "fsm_at_15_16"), "disadvantaged"),
    **dict.fromkeys(("non_fsm_or_unknown", "non_disadvantaged"), "other"),
}
CELL = ["measure", "group", "place", "year"]


def figures(path: Path, places: set[str]) -> pd.DataFrame:
    """Return what a published file has of our places, rounded, a quantity of pupils being a measure too."""
    rows = published_files.read(path).figures.replace({"place": LONG_NAMES})
    return rows[rows.place.isin(places) & (rows.year <= LAST_YEAR)].round({"value": DIGITS})


def tidy(path: Path, names: dict[str, str]) -> pd.DataFrame:
    """Return a tidy file's figures, those of an area under the name of its published place."""
    published = {row["area"]: row["published_place"] for row in tables.read("areas")}
    rows = pd.read_csv(path).rename(columns={"area": "place"}).replace({"place": published, "measure": names})
    return rows.assign(year=rows.academic_year.str[:4].astype(int) + 1)


def check(added: pd.DataFrame, other: pd.DataFrame, name: str) -> None:
    """Refuse outcomes that another file has otherwise, or lacks for one of its places."""
    both = added[added.place.isin(other.place)].merge(other, on=CELL, how="left", suffixes=("", "_other"))
    wrong = ~((both.value - both.value_other).abs() < 10**-DIGITS)  # each may be rounded
    if wrong.any():
        raise Refusal(
            f"the {name} file disagrees on {wrong.sum()} figures, first {both[wrong][CELL].values[0].tolist()}"
        )
    print(f"{len(both)} figures agree with the {name} file")


def extended(table: str, new: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a table with the rows that are new in its series, each after its series, and these rows."""
    path, schema = Path(tables.FOLDER) / f"{table}.csv", schemas.TABLES[table]
    old, cell = pd.read_csv(path, dtype=str), list(schema.identity)
    new = new.assign(year=new.year.astype(str), value=new.value.map(lambda value: str(float(value))))
    both = old.merge(new, on=[*cell, "source"], suffixes=("", "_new"))
    moved = both[both.value.astype(float) != both.value_new.astype(float)]
    if len(moved):
        raise Refusal(f"{len(moved)} figures of {path.name} were revised, first {moved[cell].values[0].tolist()}")
    series = [name for name in cell if name != "year"]
    new = new.merge(old[series].drop_duplicates(), on=series)
    new = new.merge(old[cell], on=cell, how="left", indicator="side").query("side == 'left_only'")
    whole = pd.concat([old, new])[list(schema.columns)]
    order = whole.groupby(series, sort=False).ngroup()
    whole = whole.assign(order=order).sort_values(["order", "year"], kind="stable").drop(columns="order")
    return whole, new.astype({"year": int, "value": float})


def main(folder: Path) -> None:
    """Write both tables."""
    geography = {"authority": "authority", "district": "county"}  # of the place that is published for an area
    places = {row["published_place"]: geography[row["geography"]] for row in tables.read("areas")}
    places["England"] = "england"
    found = figures(folder / "lait_to_2024_25.parquet", set(places)).assign(source="LAIT")
    is_outcome = found.measure.isin(list(MEASURES))
    rolls = tidy(folder / "cohorts_2023_24_and_2024_25.csv", ON_ROLL).assign(source="PLACES")
    pupils = pd.concat([found[~is_outcome], rolls[rolls.measure.isin(ON_ROLL.values())]])
    units = {name: measure.unit for name, measure in MEASURES.items()} | schemas.QUANTITIES
    outcomes, pupils = (
        rows.assign(geography=rows.place.map(places), unit=rows.measure.map(units), status="found")
        for rows in (found[is_outcome], pupils)
    )
    made = {
        "outcomes": extended("outcomes", outcomes),
        "pupils": extended("pupils", pupils.rename(columns={"measure": "quantity"})),
    }
    added = made["outcomes"][1]
    check(added, figures(folder / "la_panel_2023_24_and_2024_25.csv", set(places)), "wide")
    check(added, tidy(folder / "outcomes_2023_24_and_2024_25.csv", TIDY).replace({"group": TIDY}), "tidy")
    for table, (whole, new) in made.items():
        whole.to_csv(Path(tables.FOLDER) / f"{table}.csv", index=False, lineterminator="\n")
        print(f"{table}.csv: {len(new)} rows added")


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except Refusal as refusal:
        sys.exit(str(refusal))
