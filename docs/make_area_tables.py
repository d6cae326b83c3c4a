"""Add the years since to the package's tables of outcomes and pupils, from the Department's own files.

    python docs/make_area_tables.py FOLDER

FOLDER holds ``lait_to_2024_25.parquet`` (the Local Authority Interactive Tool's data set as published),
``cohorts_2023_24_and_2024_25.csv`` (pupils on roll, of the school places scorecards),
``outcomes_2023_24_and_2024_25.csv`` and ``la_panel_2023_24_and_2024_25.csv`` (the outcomes again, tidy and wide). Rows of
``oa_sim/data/outcomes.csv`` and ``pupils.csv`` that stand there are kept, and a figure that differs from its row is
refused: no revision is mixed with an earlier one. What is added of outcomes is held against the two other files.
"""

import sys
from pathlib import Path

import pandas as pd

from oa_sim.definitions import MEASURES
from oa_sim.errors import Refusal
from oa_sim.inputs import published_files, schemas, tables

DATA = Path(tables.FOLDER)
LAST_YEAR = 2025
DIGITS = 2  # in which the package keeps what the tool publishes
LONG_NAMES = {"Durham": "County Durham"}  # as the tool writes it -> as the package does
ON_ROLL = {"primary_pupils_on_roll": "primary_pupils", "secondary_pupils_on_roll": "secondary_pupils"}
KNOWN_TO_AUTHORITY = 5 / 2  # year groups of secondary school for those of age 16 and 17, where no roll is at hand
TIDY = {  # names in the tidy file -> measure and the group of its breakdown
    "eyfsp_gld": "good_level_of_development",
    "phonics_y1_expected": "phonics",
    "ks2_rwm_expected": "key_stage_2",
    "ks4_attainment8": "attainment_8",
    "level3_by_19": "level_3_by_19",
    "he_entry_by_19": "he_entry_by_19",
    "neet_16_17": "neet_16_17",
    "persistent_absence_10pct": "persistent_absence",
    "suspension_rate": "suspensions",
}
TIDY_GROUPS = {"fsm": "disadvantaged", "fsm_at_15": "disadvantaged", "fsm_at_15_16": "disadvantaged"}
TIDY_GROUPS |= {"non_fsm_or_unknown": "other", "non_disadvantaged": "other"}
CELL = ["measure", "group", "place", "year"]


def year(label: pd.Series) -> pd.Series:
    """Return the year in which an academic year such as 2023/24 ends."""
    return label.str[:4].astype(int) + 1


def figures(path: Path, places: set[str]) -> pd.DataFrame:
    """Return what a published file has of our places, in two digits, with a quantity of pupils as measure."""
    rows = published_files.read(path).figures.replace({"place": LONG_NAMES})
    return rows[rows.place.isin(places) & (rows.year <= LAST_YEAR)].round({"value": DIGITS})


def tidy(folder: Path) -> pd.DataFrame:
    """Return the tidy file's figures of the published places."""
    rows = pd.read_csv(folder / "outcomes_2023_24_and_2024_25.csv").rename(columns={"area": "place"})
    rows = rows.assign(year=year(rows.academic_year), measure=rows.measure.map(TIDY)).dropna(subset=["measure"])
    areas = {row["area"]: row["published_place"] for row in tables.read("areas")}
    return rows.assign(place=rows.place.replace(areas), group=rows.group.replace(TIDY_GROUPS))[[*CELL, "value"]]


def agreed(added: pd.DataFrame, folder: Path) -> None:
    """Refuse an outcome that another file has otherwise, or lacks."""
    wide = figures(folder / "la_panel_2023_24_and_2024_25.csv", set(added.place))
    for name, other, places in (("wide", wide, set(wide.place)), ("tidy", tidy(folder), set(tidy(folder).place))):
        both = added[added.place.isin(places)].merge(other, on=CELL, how="left", suffixes=("", "_other"))
        wrong = both[(both.value - both.value_other).abs().gt(0.5 * 10**-DIGITS + 1e-9) | both.value_other.isna()]
        if len(wrong):
            raise Refusal(f"the {name} file disagrees with {len(wrong)} figures, first {wrong[CELL].values[0].tolist()}")
        print(f"{len(both)} figures agree with the {name} file")


def written(table: str, new: pd.DataFrame) -> pd.DataFrame:
    """Write a table with its new rows after those of their series, and return what was added."""
    path, columns = DATA / f"{table}.csv", list(schemas.TABLES[table].columns)
    old = pd.read_csv(path, dtype=str)
    identity = list(schemas.TABLES[table].identity)
    series = [name for name in identity if name != "year"]
    new = new.assign(year=new.year.astype(str))
    both = old.merge(new, on=identity, suffixes=("", "_new"))
    moved = both[both.value.astype(float).ne(both.value_new.astype(float)) & both.source.eq(both.source_new)]
    if len(moved):
        raise Refusal(f"{len(moved)} figures of {path.name} were revised, first {moved[identity].values[0].tolist()}")
    place = {key: i for i, key in enumerate(dict.fromkeys(old[series].itertuples(index=False, name=None)))}
    key = list(new[series].itertuples(index=False, name=None))
    known = set(old[identity].itertuples(index=False, name=None))
    is_new = [
        cell in place and full not in known
        for cell, full in zip(key, new[identity].itertuples(index=False, name=None), strict=True)
    ]
    added = new[is_new].assign(value=new.value[is_new].map(lambda value: str(float(value))))
    whole = pd.concat([old, added])[columns]
    order = [place[cell] for cell in whole[series].itertuples(index=False, name=None)]
    whole = whole.assign(order=order).sort_values(["order", "year"], kind="stable").drop(columns="order")
    whole.to_csv(path, index=False, lineterminator="\n")
    print(f"{path.name}: {len(added)} rows added")
    return added


def main(folder: Path) -> None:
    """Write both tables."""
    areas = tables.read("areas")
    geography = {row["published_place"]: "county" if row["geography"] == "district" else "authority" for row in areas}
    geography["England"] = "england"
    found = figures(folder / "lait_to_2024_25.parquet", set(geography))
    found = found.assign(geography=found.place.map(geography), source="LAIT", status="found")
    outcomes = found[found.measure.isin(list(MEASURES))]
    outcomes = outcomes.assign(unit=outcomes.measure.map({name: measure.unit for name, measure in MEASURES.items()}))
    added = written("outcomes", outcomes)
    if len(added):
        agreed(added.assign(year=added.year.astype(int), value=added.value.astype(float)), folder)
    rolls = pd.read_csv(folder / "cohorts_2023_24_and_2024_25.csv").rename(columns={"area": "place"})
    rolls = rolls.assign(measure=rolls.measure.map(ON_ROLL)).dropna(subset=["measure"])
    places = {row["area"]: row["published_place"] for row in areas}
    rolls = rolls.assign(place=rolls.place.replace(places), year=year(rolls.academic_year), source="PLACES")
    known = pd.read_csv(folder / "la_panel_2023_24_and_2024_25.csv").replace({"la_name": LONG_NAMES})
    known = known.assign(place=known.la_name, year=year(known.academic_year), measure="secondary_pupils")
    known = known[known.n_1617_cohort.notna() & known.place.isin(geography) & ~known.place.isin(rolls.place)]
    known = known.assign(value=(KNOWN_TO_AUTHORITY * known.n_1617_cohort).round(), source="NEET-LA", status="to verify")
    pupils = pd.concat([found[~found.measure.isin(list(MEASURES))], rolls, known])
    pupils = pupils.assign(quantity=pupils.measure, geography=pupils.place.map(geography))
    pupils = pupils.assign(unit=pupils.quantity.map(schemas.QUANTITIES)).fillna({"status": "found"})
    written("pupils", pupils)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except Refusal as refusal:
        sys.exit(str(refusal))
