"""Places: any district or authority of England by its name, with rows of its own where the tables have none.

Districts are those of 2013, for which figures exist; a name of today stands for its parts. An authority has its
published figures. A district has its county's, with its Reception cohort and what ``district_figures.csv`` knows of it.
"""

import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import NamedTuple

from oa_sim.definitions import GROUPS, MEASURES
from oa_sim.errors import Refusal, nearest
from oa_sim.inputs.schemas import FIGURES, QUANTITIES, Row, Tables, series_column

NEEDED = ("districts", "authority_figures", "place_names", "areas", "area_sets")  # to find a place by its name
TOO_SMALL = ("City of London", "Isles of Scilly")
STYLES = re.compile(  # words that are written with a name or left out
    r"\b(?:the|royal|london|metropolitan|unitary|city|county|borough|district|council|authority)\b(?: of\b)?"
)
JOIN = "+"  # between the codes of an area of several districts
ESTIMATES = {  # quantity -> counts that it is estimated from, best first
    "primary_pupils": ("reception_pupils", "aged_19"),
    "secondary_pupils": ("aged_16_17", "aged_19"),
}
LAST_COUNT = 2023  # later cohorts aged 16 and 17 tell the pupils at school less well
ENGLAND = "England"
NEAR = 0.8  # of the letters of a name are those of the place that is meant: names of places are much alike
MOST_NAMED = 6  # of the places that a name may stand for
ANNOUNCED = "as wave 1 was"  # of a place that is none of the areas of the table


class Place(NamedTuple):
    """A place that can be an area."""

    area: str
    codes: frozenset[str]  # of districts of 2013
    published_place: str  # whose figures are published: the authority itself, or the district's county
    geography: str  # authority or district


@lru_cache(4096)
def plain(name: object) -> str:
    """Return a name without the ways in which people write it differently."""
    text = str(name).lower().replace("&", "and")
    return "".join(character for character in text if character.isalnum())


@lru_cache(4096)
def bare(name: object) -> str:
    """Return a plain name without its style: Derby City Council and City of Derby are Derby."""
    text = re.sub(r"^saint\b", "st", str(name).lower())
    return plain(STYLES.sub("", text)) or plain(name)


def find(name: str, tables: Tables) -> str:
    """Return the area of a name or a code, as the tables name it, or refuse what is no place of England.

    The tables are the ``NEEDED`` ones. A place that ``areas.csv`` has under another name is that area.
    """
    known = _index(tables)
    place = known.get(plain(name)) or known.get(bare(name))
    if place:
        ours = {frozenset(row["code"].split(JOIN)): str(row["area"]) for row in tables["areas"]}
        return ours.get(place.codes, place.area)
    for small in TOO_SMALL:
        if bare(small) == bare(name):
            raise Refusal(f"{small} has too few pupils for its figures to say anything: choose another area")
    names = sorted({place.area for place in known.values()} | {row["name"] for row in tables["place_names"]})
    alike = [area for area in names if plain(area).startswith(plain(name))] if plain(name) else []
    if 1 < len(alike) <= MOST_NAMED:
        raise Refusal(f"area {name!r} may be {', '.join(alike[:-1])} or {alike[-1]}: write one of them")
    listed = [row["area"] for row in tables["areas"]]
    sets = sorted({row["area_set"] for row in tables["area_sets"]})
    guess = nearest(name, [*listed, *sets, *names], NEAR)
    choices = ", ".join([*listed, *sets])
    remedy = f"did you mean {guess!r}?" if guess else f"choose from {choices}, or a name that districts.csv lists"
    raise Refusal(f"unknown area or choice of areas {name!r}: {remedy}")


def check_apart(names: Collection[str], tables: Tables) -> None:
    """Refuse areas that share a district: its pupils would be counted twice."""
    owner: dict[str, str] = {}
    for area, codes in _codes(tables, names).items():
        for code in sorted(codes):
            if owner.setdefault(code, area) != area:
                district = next((row["district"] for row in tables["districts"] if row["code"] == code), code)
                raise Refusal(
                    f"areas must not overlap, got {owner[code]} and {area}, which share {district}: leave one out"
                )


def with_places(tables: Tables, names: Collection[str]) -> Tables:
    """Return the tables with rows of the named places that ``areas.csv`` lacks, each as a run needs them.

    What the tables have stays as it is. Numbers of pupils at school are estimated from the cohorts that are published,
    and marked.
    """
    listed = {row["area"] for row in tables["areas"]}
    known = _index(tables)
    added = [place for name in sorted({*names} - listed) if (place := known.get(plain(name)))]
    if not added:
        return tables
    wide = {name: tables[name].copy() for name in ("areas", "outcomes", "pupils")}
    own = {name: _grouped(tables[name], "place") for name in ("outcomes", "pupils")}
    figures_of = _grouped(tables["authority_figures"], "authority")
    rolls = {row["quantity"]: row for row in own["pupils"].get(ENGLAND, []) if row["quantity"] in ESTIMATES}
    done = {(row["place"], row["geography"]) for row in tables["outcomes"]}
    for place in added:
        geography = "authority" if place.geography == "authority" else "county"
        authority = place.published_place
        wide["areas"].append(_area(place, tables))
        if (authority, geography) not in done:
            copied = [row | {"geography": geography} for row in own["outcomes"].get(authority, [])]
            wide["outcomes"] += copied or _outcomes(figures_of[authority], geography)
            done.add((authority, geography))
        if authority not in own["pupils"]:
            figures = figures_of[authority]
            own["pupils"][authority] = [
                *_counts(figures, geography),
                *_estimates(figures, figures_of.get(ENGLAND, []), rolls, geography),
            ]
            wide["pupils"] += own["pupils"][authority]
        if place.geography == "district":
            wide["pupils"] += _reception(place, tables)
    return tables | wide


def _grouped(rows: list[Row], column: str) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row[column], []).append(row)
    return groups


def _index(tables: Tables) -> dict[str, Place]:
    """Return each place by its plain name, by its name without style, and by its code."""
    renamed = [row for row in tables["place_names"] if row["code"]]
    home: dict[str, str] = {  # code of a district: whose figures are published
        row["code"]: row["authority"] if row["tier"] == "county" else row["district"] for row in tables["districts"]
    }
    home |= {row["codes"]: row["published_place"] for row in renamed if row["published_place"]}
    parts: dict[str, set[str]] = {}
    for code, authority in home.items():
        parts.setdefault(authority, set()).add(code)
    places: dict[frozenset[str], Place] = {}
    named: list[tuple[str, frozenset[str]]] = []
    codes_of = [(row["district"], row["code"], frozenset([row["code"]])) for row in tables["districts"]]
    codes_of += [(row["name"], row["code"], frozenset(row["codes"].split(JOIN))) for row in renamed]
    codes_of += [
        (authority, code, frozenset(parts[authority]))
        for authority, code in {row["authority"]: row["code"] for row in tables["authority_figures"]}.items()
        if authority in parts
    ]
    for name, code, codes in codes_of:
        authority = home[min(codes)]
        whole = codes == parts[authority]
        places[codes] = Place(name, codes, authority, "authority" if whole else "district")
        named += [(name, codes), (code, codes)]
    named += [(row["name"], frozenset(row["codes"].split(JOIN))) for row in tables["place_names"]]
    index = {bare(name): places[codes] for name, codes in named}
    return index | {plain(name): places[codes] for name, codes in named}


def _codes(tables: Tables, names: Collection[str]) -> dict[str, frozenset[str]]:
    """Return the districts of each area, of the tables or named."""
    known = _index(tables)
    own = {row["area"]: frozenset(row["code"].split(JOIN)) for row in tables["areas"]}
    return {name: own[name] if name in own else known[plain(name)].codes for name in names}


def _area(place: Place, tables: Tables) -> Row:
    code = JOIN.join(sorted(place.codes))
    if place.geography == "authority":
        code = next(row["code"] for row in tables["authority_figures"] if row["authority"] == place.published_place)
    row = {"area": place.area, "code": code, "published_place": place.published_place, "geography": place.geography}
    assumed = {"announced": ANNOUNCED, "wave": 1.0, "what_it_is": "assumed, since it was not announced"}
    return row | assumed | {"source": "ONS-2013", "status": "found", "row": 0}


def _outcomes(figures: list[Row], geography: str) -> list[Row]:
    return [
        _row(row, row[column], MEASURES[measure].unit, geography, measure=measure, group=group)
        for measure in MEASURES
        for group in GROUPS
        if (column := series_column(measure, group)) in FIGURES
        for row in figures
        if row[column] is not None
    ]


def _counts(figures: list[Row], geography: str) -> Iterator[Row]:
    for quantity, unit in QUANTITIES.items():
        for row in figures if quantity in FIGURES else ():
            if row[quantity] is not None:
                yield _row(row, row[quantity], unit, geography, quantity=quantity)


def _estimates(figures: list[Row], england: list[Row], rolls: dict[str, Row], geography: str) -> Iterator[Row]:
    """Yield pupils at school: as many for each in a cohort as in England, by the last count of the best cohort."""
    for quantity, cohorts in ESTIMATES.items():
        for cohort in cohorts if quantity in rolls else ():
            of_england = {row["year"]: row[cohort] for row in england if row[cohort] and row["year"] <= LAST_COUNT}
            seen = [row for row in figures if row[cohort] and row["year"] in of_england]
            if seen:
                last, roll = seen[-1], rolls[quantity]
                value = round(roll["value"] * last[cohort] / of_england[last["year"]])
                marked = last | {"year": roll["year"], "status": "to verify"}
                yield _row(marked, value, QUANTITIES[quantity], geography, quantity=quantity)
                break


def _reception(place: Place, tables: Tables) -> list[Row]:
    """Return a district's Reception cohort in each year in which all its parts have one.

    No year is later than the figures of authorities: a hindcast leaves out what was counted after its start there.
    """
    last = max(row["year"] for row in tables["authority_figures"])
    rows = [
        row
        for row in tables["district_figures"]
        if row["code"] in place.codes and row["measure"] == "good_level_of_development" and row["year"] <= last
    ]
    return [
        _row(of[0] | {"authority": place.area}, sum(row["pupils"] for row in of), "pupils", "district",
             quantity="reception_pupils")
        for of in _grouped(rows, "year").values()
        if len(of) == len(place.codes)
    ]  # fmt: skip


def _row(of: Row, value: float, unit: str, geography: str, **names: str) -> Row:
    kept = {key: of[key] for key in ("year", "source", "status", "row")}
    return {**names, "place": of["authority"], "geography": geography, "value": value, "unit": unit, **kept}
