"""Make the package's table of the figures of all authorities, from files as the Department publishes them.

    python docs/make_authority_figures.py FOLDER

FOLDER holds ``la_panel.csv`` and ``la_panel_2023_24_and_2024_25.csv``, a row for each authority and year, and
``lait_to_2024_25.parquet``, the interactive tool's own file (Department for Education, Open Government Licence v3).
Written is ``oa_sim/data/authority_figures.csv``: a row for each authority, and for England, and each year from 2010/11,
a column for each series of ``outcomes.csv`` and each quantity of ``pupils.csv``. The authorities are those of 2013, but
that Bournemouth and Poole are one with Christchurch.

Where borders have moved since, a figure that an authority lacks is the mean of those that came before or after it,
weighted by pupils; counts are added up. Such a row has a source of its own.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from oa_sim.definitions import MEASURES
from oa_sim.inputs import published_files
from oa_sim.inputs.schemas import FIGURES

DATA = Path(__file__).resolve().parents[1] / "oa_sim" / "data"
FIRST_YEAR = 2011  # as in outcomes.csv
SHARES = ("disadvantaged_share_primary", "disadvantaged_share_secondary")  # that the panel has not
COUNTS = ("reception_pupils", "aged_16_17", "aged_19", "aged_19_disadvantaged")
NAMES = {  # as the panel has it -> as districts.csv or a person has it
    "Bedford Borough": "Bedford", "Durham": "County Durham", "Herefordshire": "Herefordshire, County of",
    "Kingston Upon Hull, City of": "Kingston upon Hull, City of",
}  # fmt: skip
MADE_OF = {  # authority -> those of other borders, whose figures are its own where it has none
    "Bournemouth, Christchurch and Poole": ("Bournemouth (Pre LG)", "Poole (Pre LG)"),  # Christchurch was Dorset's
    "Cumbria": ("Cumberland", "Westmorland and Furness"),
    "Dorset (Pre LG)": ("Dorset",),  # without Christchurch since 2019
    "Northamptonshire": ("North Northamptonshire", "West Northamptonshire"),
}


def figures(folder: Path) -> pd.DataFrame:
    """Return figures by authority and year, a column for each series and quantity."""
    files = ("la_panel.csv", "la_panel_2023_24_and_2024_25.csv", "lait_to_2024_25.parquet")
    *panel, tool = (published_files.read(folder / file).figures for file in files)
    rows = pd.concat([*panel, tool[tool.measure.isin(SHARES)]], ignore_index=True)
    of_series = rows.measure.isin(list(MEASURES))
    rows["column"] = rows.measure + ("_" + rows.group).where(of_series, "")
    kept = rows.year.ge(FIRST_YEAR) & rows.column.isin(list(FIGURES))
    place = panel[0].drop_duplicates("code").set_index("code").place  # the tool's names differ
    place = pd.concat([place, panel[1].drop_duplicates("code").set_index("code").place]).groupby(level=0).first()
    wide = (
        rows[kept]
        .assign(authority=rows.code.map(place))
        .pivot(index=["authority", "year"], columns="column", values="value")
    )
    return wide.reindex(columns=list(FIGURES))


def joined(wide: pd.DataFrame) -> pd.DataFrame:
    """Return the figures in the authorities of 2013, with ``is_mean`` where some are a mean of others."""
    wide["is_mean"] = False
    for name, parts in MADE_OF.items():
        years = wide.loc[list(parts)].index.get_level_values("year").unique()
        values = np.stack([wide.drop(columns="is_mean").loc[part].reindex(years) for part in parts])
        columns = wide.columns.drop("is_mean")
        pupils = values[..., columns.get_loc("aged_16_17")]
        size = np.nanmean(np.where(np.isnan(pupils), values[..., columns.get_loc("aged_19")], pupils), axis=1)
        mean = pd.DataFrame(np.average(values, axis=0, weights=size), years, columns)
        mean[list(COUNTS)] = values[..., [columns.get_loc(count) for count in COUNTS]].sum(axis=0)
        own = wide.drop(columns="is_mean").loc[name]
        whole = own.combine_first(mean)
        whole["is_mean"] = whole.notna().sum(axis=1) > own.reindex(whole.index).notna().sum(axis=1)
        wide = wide.drop(index=[name, *parts], level="authority")
        wide = pd.concat([wide, pd.concat({name.removesuffix(" (Pre LG)"): whole}, names=["authority"])])
    return wide


def main(folder: Path) -> None:
    """Write the table."""
    table = joined(figures(folder)).rename(index=NAMES, level="authority").sort_index()
    of_panel = pd.concat([pd.read_csv(folder / f"la_panel{part}.csv") for part in ("", "_2023_24_and_2024_25")])
    codes = of_panel.drop_duplicates("la_name", keep="last").set_index("la_name").gss_code.rename(index=NAMES)
    table = table.dropna(how="all", subset=list(FIGURES)).reset_index()
    table.insert(1, "code", table.authority.map(codes))
    is_mean = table.pop("is_mean").astype(bool)
    table["source"] = np.where(is_mean, "OWN-AUTHORITIES", "AUTHORITIES")
    table["status"] = "found"
    table[list(FIGURES)] = table[list(FIGURES)].round(2)
    text = table.to_csv(index=False, lineterminator="\n", float_format="%.10g")
    (DATA / "authority_figures.csv").write_text(text, encoding="utf-8")
    print(f"authority_figures.csv: {len(table):,} rows of {table.authority.nunique()} authorities")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
