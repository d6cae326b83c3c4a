"""Unverified: which of the figures that a scenario rests on are recalled or assumed and still to verify."""

from collections.abc import Callable

from oa_sim.inputs.tables import Row
from oa_sim.scenario.schema import Scenario

KINDS = {  # table: one of its rows, several, and the columns that name one
    "studies": ("study", "studies", ("study",)),
    "priorities": ("priority", "priorities", ("priority", "area")),
    "national": ("national programme", "national programmes", ("national",)),
    "events": ("event", "events", ("event",)),
    "areas": ("announcement of an area", "announcements of areas", ("area",)),
    "pupils": ("number of pupils", "numbers of pupils", ("quantity", "place")),
    "area_sets": ("area of a set", "areas of a set", ("area", "area_set")),
}


def to_verify(scenario: Scenario, tables: dict[str, list[Row]]) -> dict[str, list[str]]:
    """Return the names of the rows marked ``to verify`` that a scenario rests on, by table, where there are any."""
    areas = {row["area"]: row["published_place"] for row in tables["areas"] if row["area"] in scenario.areas.names}
    sets: dict[str, set[str]] = {}
    for row in tables["area_sets"]:
        sets.setdefault(row["area_set"], set()).add(row["area"])
    whole = {name for name, members in sets.items() if members <= set(areas)}
    rests: dict[str, Callable[[Row], bool]] = {
        "studies": lambda row: row["study"] not in scenario.evidence.without,
        "priorities": lambda row: scenario.portfolio.rule == "delivery_plans" and row["area"] in areas,
        "national": lambda row: row["national"] in scenario.organisation.national,
        "events": lambda row: (
            row["event"] in scenario.organisation.events and row["first_month"] + 1 >= scenario.start_year
        ),
        "areas": lambda row: row["area"] in areas,
        "pupils": lambda row: row["place"] in {*areas, *areas.values()},
        "area_sets": lambda row: row["area_set"] in whole,
    }
    to_check = {}
    for table, is_used in rests.items():
        rows = [row for row in tables[table] if row["status"] == "to verify" and is_used(row)]
        names = [" of ".join(str(row[key]) for key in KINDS[table][2]) for row in rows]
        if names:
            to_check[table] = names
    return to_check


def together(parts: list[dict[str, list[str]]]) -> dict[str, list[str]]:
    """Return what several scenarios rest on that is to verify: each row once, by table, in the order they are named."""
    return {
        table: list(dict.fromkeys(name for part in parts for name in part.get(table, [])))
        for table in KINDS
        if any(table in part for part in parts)
    }


def sentence(to_check: dict[str, list[str]], named_in: str = "run.json") -> str:
    """Return how many figures of each kind are still to verify, in words."""
    parts = [f"{len(names)} {KINDS[table][len(names) > 1]}" for table, names in to_check.items()]
    return f"Still to verify against a source: {', '.join(parts)}, listed in {named_in}." if parts else ""
