"""Doubts: which of the figures that a scenario rests on are recalled or assumed and still to verify."""

from oa_sim.scenario import Scenario
from oa_sim.tables import Row

WHAT = {
    "studies": "study",
    "priorities": "priority",
    "national": "national programme",
    "events": "event",
    "pupils": "number of pupils",
}
MANY = {"study": "studies", "priority": "priorities", "number of pupils": "numbers of pupils"}
NAMES = {"studies": "study", "priorities": "priority", "national": "national", "events": "event", "pupils": "quantity"}


def to_verify(scenario: Scenario, tables: dict[str, list[Row]]) -> dict[str, list[str]]:
    """Return the names of the rows marked ``to verify`` that a scenario rests on, by table, where there are any.

    Parameters
    ----------
    scenario
        Which studies are read, which programmes and events come about, whose priorities are followed.
    tables
        The checked tables.
    """
    areas = {row["area"]: row["published_place"] for row in tables["areas"] if row["area"] in scenario.areas.names}
    rests = {
        "studies": lambda row: row["study"] not in scenario.evidence.without,
        "priorities": lambda row: scenario.portfolio.rule == "delivery_plans" and row["area"] in areas,
        "national": lambda row: row["national"] in scenario.organisation.national,
        "events": lambda row: (
            row["event"] in scenario.organisation.events and row["first_month"] + 1 >= scenario.start_year
        ),
        "pupils": lambda row: row["place"] in {*areas, *areas.values()},
    }
    found = {}
    for table, is_used in rests.items():
        rows = [row for row in tables[table] if row["status"] == "to verify" and is_used(row)]
        names = [" of ".join(str(row[key]) for key in _keys(table)) for row in rows]
        if names:
            found[table] = names
    return found


def sentence(found: dict[str, list[str]]) -> str:
    """Return how many figures of each kind are still to verify, in words."""
    parts = []
    for table, names in found.items():
        one = WHAT[table]
        parts.append(f"{len(names)} {one if len(names) == 1 else MANY.get(one, one + 's')}")
    return f"Still to verify, and recalled or assumed so far: {', '.join(parts)} (named in run.json)." if parts else ""


def _keys(table: str) -> tuple[str, ...]:
    place = {"priorities": ("area",), "pupils": ("place",)}
    return (NAMES[table], *place.get(table, ()))
