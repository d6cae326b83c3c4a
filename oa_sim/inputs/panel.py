"""Panel: figures of every upper-tier authority as a history, in the same form as ``areas.history``.

No place stands for another here, so nothing is a proxy. Nothing after the cut is used: neither figures, nor shares.
"""

from typing import Any

import numpy as np
import xarray as xr

from oa_sim.definitions import GROUPS, MEASURES, series
from oa_sim.errors import Refusal
from oa_sim.inputs.areas import breaks
from oa_sim.inputs.published_files import ENGLAND, Reading
from oa_sim.inputs.tables import Row

Grids = dict[tuple[str, str], np.ndarray]  # by measure (or quantity) and group: figures (code, year)
POOR, OTHER, ALL = (list(GROUPS).index(group) for group in ("disadvantaged", "other", "all"))
FEWEST = 20  # authorities; with fewer, how much authorities differ is hardly known
YEAR_GROUPS_AT_SCHOOL = 12  # Reception to Year 11
TYPICAL_YEAR_GROUP = 3000.0  # pupils; between the median authority's Reception and its cohort aged 19
TYPICAL_SHARE = 0.2  # about England's share of disadvantaged pupils
SMALLEST_GAP = 5.0  # points between groups from which their mean still tells the share, rounded as they are
STAND_IN = {  # share -> shares that stand in for it, best first, where it is not published
    "fsm_share_primary": ("disadvantaged_share_primary", "fsm_share_secondary"),
    "disadvantaged_share_primary": ("fsm_share_primary", "disadvantaged_share_secondary"),
    "disadvantaged_share_secondary": ("fsm_share_secondary", "disadvantaged_share_primary"),
    "disadvantaged_share_age_19": ("fsm_share_secondary", "disadvantaged_share_secondary"),
}
ROLLS = {  # measure -> the count that lies behind its figures, and how many year groups are in that count
    "good_level_of_development": ("reception_pupils", 1),
    "phonics": ("reception_pupils", 1),
    "attainment_8": ("aged_16_17", 2),
    "level_3_by_19": ("aged_19", 1),
    "he_entry_by_19": ("aged_19", 1),
    "neet_16_17": ("aged_16_17", 2),
    "persistent_absence": ("pupils_all", YEAR_GROUPS_AT_SCHOOL),
    "suspensions": ("pupils_all", YEAR_GROUPS_AT_SCHOOL),
}


def history(reading: Reading, breaks_rows: list[Row], until: int | None = None) -> xr.Dataset:
    """Return the published record of every authority and of England, up to and including a year.

    Parameters
    ----------
    reading
        From ``published_files.read``.
    breaks_rows
        The checked rows of ``breaks.csv``.
    until
        The last year that may be used; 2019 is 2018/19. The last year of the figures by default.

    Returns
    -------
    Dataset
        As from ``areas.history``, the areas being authorities in the order of their codes: ``published``
        (area, group, measure, year) and ``england`` (group, measure, year), in each measure's unit, NaN where nothing
        is published; ``behind`` (area, group, measure), pupils a year behind a figure,
        with its ``basis`` in the attributes; no ``proxy``, nor any ``district``; ``breaks`` (measure, year).
        The attributes ``derived`` and ``derived_outside`` count the figures of other pupils that follow from the mean
        and a share, and those set missing because they came out as no share.

    Raises
    ------
    Refusal
        Where no figure of a measure lies in the years that may be used.
    """
    figures = reading.figures if until is None else reading.figures[reading.figures["year"] <= until]
    outcomes = figures[figures["measure"].isin(list(MEASURES))]
    if not len(outcomes):
        raise Refusal(f"until must leave figures to use, got {until}: take a later year or read a file that goes back")
    years = list(range(int(outcomes["year"].min()), int(outcomes["year"].max()) + 1))
    names = dict(zip(outcomes["code"], outcomes["place"], strict=True))
    codes = [ENGLAND, *sorted((code for code in names if code != ENGLAND), key=int)]
    span = list(range(int(figures["year"].min()), int(figures["year"].max()) + 1))  # counts may go back further
    grids = {key: _grid(rows, codes, span) for key, rows in figures.groupby(["measure", "group"])}
    published, derived, outside = _published(grids, len(codes), len(span))
    published = published[..., years[0] - span[0] : years[-1] - span[0] + 1]
    coords = {"area": [names[code] for code in codes[1:]], "group": list(GROUPS), "measure": list(MEASURES)}
    dims = ("area", "group", "measure", "year")
    record = xr.Dataset(
        {
            "published": (dims, published[1:]),
            "england": (dims[1:], published[0]),
        },
        {**coords, "year": years},
        {"derived": derived, "derived_outside": outside},
    )
    record["behind"] = _behind(grids, coords)
    no = xr.zeros_like(record["behind"], dtype=bool)
    for name in ("own", "own_county", "county_error", "own_pupils", "calibrated"):
        record[name] = xr.full_like(record["published"], np.nan)
    record = record.assign(proxy=no, estimated=no, district=no.any(("group", "measure")))
    record["authority"] = ("area", coords["area"])
    record["breaks"] = breaks({"breaks": breaks_rows}, years)
    return record


def check(record: xr.Dataset) -> list[str]:
    """Return what the panel lacks, in plain lines.

    A panel of too few authorities is refused, and one without England's figures of a series that authorities have.
    """
    if record.sizes["area"] < FEWEST:
        raise Refusal(
            f"a panel must have at least {FEWEST} authorities, got {record.sizes['area']}: read a file of all of them"
        )
    used = record.where(record.breaks < 2)
    for measure, group in series():
        labels = {"measure": measure, "group": group}
        if used.published.sel(labels).notnull().any() and not used.england.sel(labels).notnull().any():
            raise Refusal(
                f"{measure}, {group}, must have figures of England to be relative to, got none beside those of "
                "authorities: read a file that has the nation's rows"
            )
    lacks = [name for name in series() if not used.published.sel(measure=name[0], group=name[1]).notnull().any()]
    return [f"no authority has a figure of {measure}, {group}: nothing is learned of it" for measure, group in lacks]


def _grid(rows: Any, codes: list[str], span: list[int]) -> np.ndarray:
    """Return the figures of one series (code, year), NaN where nothing is published."""
    grid = np.full((len(codes), len(span)), np.nan)
    place_of = {code: place for place, code in enumerate(codes)}
    for code, year, value in zip(rows["code"], rows["year"], rows["value"], strict=True):
        if code in place_of:  # a place of which only pupils are known is no authority of the panel
            grid[place_of[code], year - span[0]] = value
    return grid


def _published(grids: Grids, n_codes: int, n_years: int) -> tuple[np.ndarray, int, int]:
    """Return figures (code, group, measure, year), with how many were derived and how many came out as no share.

    Derived are those of other pupils: ``(all - share * disadvantaged) / (1 - share)``.
    """
    out = np.full((n_codes, len(GROUPS), len(MEASURES), n_years), np.nan)
    derived = outside = 0
    for m, (measure, definition) in enumerate(MEASURES.items()):
        for g, group in enumerate(GROUPS):
            if (measure, group) in grids:
                out[:, g, m] = grids[measure, group]
        if definition.derive_other and definition.share:
            other, share = out[:, OTHER, m], _nearest(_share(grids, definition.share, out[:, 0, m].shape))
            rest = np.where(share < 0.999, 1 - share, np.nan)
            follows = (out[:, ALL, m] - share * out[:, POOR, m]) / rest
            follows[np.isfinite(other)] = np.nan
            wrong = (follows < 0) | (follows > 100)
            follows[wrong] = np.nan
            derived, outside = derived + int(np.isfinite(follows).sum()), outside + int(wrong.sum())
            other[...] = np.where(np.isfinite(other), other, follows)
    return out, derived, outside


def _share(grids: Grids, name: str, shape: tuple[int, int]) -> np.ndarray:
    """Return a share of disadvantaged pupils as a fraction (code, year), NaN where it is not published.

    At age 19 it is a ratio of counts; without counts, what the three published figures of level 3 imply.
    """
    none = np.full(shape, np.nan)
    if name != "disadvantaged_share_age_19":
        return grids.get((name, "all"), none) / 100
    if ("aged_19", "all") in grids:
        whole = grids["aged_19", "all"]
        return grids.get(("aged_19_disadvantaged", "all"), none) / np.where(whole > 0, whole, np.nan)
    some, other, everyone = (grids.get(("level_3_by_19", group), none) for group in ("disadvantaged", "other", "all"))
    gap = np.where(np.abs(some - other) > SMALLEST_GAP, some - other, np.nan)
    share = (everyone - other) / gap
    return np.where((share > 0) & (share < 1), share, np.nan)


def _nearest(grid: np.ndarray) -> np.ndarray:
    """Return a grid (code, year) with each gap filled from the nearest year, the earlier of two."""
    out = grid.copy()
    for values, row in zip(out, grid, strict=True):
        seen = np.flatnonzero(np.isfinite(row))
        if len(seen):
            distance = np.abs(np.arange(len(row))[:, None] - seen)
            values[:] = row[seen[distance.argmin(axis=1)]]
    return out


def _last(grid: np.ndarray) -> np.ndarray:
    """Return the last published figure of each row, NaN where there is none."""
    return _nearest(grid)[:, -1]


def _behind(grids: Grids, coords: dict[str, Any]) -> xr.DataArray:
    """Return the pupils a year behind each published figure (area, group, measure).

    Counts are the last published ones: Reception, aged 16 and 17, aged 19, all at school. Where one is missing, a year
    group is a twelfth of all pupils; where those are missing too, of the pupils eligible for pupil premium divided by
    the mean share of pupils ever eligible in six years, primary and secondary. That is an approximation: pupil premium
    also follows children in care, and year groups are not alike. What is left is given the median authority's.
    """
    shape = next(iter(grids.values())).shape
    size, basis = _year_group(grids, shape)
    behind = np.full((shape[0] - 1, len(GROUPS), len(MEASURES)), np.nan)
    for m, (measure, definition) in enumerate(MEASURES.items()):
        count, parts = ROLLS.get(measure, ("", 1))
        counted = _last(grids.get((count, "all"), np.full(shape, np.nan)))[1:] / parts
        everyone = np.where(counted > 0, counted, size) * len(definition.year_groups)
        behind[:, ALL, m] = everyone
        if definition.share:
            share = _known_share(grids, definition.share, shape)
            behind[:, POOR, m], behind[:, OTHER, m] = everyone * share, everyone * (1 - share)
    groupless = np.isnan(behind)
    behind = np.where(groupless, behind[:, [ALL]], np.maximum(behind, 1.0))
    return xr.DataArray(behind, coords, list(coords), attrs={"units": "pupils", "basis": basis})


def _year_group(grids: Grids, shape: tuple[int, int]) -> tuple[np.ndarray, str]:
    """Return the pupils in one year group of each authority (area), and in words what they rest on."""
    none = np.full(shape, np.nan)

    def last(name: str) -> np.ndarray:
        return _last(grids.get((name, "all"), none))[1:]

    ever = np.stack([last("disadvantaged_share_primary"), last("disadvantaged_share_secondary")]) / 100
    seen = np.isfinite(ever).sum(axis=0)
    share = np.where(seen > 0, np.nansum(ever, axis=0) / np.maximum(seen, 1), np.nan)
    ways = {
        "all pupils": last("pupils_all") / YEAR_GROUPS_AT_SCHOOL,
        "Reception pupils": last("reception_pupils"),
        "pupils aged 19": last("aged_19"),
        "pupils aged 16 and 17": last("aged_16_17") / 2,
        "pupil premium": last("pupil_premium_pupils") / np.where(share > 0, share, np.nan) / YEAR_GROUPS_AT_SCHOOL,
    }
    size, words = np.full(shape[0] - 1, np.nan), []
    for way, values in ways.items():
        takes = ~(size > 0) & (values > 0)
        size[takes] = values[takes]
        words += [f"{int(takes.sum())} authorities by {way}"] if takes.any() else []
    left = ~(size > 0)
    if left.any():
        typical = np.median(size[~left]) if (~left).any() else TYPICAL_YEAR_GROUP
        words.append(f"{int(left.sum())} by the median authority" if (~left).any() else "an assumed size for all")
        size[left] = typical
    return size, "; ".join(words)


def _known_share(grids: Grids, name: str, shape: tuple[int, int]) -> np.ndarray:
    """Return the last share of each authority (area), of a like share where it is missing, else the median."""
    share = np.full(shape[0] - 1, np.nan)
    for stand_in in (name, *STAND_IN[name]):
        share = np.where(np.isfinite(share), share, _last(_share(grids, stand_in, shape))[1:])
    typical = np.nanmedian(share) if np.isfinite(share).any() else TYPICAL_SHARE
    return np.clip(np.where(np.isfinite(share), share, typical), 0.01, 0.99)
