"""District record: what is known of key stage 2 in districts, and how school tables compare with published figures.

A file has districts' figures from school tables, summed by where schools stand. They lie a little above published ones,
by a difference of method that is learned where both are known (``school_tables``). With it a county's published figure
stands where its districts' sum is not known, and the sum fills the record of an authority where the panel has a gap.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from oa_sim.definitions import academic_year
from oa_sim.errors import Refusal
from oa_sim.inference import area_forecast, link_functions, observations
from oa_sim.inputs import csv_reader, schemas, school_tables, tables
from oa_sim.inputs.school_tables import Figure, Method

MEASURE, PAIR = "key_stage_2", ("disadvantaged", "other")
GROUPS = (*PAIR, "all")
TOO_SMALL = {"E09000001": "City of London", "E06000053": "Isles of Scilly"}


@dataclass(frozen=True, eq=False)
class Setting:
    """What is known: of districts, of authorities, and of how districts differ.

    Attributes
    ----------
    places
        ``authority`` and ``tier`` by code of a district.
    known
        Figures of the file, by code, group and year: ``value`` (%), ``pupils``, ``share`` (of disadvantaged pupils)
        and ``relative``, SD less England.
    hyper, record
        The law of authorities, and their record with what the file adds to it.
    method
        By authority or district, group and year: mean and variance of a figure from school tables less the published.
    last
        By code and group: ``value`` and ``pupils`` of the last figure; where there is none, the typical district's.
    sums
        By county, group and year: the county's figure from school tables, SD less England, where all districts are
        known.
    nation
        By group and year: England, SD; the last figure where that of the year is not known.
    """

    places: pd.DataFrame
    known: pd.DataFrame
    hyper: area_forecast.Law
    record: observations.Record
    method: Method
    last: pd.DataFrame
    sums: dict[Figure, float]
    nation: dict[tuple[str, int], float]
    seed: int


def places() -> pd.DataFrame:
    """Return authority and tier of each district, by code."""
    return pd.read_csv(Path(tables.FOLDER) / "districts.csv").set_index("code")[["district", "authority", "tier"]]


def read(path: str, key: str) -> pd.DataFrame:
    """Return figures of districts by code, group and year: ``value`` (%), ``pupils``, and the disadvantaged ``share``.

    The file has a row for each district (code of 2013) and year, as ``docs/make_district_tables.py`` takes it; ``key``
    is the setting that names it. The figure of other pupils follows from the mean and the share.

    Raises
    ------
    Refusal
        Where a cell or a row breaks a rule.
    """
    codes = {*places().index, *TOO_SMALL}

    def code(text: str) -> str:
        if text not in codes:
            raise ValueError(f"must be the code of a district in the borders of 2013, got {text!r}")
        return text

    share, pupils = schemas.number(0, 100), schemas.number(0, 100_000)
    schema = schemas.Schema(
        {
            "lad13cd": code, "year": schemas.year_as_written(2000, 2100), "ks2_rwm_all": share, "n": pupils,
            "ks2_rwm_disadvantaged": schemas.number(0, 100, blank=True), "n_dis_published": pupils,
            "dis_share_pct": share,
        },
        ("lad13cd", "year"), is_exact=False, is_open=True,
    )  # fmt: skip
    rows = pd.DataFrame(
        csv_reader.read_table(Path(path), schema, f"{key} must name a file, and {path} is none: name another")
    )
    rows = rows[~rows.lad13cd.isin(TOO_SMALL)].rename(columns={"lad13cd": "code"})
    poor, part = rows.ks2_rwm_disadvantaged.astype(float), rows.dis_share_pct / 100
    other = (rows.ks2_rwm_all - part * poor) / (1 - part).where(part < 1)
    values = {"disadvantaged": poor, "other": other.where(other.between(0, 100)), "all": rows.ks2_rwm_all}
    behind = {"disadvantaged": rows.n_dis_published, "other": rows.n * (1 - part), "all": rows.n}
    parts = [
        pd.DataFrame({"code": rows.code, "group": group, "year": rows.year, "value": values[group],
                      "pupils": behind[group], "share": part})
        for group in GROUPS
    ]  # fmt: skip
    return pd.concat(parts).dropna(subset="value").set_index(["code", "group", "year"]).sort_index()


def targets(known: pd.DataFrame, later: pd.DataFrame) -> pd.DataFrame:
    """Return the figures to forecast: those after the last that is known of a district and group, with that ``last``.

    A gap before that year, and a group of which nothing is known of the district, are no forecasts.
    """
    last = known.reset_index().groupby(["code", "group"]).year.max().rename("last")
    asked = later.reset_index().join(last, on=["code", "group"])
    asked = asked[asked.year > asked["last"]]
    if asked.empty:
        raise Refusal(
            "panel.districts_actuals must have figures that panel.districts lacks, and has none: name another"
        )
    return asked.astype({"last": int}).set_index(["code", "group", "year"])


def in_panel(asked: pd.DataFrame, history: xr.Dataset) -> tuple[pd.DataFrame, list[str]]:
    """Return the figures of districts whose authority the panel has, and in plain lines what is left out."""
    authority = asked.index.get_level_values("code").map(places().authority)
    is_known = authority.isin(history.area.values)
    if not is_known.any():
        raise Refusal(f"panel.path must have {authority[0]}, since a district of it is scored: add its rows")
    absent = sorted(set(authority[~is_known]))
    lines = [f"the districts of {name} are left out: the panel does not have it" for name in absent]
    small = " and ".join(TOO_SMALL.values())
    return asked[is_known], [f"the districts {small} are left out: they have too few pupils", *lines]


def setting(posterior: xr.Dataset, history: xr.Dataset, known: pd.DataFrame, asked: pd.DataFrame, seed: int) -> Setting:
    """Return what is known, with the record of authorities filled from districts where the panel has a gap."""
    of, nation = places(), england(history)
    lacking = sorted({int(year) for _, group, year in known.index if (group, year) not in nation})
    if lacking:
        year = academic_year(lacking[0])
        raise Refusal(f"panel.path must have England's key stage 2 of the years in panel.districts, got none of {year}")
    relative = known.value.map(latent) - [nation[group, year] for _, group, year in known.index]
    known = known.assign(relative=relative)
    sums = county_sums(known, of)
    made = {(of.authority[code], group, year): value for (code, group, year), value in relative.items()
            if of.tier[code] == "authority" and group in PAIR}  # fmt: skip
    published = _published(history, nation)
    pairs = {key: value - published[key] for key, value in {**sums, **made}.items() if key in published}
    if {group for _, group, _ in pairs} != set(PAIR):
        raise Refusal("panel.path and panel.districts must share key stage 2 of both groups of pupils, and do not")
    method = school_tables.method_difference(pairs)
    filled = history.copy(deep=True)
    names, years = set(history.area.values.tolist()), set(history.year.values.tolist())
    for (area, group, year), value in {**sums, **made}.items():
        if (area, group, year) not in published and area in names and year in years:
            own = value - method.of(area, group, year)[0] + nation[group, year]
            cell = {"area": area, "group": group, "measure": MEASURE, "year": year}
            filled.published.loc[cell] = float(link_functions.to_published(MEASURE, own))
    record = observations.record(filled)
    last = {group: max(year for name, year in nation if name == group) for group in GROUPS}
    wanted = {*known.index.unique("year"), *asked.index.unique("year")}
    nation = {(group, year): nation.get((group, year), nation[group, last[group]])
              for group in GROUPS for year in wanted}  # fmt: skip
    hyper = area_forecast.law(posterior, record.series)
    return Setting(of, known, hyper, record, method, _last(known, of), sums, nation, seed)


def _last(known: pd.DataFrame, of: pd.DataFrame) -> pd.DataFrame:
    """Return value and pupils of the last figures of each district and group; see ``Setting``."""
    last = known.groupby(["code", "group"])[["value", "pupils"]].last()
    every = last.reindex(pd.MultiIndex.from_product([of.index, GROUPS], names=["code", "group"]))
    return every.fillna(every.groupby("group").transform("median"))


def latent(value: float) -> float:
    """Return a figure of key stage 2 (%) on the latent scale, SD."""
    return float(link_functions.to_latent(MEASURE, value))


def england(history: xr.Dataset) -> dict[tuple[str, int], float]:
    """Return England's figures, SD, by group and year."""
    rows = history.england.sel(measure=MEASURE).to_series().dropna()
    return {(group, int(year)): latent(value) for (group, year), value in rows.items() if group in GROUPS}


def _published(history: xr.Dataset, england: dict[tuple[str, int], float]) -> dict[Figure, float]:
    """Return authorities' published figures, SD less England, by authority, group and year."""
    rows = history.published.sel(measure=MEASURE).to_series().dropna()
    return {(area, group, int(year)): latent(value) - england[group, year]
            for (area, group, year), value in rows.items() if group in PAIR and (group, year) in england}  # fmt: skip


def county_sums(known: pd.DataFrame, of: pd.DataFrame) -> dict[Figure, float]:
    """Return the counties' figures from school tables where all their districts are known, SD less England."""
    rows = known.reset_index()
    rows = rows.assign(county=rows.code.map(of.authority))[rows.code.map(of.tier) == "county"]
    whole, out = of[of.tier == "county"].authority.value_counts(), {}
    for key, part in rows[rows.group.isin(PAIR) & (rows.pupils > 0)].groupby(["county", "group", "year"]):
        if len(part) == whole[key[0]]:
            mean = np.average(part.value, weights=part.pupils)
            out[key] = latent(mean) - (latent(part.value.iloc[0]) - part.relative.iloc[0])
    return out
