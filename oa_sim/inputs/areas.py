"""Areas: what is known of each area, its history and its pupils, as labelled arrays.

An authority has its own published figures. A district in a county has some: early years by residence, and others added
up from school tables by place of school, which are estimates. They move the county's series, which stand for the rest.
"""

from functools import cache
from itertools import product
from typing import Any

import numpy as np
import xarray as xr

from oa_sim.definitions import GROUPS, MEASURES, YEAR_GROUPS
from oa_sim.errors import Refusal
from oa_sim.formatting import number
from oa_sim.inputs import school_tables
from oa_sim.inputs.places import JOIN
from oa_sim.inputs.schemas import FIGURES, series_column
from oa_sim.inputs.tables import Row, read

GLD = "good_level_of_development"
GROUPS_IN_ORDER, MEASURES_IN_ORDER = ({name: n for n, name in enumerate(names)} for names in (GROUPS, MEASURES))
ROUGH = "rough_"  # before the names of what is scaled
ALMOST_NOTHING = 1e-6
PRIMARY = range(0, 7)
SECONDARY = range(7, 12)


def history(tables: dict[str, list[Row]], until: int) -> xr.Dataset:
    """Return the published record of every area and of England, up to and including a year; 2023 is 2022/23.

    ``published`` (area, group, measure, year), the figure of the place that is published for the area; ``england``
    (group, measure, year); of a district ``own``, its own figure, ``own_county``, its county's made in the same way,
    and ``calibrated``, its own less what the county's lies off its published figure; each in the measure's unit, NaN
    where nothing is known. ``county_error``, the SD of ``own_county``, in its unit; ``own_pupils``, pupils behind
    ``own``, less those whose schools are suppressed. ``behind`` (area, group, measure), pupils a year behind the
    published figure. What kind of figure there is (area, group, measure): ``estimated``, a district's own, ``proxy``,
    its county's; else an authority's. What is scaled from a figure of another kind is too rough to be shown: ``own``,
    ``own_county``, ``county_error`` and ``own_pupils`` of it are under these names after ``ROUGH``. ``district`` and
    ``authority`` (area), whether it is a district, and whose figures are published for it; ``apart`` (area, code), of
    which random numbers its own are made. ``breaks`` (measure, year), from ``breaks``.
    """
    years = list(range(min(row["year"] for row in tables["outcomes"]), until + 1))
    places = {row["area"]: row for row in tables["areas"]}
    figures = _figures(tables, until)
    counts = Counts(tables)
    published = []
    for row in places.values():
        geography = "authority" if row["geography"] == "authority" else "county"
        published.append(_of_place(figures, counts, row["published_place"], geography, years))
    record = xr.Dataset(
        {
            "published": (("area", "group", "measure", "year"), np.stack(published)),
            "england": (("group", "measure", "year"), _of_place(figures, counts, "England", "england", years)),
        },
        {"area": list(places), "group": list(GROUPS), "measure": list(MEASURES), "year": years},
    )
    record["behind"] = _behind(places, counts)
    record["district"] = ("area", [row["geography"] == "district" for row in places.values()])
    record["authority"] = ("area", [row["published_place"] for row in places.values()])
    record["apart"] = _apart(places, tables)
    scaled = [row for row in tables["district_figures"] if row["error"] is not None]
    known = [row for row in tables["district_figures"] if row["error"] is None]
    record = record.assign(_own(record.published, places, tables, known))
    rough = _own(record.published, places, tables, scaled)
    record = record.assign({f"{ROUGH}{name}": part for name, part in rough.items()})
    # early years are published by district, so nothing is taken off them
    off = (record.own_county - record.published).where(record.measure != GLD, 0.0)
    record["calibrated"] = (record.own - off).clip(0.0)
    record["estimated"] = record.own.notnull().any("year")
    record["proxy"] = record.district & ~record.estimated
    record["breaks"] = breaks(tables, years)
    return record


def _own(
    published: xr.DataArray, places: dict[str, Row], tables: dict[str, list[Row]], rows: list[Row]
) -> dict[str, xr.DataArray]:
    """Return ``own``, ``own_county``, ``county_error`` and ``own_pupils`` of districts.

    An area of several codes is weighed by their pupils. A county whose districts are not all there is taken to lie off
    its published figure as school tables do, with the error of that; where they were never compared, nothing is known.
    """
    own, county, error, pupils = (xr.full_like(published, np.nan) for _ in range(4))
    by_place = [place["code"].split(JOIN) if place["geography"] == "district" else [] for place in places.values()]
    wanted, (first, last) = {code for codes in by_place for code in codes}, published.year.values[[0, -1]]
    cells: dict[tuple[str, str, int], dict[str, Row]] = {}
    for row in rows:
        if row["code"] in wanted and first <= row["year"] <= last:
            cells.setdefault((row["group"], row["measure"], row["year"]), {})[row["code"]] = row
    methods: dict[str, school_tables.Method] = {}
    for (a, (codes, place)), ((group, measure, year), by_code) in product(
        enumerate(zip(by_place, places.values(), strict=True)), cells.items()
    ):
        parts = [by_code[code] for code in codes if code in by_code]
        if not parts or len(parts) < len(codes):
            continue
        at = a, GROUPS_IN_ORDER[group], MEASURES_IN_ORDER[measure], year - first
        behind = [part["pupils"] for part in parts]
        own.values[at] = np.average([part["value"] for part in parts], weights=behind)
        pupils.values[at] = np.dot(behind, [1.0 if part["coverage"] is None else part["coverage"] for part in parts])
        theirs = {part["county_value"] for part in parts} - {None}
        if len(theirs) == 1:
            county.values[at], error.values[at] = theirs.pop(), max(part["error"] or 0.0 for part in parts)
            continue
        if measure not in methods:
            methods[measure] = school_tables.method_difference(_compared(tables, measure, first, last))
        if group in methods[measure].typical:
            mean, variance = methods[measure].of(place["published_place"], group, year)
            county.values[at], error.values[at] = published.values[at] + mean, np.sqrt(variance)
    return {"own": own.where(county.notnull()), "own_county": county, "county_error": error, "own_pupils": pupils}


def _apart(places: dict[str, Row], tables: dict[str, list[Row]]) -> xr.DataArray:
    """Return by what each district's random numbers are multiplied (area, code) to give an area's deviation its own.

    The deviations of a county's districts add up to nothing, so those that lie above leave the others below: numbers of
    all its districts, present or not, less their mean by pupils. An area's are of variance 1 whoever is there.
    """
    districts = {row["code"]: row["authority"] for row in tables["districts"]}
    behind = dict.fromkeys(districts, 1.0)
    for row in tables["district_figures"]:
        if (row["measure"], row["group"]) == ("key_stage_2", "all"):
            behind[row["code"]] = row["pupils"]
    of = {area: row["code"].split(JOIN) for area, row in places.items() if row["geography"] == "district"}
    counties = {districts.get(code) for codes in of.values() for code in codes} - {None}
    county_of = {code: county for code, county in districts.items() if county in counties}
    codes = sorted({*county_of, *(code for codes in of.values() for code in codes)})
    apart = _empty({"area": list(places), "code": codes}).fillna(0.0)
    for area, parts in of.items():
        weight = np.array([behind.get(code, 1.0) for code in codes])
        own = weight * np.isin(codes, parts)
        siblings = weight * [code in parts or county_of.get(code) == county_of.get(parts[0], "") for code in codes]
        left = own - siblings * (own @ siblings) / (siblings @ siblings)
        own = left if np.linalg.norm(left) > ALMOST_NOTHING * np.linalg.norm(own) else own
        apart.loc[area] = own / np.linalg.norm(own)
    return apart


def _compared(tables: dict[str, list[Row]], measure: str, first: int, last: int) -> dict[school_tables.Figure, float]:
    """Return figures added up over schools or districts less the published ones, of authorities in those years."""
    of = {row["code"]: row for row in tables["districts"]}
    published = {(row["authority"], row["year"]): row for row in tables["authority_figures"]}
    pairs = {}
    for row in tables["district_figures"]:
        district, column = of[row["code"]], series_column(measure, row["group"])
        if row["measure"] == measure and column in FIGURES and first <= row["year"] <= last:
            key = district["authority"], row["year"]
            theirs = published[key][column] if key in published else None
            value = row["value" if district["tier"] == "authority" else "county_value"]
            if theirs is not None and value is not None:
                pairs[key[0], row["group"], key[1]] = value - theirs
    return pairs


def past(record: xr.Dataset) -> xr.Dataset:
    """Return what is shown of a record, by history year.

    ``history`` (area, group, measure, history_year), a district's own figures, calibrated, where its series has some,
    else what is published for the area; beside its own ``county_history``, its county's, and ``own_history``, its own
    as they are in the tables.
    """
    shown = {
        "history": record.calibrated.where(record.estimated, record.published),
        "county_history": record.published.where(record.estimated),
        "own_history": record.own,
    }
    return xr.Dataset(shown).rename(year="history_year")


def mean_past(history: xr.DataArray, county: xr.DataArray) -> xr.DataArray:
    """Return the mean over areas of what is shown, in years in which each has a figure.

    In a year without a figure of its own a district is taken to lie off its county as in its other years.
    """
    away = (history - county).mean("history_year")
    return history.fillna(county + away).mean("area", skipna=False)


def pupils(tables: dict[str, list[Row]]) -> xr.Dataset:
    """Return the pupils of each area.

    ``rolls`` (area, group, year_group), pupils in one year group, and ``share`` (area, measure), the disadvantaged
    fraction by the definition of each measure's publication. A district's roll is its own Reception cohort, scaled by
    its county from Year 7 on; its shares are the county's, moved by as much as its own lies off at key stage 2.
    """
    places = {row["area"]: row for row in tables["areas"]}
    counts = Counts(tables)
    roll = _empty({"area": list(places), "group": ["disadvantaged", "other"], "year_group": list(YEAR_GROUPS)})
    share = _empty({"area": list(places), "measure": list(MEASURES)})
    odds = _odds(places, tables)
    for a, (area, row) in enumerate(places.items()):
        for y, year_group in enumerate(YEAR_GROUPS):
            everyone = counts.cohort(area, row, year_group)
            poor = _moved(counts.share(_roll_share(year_group), row["published_place"]), odds[area])
            roll.values[a, :, y] = everyone * poor, everyone * (1 - poor)
        for m, measure in enumerate(MEASURES.values()):
            if measure.share:
                share.values[a, m] = _moved(counts.share(measure.share, row["published_place"]), odds[area])
    roll.attrs = {"units": "pupils", "long_name": "pupils in one year group"}
    share.attrs = {"units": "1", "long_name": "disadvantaged share of pupils"}
    return xr.Dataset({"rolls": roll, "share": share})


def _odds(places: dict[str, Row], tables: dict[str, list[Row]]) -> dict[str, float]:
    """Return for each area the odds that a pupil is disadvantaged, over those in the place that is published for it.

    Of a district they are those at key stage 2 in the last year in which its county's districts all have pupils of both
    groups; 1 where there is none. No year is later than the other pupils that are known.
    """
    of = {row["code"]: row["authority"] for row in tables["districts"]}
    last = max(row["year"] for row in tables["pupils"])
    pupils: dict[int, dict[str, dict[str, float]]] = {}  # by year, group and code
    for row in tables["district_figures"]:
        if row["measure"] == "key_stage_2" and row["group"] != "disadvantaged" and row["year"] <= last:
            pupils.setdefault(row["year"], {"all": {}, "other": {}})[row["group"]][row["code"]] = row["pupils"]
    odds = dict.fromkeys(places, 1.0)
    for area, place in places.items():
        own = place["code"].split(JOIN) if place["geography"] == "district" else []
        siblings = [code for code, authority in of.items() if own and authority == of.get(own[0])]
        known = [
            year for year, here in pupils.items() if {*own, *siblings} <= here["all"].keys() & here["other"].keys()
        ]
        if siblings and known:
            both = pupils[max(known)]
            here, all_ = (sum(both["all"][code] for code in codes) / sum(both["other"][code] for code in codes) - 1
                          for codes in (own, siblings))  # fmt: skip
            odds[area] = here / all_ if here > 0 and all_ > 0 else 1.0
    return odds


def _moved(share: float, odds: float) -> float:
    """Return a share whose odds are so many times what they were."""
    return share * odds / (1 - share + share * odds)


class Counts:
    """The counts and shares of ``pupils.csv``, looked up by quantity, place and year."""

    def __init__(self, tables: dict[str, list[Row]]):
        self.by_name: dict[tuple[Any, ...], dict[int, float]] = {}
        for row in tables["pupils"]:
            key = (row["quantity"], row["place"], row["geography"] == "district")
            self.by_name.setdefault(key, {})[row["year"]] = row["value"]

    def count(self, quantity: str, place: str, *, district: bool = False, year: int | None = None) -> float:
        """Return a figure in the year nearest to ``year`` that is published, the last one by default."""
        values = self.by_name.get((quantity, place, district))
        if not values:
            raise Refusal(f"pupils.csv: {place} has no figure of {quantity}: add a row")
        return values[min(values, key=lambda y: (abs(y - (year or 9999)), y))]

    def share(self, quantity: str, place: str, year: int | None = None) -> float:
        """Return a disadvantaged share as a fraction."""
        if quantity == "disadvantaged_share_age_19":
            some = self.count("aged_19_disadvantaged", place, year=year)
            return some / self.count("aged_19", place, year=year)
        return self.count(quantity, place, year=year) / 100

    def cohort(self, area: str, row: Row, year_group: int, *, published: bool = False) -> float:
        """Return the pupils of one year group in an area, or in the place that is published for it."""
        place = row["published_place"]
        if row["geography"] == "authority" or published:
            return self._of_authority(place, year_group)
        reception = self.count("reception_pupils", area, district=True)
        return reception * self._of_authority(place, year_group) / self._of_authority(place, 0)

    def _of_authority(self, place: str, year_group: int) -> float:
        if year_group <= PRIMARY[-1]:
            return self.count("primary_pupils", place) / len(PRIMARY)
        if year_group in SECONDARY:
            return self.count("secondary_pupils", place) / len(SECONDARY)
        return self.count("aged_19", place)


def _roll_share(year_group: int) -> str:
    if year_group <= PRIMARY[-1]:
        return "disadvantaged_share_primary"
    return "disadvantaged_share_secondary" if year_group in SECONDARY else "disadvantaged_share_age_19"


def _empty(shape: dict[str, list[Any]]) -> xr.DataArray:
    return xr.DataArray(np.full([len(values) for values in shape.values()], np.nan), shape, list(shape))


def _figures(tables: dict[str, list[Row]], until: int) -> dict[tuple[Any, ...], dict[int, float]]:
    figures: dict[tuple[Any, ...], dict[int, float]] = {}
    for row in tables["outcomes"]:
        if row["year"] <= until:
            key = (row["measure"], row["group"], row["place"], row["geography"])
            figures.setdefault(key, {})[row["year"]] = row["value"]
    return figures


def _of_place(
    figures: dict[Any, dict[int, float]], counts: Counts, place: str, geography: str, years: list[int]
) -> np.ndarray:
    """Return a place's published figures (group, measure, year); ``other`` is derived where it is not published."""
    out = np.full((len(GROUPS), len(MEASURES), len(years)), np.nan)
    for m, (measure, definition) in enumerate(MEASURES.items()):
        series = {group: dict(figures.get((measure, group, place, geography), {})) for group in GROUPS}
        if definition.derive_other and definition.share:
            for year in series["all"].keys() & series["disadvantaged"].keys():
                share = counts.share(definition.share, place, year)
                other = (series["all"][year] - share * series["disadvantaged"][year]) / (1 - share)
                if not 0 <= other <= 100:
                    raise Refusal(
                        f"{measure} of {place} in {year}: the published groups leave {number(other, 1)}% for other "
                        "pupils, which is no share: correct outcomes.csv or pupils.csv"
                    )
                series["other"][year] = other
        for g, values in enumerate(series.values()):
            for year, value in values.items():
                out[g, m, year - years[0]] = value
    return out


def _behind(places: dict[str, Row], counts: Counts) -> xr.DataArray:
    behind = _empty({"area": list(places), "group": list(GROUPS), "measure": list(MEASURES)})
    poor, other, all_ = (list(GROUPS).index(group) for group in ("disadvantaged", "other", "all"))
    for a, (area, row) in enumerate(places.items()):
        for m, measure in enumerate(MEASURES.values()):
            everyone = sum(counts.cohort(area, row, group, published=True) for group in measure.year_groups)
            behind.values[a, all_, m] = everyone
            if measure.share:
                share = counts.share(measure.share, row["published_place"])
                behind.values[a, [poor, other], m] = everyone * share, everyone * (1 - share)
    return behind


def breaks(tables: dict[str, list[Row]], years: list[int]) -> xr.DataArray:
    """Return what is declared (measure, year): 1 a shift of level, 2 graded otherwise or not collected, 0 nothing."""
    kinds = {"level_shift": 1, "regraded": 2, "not_collected": 2}
    marks = xr.zeros_like(_empty({"measure": list(MEASURES), "year": years}), dtype=int)
    for row in tables["breaks"]:
        for year in range(row["first_year"], row["last_year"] + 1):
            if year in years:
                marks.loc[row["measure"], year] = kinds[row["kind"]]
    return marks


@cache
def london() -> list[str]:
    """Return the boroughs of London, whose pupils do otherwise than those of the rest of England."""
    return [row["district"] for row in read("districts") if row["code"].startswith("E09")]


def check_history(record: xr.Dataset, measures: list[str]) -> None:
    """Refuse a measure that has no usable figure of an area, or of England, before the first projected year."""
    used = record[["published", "england"]].where(record.breaks < 2)
    for name in measures:
        for group in MEASURES[name].groups:
            series, first = {"measure": name, "group": group}, int(record.year[-1]) + 1
            seen = used.published.sel(series).notnull().any("year")
            without = seen.area.values[~seen.values].tolist()
            if not used.england.sel(series).notnull().any():
                without.insert(0, "England")
            if without:
                raise Refusal(
                    f"{name}, {group}, has no usable figure of {without[0]} before {first}: start later or leave it "
                    "out of measures"
                )
