"""Make the package's tables of districts from published school tables that were added up by district.

    python docs/make_district_tables.py FOLDER

FOLDER holds ``key_stage_2_by_district.csv``, ``attainment_8_absence_2019_by_district.csv`` and ``own_figures.csv``
(school tables of the Department for Education, Open Government Licence v3, added up by where schools stand, in district
borders of 2013), ``towns_2012_13_cohort.csv`` (towns, by residence), and in the folder above the early years profile by
district of residence, ``lad_eyfsp_panel.csv``.
Written are ``oa_sim/data/districts.csv`` (each district and its authority) and ``district_figures.csv`` (its figures,
and those of its county added up in the same way, since schools that are suppressed drop out of both).
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from oa_sim.inference import link_functions

DATA = Path(__file__).resolve().parents[1] / "oa_sim" / "data"
COUNTIES = {  # counties of two tiers in 2013: first and last number of their districts' codes
    "Buckinghamshire": (4, 7), "Cambridgeshire": (8, 12), "Cumbria": (26, 31), "Derbyshire": (32, 39),
    "Devon": (40, 47), "Dorset": (48, 53), "East Sussex": (61, 65), "Essex": (66, 77), "Gloucestershire": (78, 83),
    "Hampshire": (84, 94), "Hertfordshire": (95, 104), "Kent": (105, 116), "Lancashire": (117, 128),
    "Leicestershire": (129, 135), "Lincolnshire": (136, 142), "Norfolk": (143, 149), "Northamptonshire": (150, 156),
    "North Yorkshire": (163, 169), "Nottinghamshire": (170, 176), "Oxfordshire": (177, 181), "Somerset": (187, 191),
    "Staffordshire": (192, 199), "Suffolk": (200, 206), "Surrey": (207, 217), "Warwickshire": (218, 222),
    "West Sussex": (223, 229), "Worcestershire": (234, 239),
}  # fmt: skip
LATER_CODES = {"Hertfordshire": (240, 243)}  # given anew when borders moved in 2012 and 2013
MERGED_IN_2019 = ("E06000058", "E06000059", "E07000244", "E07000245", "E07000246")  # not of these borders
NO_DISTRICT = ("City of London", "Isles of Scilly")
TOWNS = {  # measure: what there is of towns, and of the authority in the same cohort
    "level_3_by_19": ("level_3_by_18_pct", "county_or_la_level3_by_19_2015_16"),
    "he_entry_by_19": ("full_time_he_at_19_pct", "county_or_la_he_by_19_2015_16"),
}
TOWNS_YEAR = 2016  # the authorities' figures; the cohort was in key stage 4 in 2012/13
CODES_OF = {
    "Hastings": ["E07000062"], "Norwich": ["E07000148"], "Ipswich": ["E07000202"],
    "North Yorkshire Coast": ["E07000168"], "West Somerset": ["E07000191"],
    "Fenland and East Cambridgeshire": ["E07000009", "E07000010"],
}  # fmt: skip
PRIMARY_YEARS, SECONDARY_YEARS = 7, 5


def county(code: str) -> str | None:
    """Return the county of a district, None where it is an authority of its own."""
    if not code.startswith("E07"):
        return None
    number = int(code[3:])
    ranges = [*COUNTIES.items(), *LATER_CODES.items()]
    return next(name for name, (first, last) in ranges if first <= number <= last)


def weighted(rows: pd.DataFrame, value: str, weight: pd.Series) -> float:
    """Return a mean over rows that have a value; NaN where none has."""
    seen = rows[value].notna() & (weight > 0)
    return float(np.average(rows[value][seen], weights=weight[seen])) if seen.any() else np.nan


def key_stage_2(folder: Path) -> pd.DataFrame:
    """Return key stage 2 by district, group and year, with the county's figure where all its districts are there."""
    rows = pd.read_csv(folder / "key_stage_2_by_district.csv").rename(
        columns={"lad13cd": "code", "lad13nm": "district"}
    )
    rows["county"] = rows.code.map(county)
    share = rows.dis_share_pct / 100
    rows["disadvantaged"] = rows.ks2_rwm_disadvantaged
    rows["other"] = (rows.ks2_rwm_all - share * rows.disadvantaged) / (1 - share)
    rows["all"] = rows.ks2_rwm_all
    behind = {"all": rows.n, "disadvantaged": rows.n_dis_published, "other": rows.n * (1 - share)}
    covered = {"all": rows.n / rows.eligible, "disadvantaged": rows.n_dis_published / (rows.eligible * share)}
    whole = rows.groupby("county").code.nunique()
    parts = []
    for group, pupils in behind.items():
        sums = {}
        for (name, year), part in rows.groupby(["county", "year"]):
            if len(part) == whole[name]:
                sums[name, year] = weighted(part, group, pupils[part.index])
        made = rows[["code", "year"]].assign(measure="key_stage_2", group=group, value=rows[group], pupils=pupils)
        made["coverage"] = covered.get(group, covered["disadvantaged"]).clip(upper=1)
        made["county_value"] = [sums.get(key, np.nan) for key in zip(rows.county, rows.year, strict=True)]
        parts.append(made.assign(source="KS2-SCHOOLS"))
    return pd.concat(parts)


def attainment_8_and_absence(folder: Path) -> pd.DataFrame:
    """Return Attainment 8 and persistent absence of 2018/19 by district; absence over both phases, by year groups."""
    rows = pd.read_csv(folder / "attainment_8_absence_2019_by_district.csv").rename(columns={"lad13cd": "code"})
    rows["county"] = rows.code.map(county)
    phases = [("pa_pri_2019", PRIMARY_YEARS), ("pa_sec_2019", SECONDARY_YEARS)]
    rows["absence"] = sum(rows[name] * years for name, years in phases) / (PRIMARY_YEARS + SECONDARY_YEARS)
    cohort = rows.n_ks4.fillna(0)
    parts = []
    for measure, column, years in (("attainment_8", "att8_2019_prov", 1), ("persistent_absence", "absence", 12)):
        sums = {name: weighted(part, column, cohort[part.index]) for name, part in rows.groupby("county")}
        made = rows[["code"]].assign(year=2019, measure=measure, group="all", value=rows[column], pupils=cohort * years)
        made["county_value"] = rows.county.map(sums)
        parts.append(made.assign(source={"attainment_8": "KS4-SCHOOLS"}.get(measure, "ABSENCE-SCHOOLS")))
    return pd.concat(parts)


def early_years(folder: Path) -> pd.DataFrame:
    """Return the good level of development by district of residence, 2013/14 to 2018/19, in borders of 2013."""
    rows = pd.read_csv(folder.parent / "lad_eyfsp_panel.csv").rename(columns={"lad_code": "code"})
    rows["year"] = rows.academic_year.str[:4].astype(int) + 1
    rows = rows[~rows.code.isin(MERGED_IN_2019)].copy()
    rows["county"] = rows.code.map(county)
    sums = rows.groupby(["county", "year"])[["gld_number", "all_pupils"]].sum()
    whole = rows.groupby("county").code.nunique()
    n = rows.groupby(["county", "year"]).code.nunique()
    sums = sums[[n[key] == whole[key[0]] for key in sums.index]]
    share = (100 * sums.gld_number / sums.all_pupils).to_dict()
    made = rows[["code", "year"]].assign(measure="good_level_of_development", group="all", value=rows.gld_pct)
    made["pupils"] = rows.all_pupils
    made["county_value"] = [share.get(key, np.nan) for key in zip(rows.county, rows.year, strict=True)]
    return made.assign(source="EYFS-DISTRICT")


def towns(folder: Path) -> pd.DataFrame:
    """Return level 3 and higher education of districts, scaled from those of their towns by age 18 and at 19.

    A town lies off the authority's published figure by as much as six towns that are authorities do on average, and as
    uncertainly as these differ. Where several districts share a figure each has it.
    """
    rows = pd.read_csv(folder / "towns_2012_13_cohort.csv").set_index("area")
    parts = []
    for measure, (town, county) in TOWNS.items():
        latent = pd.DataFrame(
            {name: link_functions.to_latent(measure, rows[name]) for name in (town, county)}, rows.index
        )
        off = latent[town] - latent[county]
        same = off[~off.index.isin(CODES_OF)]
        error = same.std() * np.sqrt(1 + 1 / len(same))
        for area, codes in CODES_OF.items():
            centre = latent[town][area] - same.mean()
            value, low, high = (link_functions.to_published(measure, centre + error * sign) for sign in (0, -1, 1))
            pupils = rows.pupils_in_ks4_2012_13[area] / len(codes)
            figure = {"measure": measure, "value": value, "error": (high - low) / 2, "county_value": rows[county][area]}
            parts += [figure | {"code": code, "pupils": pupils} for code in codes]
    return pd.DataFrame(parts).assign(year=TOWNS_YEAR, group="all", source="TOWNS")


def main(folder: Path) -> None:
    """Write both tables."""
    names = pd.read_csv(folder / "key_stage_2_by_district.csv").drop_duplicates("lad13cd").set_index("lad13cd").lad13nm
    panel = pd.read_csv(folder.parent / "la_panel.csv").drop_duplicates("gss_code").set_index("gss_code").la_name
    names = names[~names.isin(NO_DISTRICT)].sort_index()
    districts = pd.DataFrame({"code": names.index, "district": names.to_numpy()})
    districts["authority"] = [county(code) or panel[code] for code in names.index]
    districts["tier"] = ["county" if county(code) else "authority" for code in names.index]
    districts = districts.assign(source="ONS-2013", status="found")
    figures = pd.concat([key_stage_2(folder), attainment_8_and_absence(folder), early_years(folder), towns(folder)])
    figures = figures[figures.code.isin(names.index) & figures.value.notna()]
    key = ["code", "measure", "group", "year"]
    own = pd.read_csv(folder / "own_figures.csv").rename(columns={"lad_code": "code"})  # has counties with gaps too
    sums = own.dropna(subset="county_same_method").drop_duplicates(key).set_index(key).county_same_method
    wanted = pd.MultiIndex.from_frame(figures[key])
    is_district = figures.code.str.startswith("E07").to_numpy()
    figures["county_value"] = figures.county_value.fillna(
        pd.Series(sums.reindex(wanted).to_numpy(), figures.index).where(is_district)
    )
    figures = figures.sort_values(["code", "measure", "group", "year"])[
        ["code", "measure", "group", "year", "value", "county_value", "pupils", "coverage", "error", "source"]
    ].assign(status="found")
    figures = figures.round({"value": 2, "county_value": 2, "pupils": 0, "coverage": 3, "error": 2})
    for name, table in (("districts", districts), ("district_figures", figures)):
        table.to_csv(DATA / f"{name}.csv", index=False, lineterminator="\n")
        print(f"{name}.csv: {len(table):,} rows")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
