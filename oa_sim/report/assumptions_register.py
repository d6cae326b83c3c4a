"""Assumptions register: each number that the answer of a run rests on, with its source, status and owner.

The rows of the package's tables that a run rests on are among them.
"""

import math
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from scipy.special import betaincinv, ndtri

from oa_sim.definitions import ATTAINMENT_8_SD, MEASURES, POSTERIOR_NAMES, academic_year
from oa_sim.inference import counterfactual, national_trend
from oa_sim.inputs import tables
from oa_sim.report.sanitise import in_table
from oa_sim.scenario import config_files, load
from oa_sim.scenario.rules import SCORE, look_up
from oa_sim.scenario.schema import Scenario

UNSOURCED = "none: judgement of this project"
OPEN = "Open Government Licence"  # what is under it was published by a department and read there
OURS = "this project"
COLUMNS = ("number", "what", "value", "unit", "source", "status", "rating", "why", "owner")
STATUSES = ("published", "found", "assumed", "recalled", "to verify")
RATINGS = {
    "red": "to verify or recalled, and the headline rests on it",
    "amber": "judgement: assumed, or a spread around what was found, or an estimate of ours, or a county\u2019s "
    "figures; or to verify or recalled, but the headline does not rest on it",
    "green": "published or found in a source that is named, and read there",
}
HEADED = ("budget",)  # groups whose files name the source of their numbers in the first line
PLAN_HASH = "budget.plan_sha256"  # of the file of a plan, which a manifest adds to the scenario
STALE = "the tables here are others than those of the run"
OWNERS = {  # first part of a number that no field of a scenario has: the role that confirms it
    **dict.fromkeys(("studies", "months"), "evidence lead"),
    **dict.fromkeys(("outcomes", "pupils", "breaks", "proxies", "learned"), "data lead"),
    "programme": "programme finance",
    "law": "model lead",
}
GIVES = re.compile(r"`[^`]*`")  # a word of the files, not said of the number


class Entry(NamedTuple):
    """A number before it is rated.

    Attributes
    ----------
    number, what, value, unit, source, status
        As in the register; the source by its key.
    unused
        Why the headline does not rest on it; nothing where it does.
    doubt
        What keeps a number that was found from being green; nothing where nothing does.
    remark
        What stands beside it where it is kept, given after its source.
    """

    number: str
    what: str
    value: str
    unit: str
    source: str
    status: str
    unused: str = ""
    doubt: str = ""
    remark: str = ""


def entries(manifest: dict, data: dict[str, list[tables.Row]]) -> Iterator[Entry]:
    """Yield a number for each that a run takes from the tables, from what was learned, and from the code."""
    scenario = manifest["scenario"]
    yield from _studies(scenario, data)
    yield from _national(scenario, data)
    yield from _events(scenario, data)
    yield from _places(scenario, data)
    yield from _published(scenario, data)
    yield from _learned(manifest)
    yield from _law(scenario)


def status_of(row: tables.Row, data: dict[str, list[tables.Row]], description: str = "") -> str:
    """Return how well a row is known: a recalled one is one whose source is none, a published one is a department's."""
    licence = next((source["licence"] for source in data["sources"] if source["source"] == row["source"]), "")
    if row["status"] == "to verify":
        return "recalled" if row["source"] == "RECALLED" else "to verify"
    if "assum" in description:
        return "assumed"
    return "published" if OPEN in licence and row["source"] != "OWN-MOVEMENTS" else "found"


def titles(data: dict[str, list[tables.Row]]) -> dict[str, str]:
    """Return each source by its key, as a reader finds it."""
    return {
        row["source"]: f"{row['source']}: {row['publisher']}, {row['title']} ({row['published']})"
        for row in data["sources"]
    }


def _studies(scenario: dict, data: dict) -> Iterator[Entry]:
    left_out = scenario["evidence"]["without"]
    for row in data["studies"]:
        unused = "left out of this run" if row["study"] in left_out else ""
        status, of = status_of(row, data), f"{row['study']} ({row['design']}; {row['outcome']})"
        unit = "months of progress" if row["effect_unit"] == "months" else "SD of pupils"
        prefix = f"studies.{row['study']}"
        yield Entry(f"{prefix}.effect", f"Effect in {of}", f"{row['effect']:g}", unit, row["source"], status, unused)
        error = "assumed" if status == "found" and row["standard_error_basis"] == "assumed" else status
        yield Entry(
            f"{prefix}.standard_error_sd",
            f"Standard error of that effect, {row['standard_error_basis']}: {row['study']}",
            f"{row['standard_error_sd']:g}", "SD of pupils", row["source"], error, unused,
        )  # fmt: skip
    for row in data["months"]:
        value = f"from {row['lowest_sd']:g} to {row['highest_sd']:g}"
        what = f"What {row['months']:g} months of progress are in SD"
        unit = "SD of pupils"
        yield Entry(f"months.{row['months']:g}", what, value, unit, row["source"], status_of(row, data))


def _national(scenario: dict, data: dict) -> Iterator[Entry]:
    for row in data["national"]:
        if row["national"] in scenario["organisation"]["national"]:
            prefix, name = f"national.{row['national']}", row["national"].replace("_", " ")
            status = status_of(row, data, row["what_it_is"])
            scored = "assumed" if status in ("found", "published") else status
            years = f"funded years {row['first_funded_year']} to {row['last_funded_year']}"
            yield Entry(
                f"{prefix}.gbp", f"Money of {name}, {years}: {row['what_it_is']}", f"{row['gbp']:,.0f}", "£",
                row["source"], status,
            )  # fmt: skip
            shares = {
                "alignment": (f"How well {name} fits the areas\u2019 own work", scored),
                "take_up": (f"How far schools take up {name}", scored),
                "schools_share": (
                    f"Share of schools that {name} may reach",
                    status if "%" in row["what_it_is"] else scored,
                ),
            }
            for key, (what, how) in shares.items():
                yield Entry(f"{prefix}.{key}", what, f"{row[key]:g}", "share, 0 to 1", row["source"], how)


def _events(scenario: dict, data: dict) -> Iterator[Entry]:
    for row in data["events"]:
        if row["event"] in scenario["organisation"]["events"]:
            unused = "" if row["first_month"] + 1 >= scenario["start_year"] else "it lies before the years in view"
            what = f"{row['event'].replace('_', ' ')}: {row['what_happened']}"
            value = (
                f"{row['low']:g} to {row['high']:g}, from {_month(row['first_month'])} to {_month(row['last_month'])}"
            )
            status = status_of(row, data, row["what_happened"])
            yield Entry(f"events.{row['event']}", what, value, row["unit"], row["source"], status, unused, "a range")


def _month(moment: float) -> str:
    return f"{int(moment + 1e-6)}-{round((moment - int(moment + 1e-6)) * 12) + 1:02d}"


def _places(scenario: dict, data: dict) -> Iterator[Entry]:
    """Yield what is known of the areas: announcements, priorities that are followed, money that was paid."""
    places_chosen = scenario["areas"]["names"]
    for row in data["areas"]:
        if row["area"] in places_chosen:
            what = f"Month in which {row['area']} was announced, wave {row['wave']:g}"
            status = status_of(row, data)
            yield Entry(f"areas.{row['area']}.announced", what, row["announced"], "month", row["source"], status)
    for row in data["priorities"] if scenario["portfolio"]["rule"] == "delivery_plans" else ():
        if row["area"] in places_chosen:
            budget = f"{row['budget_gbp']:,.0f}" if row["budget_gbp"] is not None else "not published"
            what = f"A priority of {row['area']}: {row['priority']} ({', '.join(row['interventions'])})"
            prefix = f"priorities.{row['area']}.{row['priority']}"
            yield Entry(prefix, what, budget, "£", row["source"], status_of(row, data))
    for row in data["programme"] if scenario["split"]["rule"] == "as_paid" else ():
        if row["area"] in (*places_chosen, "all"):
            years = f"{academic_year(row['first_year'])} to {academic_year(row['last_year'])}"
            what = f"Paid to {row['area']}: {row['item']}, {years}"
            prefix = f"programme.{row['area']}.{row['item']}"
            yield Entry(prefix, what, f"{row['value']:,.0f}", row["unit"], row["source"], status_of(row, data))


def _published(scenario: dict, data: dict) -> Iterator[Entry]:
    """Yield published figures, one entry a series, what breaks them, and how a county speaks for its district."""
    places_chosen = {
        row["area"]: row["published_place"] for row in data["areas"] if row["area"] in scenario["areas"]["names"]
    }
    places = {"England", *places_chosen, *places_chosen.values()}
    for table, key in (("outcomes", "measure"), ("pupils", "quantity")):
        series: dict[tuple, list] = {}
        for row in data[table]:
            if row["place"] in places and (table == "pupils" or row["measure"] in scenario["measures"]):
                series.setdefault((row[key], row.get("group", "")), []).append(row)
        for (name, group), rows in series.items():
            yield _series(f"{table}.{name}{f'.{group}' if group else ''}", name, group, rows, data, places_chosen)
    measured = [row for row in data["breaks"] if row["measure"] in scenario["measures"]]
    for row in measured:
        years = f"{academic_year(row['first_year'])} to {academic_year(row['last_year'])}"
        what = f"{MEASURES[row['measure']].label}: {row['what_changed']}"
        value = f"{row['kind'].replace('_', ' ')}, {years}"
        prefix = f"breaks.{row['measure']}.{row['first_year']}"
        yield Entry(prefix, what, value, "years", row["source"], status_of(row, data))
    for row in data["proxies"]:
        if row["measure"] in scenario["measures"] and any(area != place for area, place in places_chosen.items()):
            prefix, of = f"proxies.{row['measure']}.{row['group']}", f"{MEASURES[row['measure']].label}, {row['group']}"
            status = status_of(row, data)
            for name, what in (
                ("slope", "How a district\u2019s level goes with its pupils"),
                ("residual_sd", "Its spread"),
            ):
                unit = "SD of pupils" if name == "residual_sd" else "SD / share of pupils"
                yield Entry(f"{prefix}.{name}", f"{what}: {of}", f"{row[name]:g}", unit, row["source"], status)


def _series(number: str, name: str, group: str, rows: list, data: dict, places_chosen: dict) -> Entry:
    """Return one entry for all published figures of a series."""
    years, sources = sorted({row["year"] for row in rows}), sorted({row["source"] for row in rows})
    statuses = [status_of(row, data) for row in rows]
    worst = next(name for name in ("recalled", "to verify", "found", "published") if name in statuses)
    counted = {area for area, place in places_chosen.items() if place != area}
    own = {row["place"] for row in rows if row["geography"] == "district"}
    stand_in = sorted(counted - own)
    value = f"{len(rows):,} figures of {len({row['place'] for row in rows})} places, {academic_year(years[0])} to "
    what = MEASURES[name].label if name in MEASURES else name.replace("_", " ")
    n_doubted = sum(status in ("recalled", "to verify") for status in statuses)
    return Entry(
        number, f"Published figures: {what}{f', {group}' if group else ''}", value + academic_year(years[-1]),
        rows[0]["unit"], "; ".join(sources), worst,
        doubt=(f"a county\u2019s figures stand in for {', '.join(stand_in)}" if stand_in else "")
        + (f"{n_doubted} of the figures are to verify" if n_doubted else ""),
    )  # fmt: skip


def _learned(manifest: dict) -> Iterator[Entry]:
    made, passed = manifest["learned"], manifest["gates"]["verdict"] == "PASS"
    value = (
        f"a posterior from {made.get('figures', 0):,} figures of {made.get('authorities', 'all')} authorities until "
        f"{academic_year(made['until']) if made.get('until') else 'the last year'}"
    )
    doubt = "" if passed else f"the gates of the baseline say {manifest['gates']['verdict']}"
    for name, what in POSTERIOR_NAMES.items():
        source = f"learned: {made.get('command', 'oa-sim fit')}; posterior {str(manifest['posterior'])[:12]}"
        yield Entry(f"learned.{name}", f"Learned: {what}", value, "by series", source, "found", doubt=doubt or OURS)


def _law(scenario: dict) -> Iterator[Entry]:
    """Yield the numbers that stand in the law itself and cannot be changed by a scenario."""
    unused = "" if "attainment_8" in scenario["measures"] else "Attainment 8 is not measured"
    what = "Standard deviation of pupils in Attainment 8"
    yield Entry("law.attainment_8_sd", what, f"{ATTAINMENT_8_SD:g}", "points", UNSOURCED, "recalled", unused)
    assumed = {
        "break_fades": ("What is left a year later of the part of a break that does not stay", national_trend.FADES),
        "break_freedom": (
            "How heavy the tails of breaks to come are, degrees of freedom",
            counterfactual.BREAK_FREEDOM,
        ),
        "district_level_sd": (
            "A district\u2019s level less its county\u2019s, early years",
            counterfactual.DISTRICT_LEVEL_SD,
        ),
        "district_deviation_sd": ("How far a district wanders from it", counterfactual.DISTRICT_DEVIATION_SD),
        "district_persistence": ("How slowly it comes back", counterfactual.DISTRICT_PERSISTENCE),
        "district_noise_sd": ("Noise of a district beyond its county\u2019s", counterfactual.DISTRICT_NOISE_SD),
    }
    for name, (what, value) in assumed.items():
        unit = "SD of pupils" if name.endswith("_sd") else "1"
        yield Entry(f"law.{name}", what, f"{value:g}", unit, UNSOURCED, "assumed")


def assumptions(manifest: dict, data_folder: str | None = None) -> pd.DataFrame:
    """Return the register of a run: a row for each number that the answer rests on.

    Parameters
    ----------
    manifest
        Of a run, as ``Result.manifest`` or ``run.json`` has it.
    data_folder
        Where the tables lie; by default where the run had them, or those inside the package.

    Returns
    -------
    DataFrame
        ``number`` (a name that is the same in every run), ``what``, ``value`` (with its distribution), ``unit``,
        ``source``, ``status`` (one of ``STATUSES``), ``rating``, ``why`` and ``owner``. Every leaf of the scenario is
        in it but those that are no assumption; published figures are one row a series.

    Notes
    -----
    A rating is given by rule. Red: recalled or still to verify, and the headline of this run rests on it. Amber:
    assumed; a distribution, of which a source gives the middle at best; an estimate of this project; figures for which
    a county's stand in; recalled or to verify where the headline does not rest on it. Green: published or found.

    Raises
    ------
    Refusal
        Where the tables are missing or broken.
    """
    folder = data_folder or manifest["scenario"].get("data_folder")
    data = tables.read_all(Path(folder) if folder else None)
    is_other = tables.data_hash(Path(folder) if folder else None) != manifest["data_hash"]
    read = [entry._replace(doubt=STALE) if is_other else entry for entry in entries(manifest, data)]
    entries_made = [*_of_scenario(manifest["scenario"], data), *read]
    said_of = titles(data)
    rows = []
    for entry in entries_made:
        rating, why = rate(entry)
        source = "; ".join(said_of.get(key, key) for key in entry.source.split("; ")) + entry.remark
        rows.append((*entry[:4], source, entry.status, rating, why, owner_of(entry.number)))
    return in_table(pd.DataFrame(rows, columns=list(COLUMNS)))


def owner_of(number: str) -> str:
    """Return the role that has to confirm a number."""
    first = number.split(".")[0]
    if first in Scenario.__dataclass_fields__ and first != "areas":
        return look_up(number, Scenario).owner
    if first == "national":
        return "programme finance" if number.endswith(".gbp") else "delivery lead"
    return OWNERS.get(first, "delivery lead")


def rate(entry: Entry) -> tuple[str, str]:
    """Return the rating of a number and the rule that gave it; see ``RATINGS``."""
    if entry.status in ("to verify", "recalled"):
        what = "recalled and still to verify" if entry.status == "recalled" else "still to verify"
        return (
            ("amber", f"{what}, but {entry.unused}")
            if entry.unused
            else ("red", f"{what}, and the headline rests on it")
        )
    off = f"; {entry.unused}" if entry.unused else ""
    if entry.status == "assumed":
        return "amber", f"judgement{off}"
    if entry.doubt:
        return "amber", f"an estimate of this project{off}" if entry.doubt == OURS else f"{entry.doubt}{off}"
    if entry.source.startswith("OWN-"):
        return "amber", f"an estimate of this project{off}"
    return "green", f"{'published' if entry.status == 'published' else 'found in the source that is named'}{off}"


def value_text(value: object) -> str:
    """Return a leaf as people read it; a distribution with its mean and 90% interval."""
    if isinstance(value, dict) and "dist" in value:
        a, b = float(value["a"]), float(value.get("b") or 0)
        mean, low, high = spread(value["dist"], a, b)
        name = f"{value['dist']}({a:g}{'' if value['dist'] == 'HalfNormal' else f', {b:g}'})"
        return (
            f"{name}: mean {_short(mean)}, 90% interval {_short(low)} to {_short(high)}"
            if low < high
            else f"{_short(a)}, fixed"
        )
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | dict) or value is None:
        return ", ".join(value_text(item) for item in value) if value else "none"
    return f"{value:,.10g}" if isinstance(value, int | float) else str(value)


def spread(dist: str, a: float, b: float) -> tuple[float, float, float]:
    """Return mean and both ends of the 90% interval of a distribution, by its name and its two numbers."""
    ends = [0.05, 0.95]
    if dist == "Beta":
        return a / (a + b), *(float(betaincinv(a, b, end)) for end in ends)
    if dist == "Uniform":
        return (a + b) / 2, *(a + (b - a) * end for end in ends)
    if dist == "HalfNormal":
        return a * math.sqrt(2 / math.pi), *(float(a * ndtri((1 + end) / 2)) for end in ends)
    if dist == "LogNormal":
        return a * math.exp(b * b / 2), *(float(a * math.exp(b * ndtri(end))) for end in ends)
    return a, *(float(a + b * ndtri(end)) for end in ends)


def _short(value: float) -> str:
    return f"{value:.2f}" if abs(value) >= 0.095 or not value else f"{value:.3f}"


def _of_scenario(scenario: dict, data: dict) -> list[Entry]:
    """Return every leaf of a scenario that is an assumption."""
    beside = [row for row in data["national"] if row["national"] in scenario["organisation"]["national"]]
    offered = {name for row in beside for name in row["interventions"]}
    bought = {name for name, share in scenario["portfolio"]["shares"].items() if share} | offered
    if scenario["portfolio"]["rule"] == "delivery_plans" or scenario["budget"].get("plan"):
        bought = set(scenario["interventions"])
    shocks = [row for row in data["events"] if row["event"] in scenario["organisation"]["events"]]
    in_view = [row for row in shocks if row["first_month"] + 1 >= scenario["start_year"]]
    in_use = scenario | {"bought": sorted(bought & set(scenario["interventions"]))}
    in_use["shocked"] = any(row["what"] == "attainment" for row in in_view)
    notes, keys = config_files.notes(scenario), [row["source"] for row in data["sources"]]
    return [
        _entry(path, value, in_use, notes.get(path, []), keys)
        for path, value in config_files.leaves(scenario)
        if is_assumption(path)
    ]


def is_assumption(path: str) -> bool:
    """Return whether the answer takes a leaf of a scenario for granted: it is not what is asked, a name or a place."""
    return path != PLAN_HASH and look_up(path, Scenario).rule.is_assumption


def _entry(path: str, value: object, scenario: dict, notes: list[config_files.Note], keys: list[str]) -> Entry:
    """Return one leaf with what its config file says of it."""
    what, unit = load.label_of(path, scenario), look_up(path, Scenario).rule.unit
    same = next((note for note in notes if note.value == config_files.plain(value)), None)
    spread = isinstance(value, dict) and "dist" in value
    doubt = "its middle was found, its spread is judgement" if spread else ""
    unused = unused_reason(path, scenario)
    if same is None:
        was = (
            f"changed for this run: {notes[0].file} has {_was(notes[0].value)}"
            if notes
            else "what holds where no file says otherwise"
        )
        return Entry(path, what, value_text(value), unit, was, "assumed", unused, doubt)
    comment = same.comment
    if path.startswith("interventions.") and path.endswith(".unit_cost_gbp"):
        comment = str(scenario["interventions"][path.split(".")[1]]["source"]).split(";")[0]
    source, status = _sourced(comment, same.heading, keys, path.split(".")[0] in HEADED)
    if status == "found" and unit == SCORE:
        status = "assumed"  # a source has words; the score is ours
    remark = f" [{same.file}: {comment or same.heading or 'no comment'}]"
    return Entry(path, what, value_text(value), unit, source, status, unused, doubt, remark)


def _was(value: object) -> str:
    """Return a value of a file as it was before a run changed it."""
    if isinstance(value, tuple):
        return value_text(dict(zip(("dist", "a", "b"), value, strict=True)))
    return value_text(value)


def _sourced(comment: str, heading: str, keys: list[str], is_headed: bool) -> tuple[str, str]:
    """Return source and status of a number by what its config file says beside it, then above it."""
    for text, counts in ((comment, True), (heading, is_headed)):
        lowered = GIVES.sub("", text).lower()
        named = "; ".join(key for key in keys if re.search(rf"(?<![\w-]){re.escape(key)}(?![\w-])", text))
        for sign, status in (
            ("to verify", "to verify"),
            ("recalled", "recalled"),
            ("assum", "assumed"),
            ("judged", "assumed"),
        ):
            if sign in lowered:
                return named or UNSOURCED, status
        if named:
            return named, "found" if counts else "assumed"
    return UNSOURCED, "assumed"


def unused_reason(path: str, scenario: dict) -> str:
    """Return why the headline of a run does not rest on a number; nothing where it does.

    Parameters
    ----------
    path
        Of a leaf of the scenario.
    scenario
        As a manifest holds it; with the key ``bought``, the names of the interventions that get money or are offered.
    """
    for pattern, is_off, why in _OFF:
        if fnmatchcase(path, pattern) and is_off(path.split("."), scenario):
            return why
    return ""


def _not_bought(field: str):
    """Return whether no intervention that is bought has the name in a field."""
    return lambda parts, s: all(s["interventions"][name][field] != parts[2] for name in s["bought"])


_OFF = (
    ("interventions.*", lambda parts, s: parts[1] not in s["bought"], "no money goes to it in this run"),
    ("evidence.fade_out.*", _not_bought("fade_out"), "nothing that is bought fades by it"),
    ("sustainability.kinds.*", _not_bought("kind"), "nothing that is bought is of this kind"),
    ("delivery.sharing_*", lambda _, s: not s["organisation"]["sharing"], "areas do not share in this run"),
    ("delivery.spill", lambda _, s: not s["organisation"]["twins"], "no areas are twinned in this run"),
    (
        "delivery.procurement.*",
        lambda parts, s: parts[2] != s["organisation"]["procurement"],
        "activity is bought another way in this run",
    ),
    (
        "delivery.board_*",
        lambda _, s: min(s["organisation"]["board"].values()) == 1,
        "the whole board is there in this run",
    ),
    ("delivery.disadvantage_factor", lambda _, s: not s["shocked"], "no learning shock comes about in this run"),
    ("delivery.recovery", lambda _, s: not s["shocked"], "no learning shock comes about in this run"),
    ("sustainability.taper_years", lambda _, s: s["sustainability"]["ending"] != "taper", "the money ends otherwise"),
    ("sustainability.extend_years", lambda _, s: s["sustainability"]["ending"] != "extend", "the money ends otherwise"),
    (
        "sustainability.principle_shift",
        lambda _, s: not any(s["sustainability"]["principles"].values()),
        "no principle of sustainability is in place in this run",
    ),
    ("budget.enough_gbp_per_pupil", lambda _, s: not s["budget"]["reallocation"], "nothing is re-allocated"),
    ("organisation.review_after", lambda _, s: s["organisation"]["review"] == "none", "shares are not re-set"),
    ("value.neet_*", lambda _, s: True, "savings from fewer NEET are never added to the headline"),
    ("value.elasticity", lambda _, s: True, "the headline weighs every pound alike"),
    ("value.income_ratio", lambda _, s: True, "the headline weighs every pound alike"),
    ("value.*", lambda _, s: "attainment_8" not in s["measures"], f"{MEASURES['attainment_8'].label} is not measured"),
)
