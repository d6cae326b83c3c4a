"""Assumptions register: each number that the answer of a run rests on, with its source, status and owner.

The rows of the package's tables that a run rests on are among them.
"""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from scipy.special import betaincinv, ndtri

from oa_sim.definitions import ATTAINMENT_8_SD, MEASURES, POSTERIOR_NAMES, academic_year
from oa_sim.inference import counterfactual, national_trend
from oa_sim.inputs import tables
from oa_sim.report.data_dictionary import shipped_rows
from oa_sim.report.sanitise import in_table
from oa_sim.scenario import config_files, load
from oa_sim.scenario.rules import SCORE, look_up
from oa_sim.scenario.schema import Scenario

UNSOURCED = "none: judgement of this project"
OPEN = "Open Government Licence"  # what is under it was published by a department and read there
OURS = "this project"
COLUMNS = ("number", "what", "value", "unit", "source", "status", "rating", "why", "owner")
HEADED = ("budget",)  # groups whose files name the source of their numbers in the first line
PLAN_HASH = "budget.plan_sha256"  # of the file of a plan, which a manifest adds to the scenario
MEANS = "some are means over authorities whose borders have moved"
SCHOOLS = "estimates, added up from school tables by place of school"
STALE = "the tables here are others than those of the run"
OWNERS = {  # first part of a number that no field of a scenario has: the role that confirms it
    **dict.fromkeys(("studies", "months"), "evidence lead"),
    **dict.fromkeys(("outcomes", "pupils", "breaks", "district_figures", "learned"), "data lead"),
    "programme": "programme finance",
    **dict.fromkeys(("law", "district_law"), "model lead"),
}
SAID_SO = {"to verify": "to verify", "recalled": "recalled", "assum": "assumed", "judged": "assumed"}  # of a comment
LAW = {  # numbers that stand in the law itself and cannot be changed by a scenario
    "attainment_8_sd": ATTAINMENT_8_SD,
    "break_fades": national_trend.FADES,
    "break_freedom": counterfactual.BREAK_FREEDOM,
}
GIVES = re.compile(r"`[^`]*`")  # a word of the files, not said of the number


class Entry(NamedTuple):
    """A number before it is rated: as in the register, its source by its key.

    ``unused`` says why the headline does not rest on it, ``doubt`` what keeps a number that was found from being green,
    and ``remark`` what stands beside it where it is kept; each is empty where there is nothing to say.
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


Data = dict[str, list[tables.Row]]


def assumptions(manifest: dict[str, Any], data_folder: str | None = None) -> pd.DataFrame:
    """Return the register of a run: a row for each number that the answer rests on.

    ``data_folder`` has the tables; by default they lie where the run had them, or inside the package. The columns are
    ``number`` (a name that is the same in every run), ``what``, ``value`` (with its distribution), ``unit``,
    ``source``, ``status`` (published, found, assumed, recalled or to verify), ``rating`` (red, amber or green), ``why``
    and ``owner``. Every leaf of the scenario is in it but those that are no assumption; published figures are one row a
    series.

    Raises
    ------
    Refusal
        Where the tables are missing or broken.
    """
    scenario = manifest["scenario"]
    name = data_folder or scenario.get("data_folder")
    folder = Path(name) if name else None
    data = tables.read_all(folder, scenario["areas"]["names"])
    of_tables = [*_of_tables(scenario, data), *_learned(manifest), *_law(scenario)]
    if tables.data_hash(folder) != manifest["data_hash"]:
        of_tables = [entry._replace(doubt=STALE) for entry in of_tables]
    titles = {
        row["source"]: f"{row['source']}: {row['publisher']}, {row['title']} ({row['published']})"
        for row in data["sources"]
    }
    rows = []
    for entry in (*_of_scenario(scenario, data), *of_tables):
        source = "; ".join(titles.get(key, key) for key in entry.source.split("; ")) + entry.remark
        rows.append((*entry[:4], source, entry.status, *_rate(entry), _owner_of(entry.number)))
    return in_table(pd.DataFrame(rows, columns=list(COLUMNS)))


def _status_of(row: tables.Row, data: Data, description: str = "") -> str:
    """Return how well a row is known: a recalled one is one whose source is none, a published one is a department's."""
    licence = next((source["licence"] for source in data["sources"] if source["source"] == row["source"]), "")
    if row["status"] == "to verify":
        return "recalled" if row["source"] == "RECALLED" else "to verify"
    if "assum" in description:
        return "assumed"
    return "published" if OPEN in licence and not row["source"].startswith("OWN-") else "found"


def _of_tables(scenario: dict, data: Data) -> Iterator[Entry]:
    """Yield the numbers of the rows that a run rests on; of published figures one entry a series."""
    names, measures = scenario["areas"]["names"], scenario["measures"]
    counties = {row["area"]: row["published_place"] for row in data["areas"] if row["area"] in names}
    districts = {area for area, county in counties.items() if county != area}
    yield from _of_rows("studies", data["studies"], scenario, data)
    yield from _of_rows("months", data["months"], scenario, data)
    programmes = scenario["organisation"]["national"]
    yield from _of_rows("national", [row for row in data["national"] if row["national"] in programmes], scenario, data)
    yield from _of_rows("events", _shocks(scenario, data), scenario, data)
    yield from _of_rows("areas", [row for row in data["areas"] if row["area"] in names], scenario, data)
    if scenario["portfolio"]["rule"] == "delivery_plans":
        followed = [row for row in data["priorities"] if row["area"] in names]
        yield from _of_rows("priorities", followed, scenario, data)
    if scenario["split"]["rule"] == "as_paid":
        paid = [row for row in data["programme"] if row["area"] in (*names, "all")]
        yield from _of_rows("programme", paid, scenario, data)
    places = {"England", *counties, *counties.values()}
    figures = {**data, "district_figures": list(_of_districts(data, districts))}
    own = {(row["measure"], row["group"], row["place"]) for row in figures["district_figures"]}
    for table, key in (("outcomes", "measure"), ("pupils", "quantity"), ("district_figures", "measure")):
        series: dict[tuple[str, str], list[tables.Row]] = {}
        for row in figures[table]:
            if row["place"] in places and (table == "pupils" or row["measure"] in measures):
                series.setdefault((row[key], row.get("group", "")), []).append(row)
        for (name, group), rows in series.items():
            known = {row["place"] for row in rows if row["geography"] == "district"}
            known |= {area for area in districts if (name, group, area) in own}
            number = f"{table}.{name}{f'.{group}' if group else ''}"
            yield _series(number, name, group, rows, data, sorted(districts - known))
    if districts:
        what, basis = "How a district differs from its county, over all series", "learned from all districts"
        yield Entry("district_law.levels", what, basis, "SD squared", "OWN-PANEL", "found", doubt=OURS)
    yield from _of_rows("breaks", [row for row in data["breaks"] if row["measure"] in measures], scenario, data)


def _of_districts(data: Data, districts: set[str]) -> Iterator[tables.Row]:
    """Yield the figures of districts as those of the other tables are written."""
    codes = {code: row["area"] for row in data["areas"] if row["area"] in districts for code in row["code"].split("+")}
    for row in data["district_figures"]:
        if row["code"] in codes:
            yield row | {"place": codes[row["code"]], "geography": "district", "unit": MEASURES[row["measure"]].unit}


def _of_rows(table: str, rows: list[tables.Row], scenario: dict, data: Data) -> Iterator[Entry]:
    """Yield the numbers of rows of a table, in the words of ``data/register_words.csv``."""
    lines = [line for line in shipped_rows("register_words") if line["table"] == table]
    for row in rows:
        words, unused = row | _words(row), ""
        if table == "studies" and row["study"] in scenario["evidence"]["without"]:
            unused = "left out of this run"
        if table == "events" and not _is_in_view(row, scenario):
            unused = "it lies before the years in view"
        doubt = "a range" if table == "events" else ""
        for line in lines:
            number, what, value, unit = (line[key].format_map(words) for key in ("number", "what", "value", "unit"))
            yield Entry(number, what, value, unit, row["source"], _status(number, row, data), unused, doubt)


def _words(row: tables.Row) -> dict[str, str]:
    """Return what is said of a row beside its cells."""
    words = {"name": str(row.get("national") or row.get("event")).replace("_", " ")}
    if "effect_unit" in row:
        words["unit_of_effect"] = "months of progress" if row["effect_unit"] == "months" else "SD of pupils"
    if "first_month" in row:
        words |= {"begins": _month(row["first_month"]), "ends": _month(row["last_month"])}
    if "interventions" in row:
        words["bought"] = ", ".join(row["interventions"])
    if "budget_gbp" in row:
        words["budget"] = f"{row['budget_gbp']:,.0f}" if row["budget_gbp"] is not None else "not published"
    if "last_year" in row:
        words["span"] = f"{academic_year(row['first_year'])} to {academic_year(row['last_year'])}"
    if "measure" in row:
        words |= {"label": MEASURES[row["measure"]].label, "kind_in_words": str(row.get("kind")).replace("_", " ")}
    return words


def _status(number: str, row: tables.Row, data: Data) -> str:
    """Return how well a number of a row is known: a standard error may be assumed, and so are scores of ours."""
    status = _status_of(row, data, str(row.get("what_it_is", row.get("what_happened", ""))))
    if number.endswith(".standard_error_sd") and status == "found":
        return "assumed" if row["standard_error_basis"] == "assumed" else status
    is_read = number.endswith(".gbp") or (number.endswith(".schools_share") and "%" in row.get("what_it_is", ""))
    is_score = number.startswith("national.") and not is_read
    return "assumed" if is_score and status in ("found", "published") else status


def _shocks(scenario: dict, data: Data) -> list[tables.Row]:
    return [row for row in data["events"] if row["event"] in scenario["organisation"]["events"]]


def _is_in_view(row: tables.Row, scenario: dict) -> bool:
    return row["first_month"] + 1 >= scenario["start_year"]


def _month(moment: float) -> str:
    year = int(moment + 1e-6)
    return f"{year}-{round((moment - year) * 12) + 1:02d}"


def _series(number: str, name: str, group: str, rows: list[tables.Row], data: Data, stand_in: list[str]) -> Entry:
    """Return one entry for all published figures of a series; a county's stand in for some districts."""
    years, statuses = sorted({row["year"] for row in rows}), [_status_of(row, data) for row in rows]
    worst = next(name for name in ("recalled", "to verify", "found", "published") if name in statuses)
    span = f"{academic_year(years[0])} to {academic_year(years[-1])}"
    what = MEASURES[name].label if name in MEASURES else name.replace("_", " ")
    n_doubted = sum(status in ("recalled", "to verify") for status in statuses)
    doubts = [f"a county\u2019s figures stand in for {', '.join(stand_in)}"] if stand_in else []
    doubts += [MEANS] if any(row["source"] == "OWN-AUTHORITIES" for row in rows) else []
    doubts += [SCHOOLS] if any(row["source"].endswith("-SCHOOLS") for row in rows) else []
    doubts += [f"{n_doubted} of the figures are to verify"] if n_doubted else []
    return Entry(
        number, f"Published figures: {what}{f', {group}' if group else ''}",
        f"{len(rows):,} figures of {len({row['place'] for row in rows})} places, {span}", rows[0]["unit"],
        "; ".join(sorted({row["source"] for row in rows})), worst, doubt="; ".join(doubts),
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
    """Yield the numbers of ``LAW``."""
    unused = "" if "attainment_8" in scenario["measures"] else "Attainment 8 is not measured"
    for line in shipped_rows("register_words"):
        if line["table"] == "law":
            value, is_recalled = f"{LAW[line['number'].removeprefix('law.')]:g}", "attainment_8" in line["number"]
            status = ("recalled", unused) if is_recalled else ("assumed",)
            yield Entry(line["number"], line["what"], value, line["unit"], UNSOURCED, *status)


def _owner_of(number: str) -> str:
    """Return the role that has to confirm a number."""
    first = number.split(".")[0]
    if first in Scenario.__dataclass_fields__ and first != "areas":
        return look_up(number, Scenario).owner
    if first == "national":
        return "programme finance" if number.endswith(".gbp") else "delivery lead"
    return OWNERS.get(first, "delivery lead")


def _rate(entry: Entry) -> tuple[str, str]:
    """Return the rating of a number and the rule that gave it.

    Red is recalled or to verify, where the headline rests on it. Amber is judgement: assumed, a spread around what was
    found, an estimate of ours, a county's figures; or to verify where the headline does not rest on it. Green is
    published or found in a source that is named, and read there.
    """
    off = f"; {entry.unused}" if entry.unused else ""
    if entry.status in ("to verify", "recalled"):
        what = "recalled and still to verify" if entry.status == "recalled" else "still to verify"
        if entry.unused:
            return "amber", f"{what}, but {entry.unused}"
        return "red", f"{what}, and the headline rests on it"
    if entry.status == "assumed":
        return "amber", f"judgement{off}"
    if entry.doubt == OURS or (not entry.doubt and entry.source.startswith(("OWN-", "OUTSIDE"))):
        return "amber", f"an estimate of this project{off}"
    if entry.doubt:
        return "amber", f"{entry.doubt}{off}"
    return "green", f"{'published' if entry.status == 'published' else 'found in the source that is named'}{off}"


def value_text(value: object) -> str:
    """Return a leaf as people read it; a distribution with its mean and 90% interval."""
    if isinstance(value, dict) and "dist" in value:
        a, b = float(value["a"]), float(value.get("b") or 0)
        mean, low, high = spread(value["dist"], a, b)
        if not low < high:
            return f"{_short(a)}, fixed"
        name = f"{value['dist']}({a:g}{'' if value['dist'] == 'HalfNormal' else f', {b:g}'})"
        return f"{name}: mean {_short(mean)}, 90% interval {_short(low)} to {_short(high)}"
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


def _of_scenario(scenario: dict, data: Data) -> list[Entry]:
    """Return every leaf of a scenario that is an assumption."""
    notes, keys = config_files.notes(scenario), [row["source"] for row in data["sources"]]
    not_in_use = list(_not_in_use(scenario, data))
    entries = []
    for path, value in config_files.leaves(scenario):
        if is_assumption(path):
            unused = next((why for start, why in not_in_use if f"{path}.".startswith(start)), "")
            entries.append(_entry(path, value, scenario, notes.get(path, []), keys)._replace(unused=unused))
    return entries


def is_assumption(path: str) -> bool:
    """Return whether the answer takes a leaf of a scenario for granted: it is not what is asked, a name or a place."""
    return path != PLAN_HASH and look_up(path, Scenario).rule.is_assumption


def _entry(path: str, value: object, scenario: dict, notes: list[config_files.Note], keys: list[str]) -> Entry:
    """Return one leaf with what its config file says of it."""
    what, unit = load.label_of(path, scenario), look_up(path, Scenario).rule.unit
    same = next((note for note in notes if note.value == config_files.plain(value)), None)
    doubt = "its middle was found, its spread is judgement" if isinstance(value, dict) and "dist" in value else ""
    if same is None:
        source = "what holds where no file says otherwise"
        if notes:  # a distribution of a file is a tuple
            was = notes[0].value
            was = dict(zip(("dist", "a", "b"), was, strict=True)) if isinstance(was, tuple) else was
            source = f"changed for this run: {notes[0].file} has {value_text(was)}"
        return Entry(path, what, value_text(value), unit, source, "assumed", doubt=doubt)
    comment = same.comment
    if path.startswith("interventions.") and path.endswith(".unit_cost_gbp"):
        comment = str(scenario["interventions"][path.split(".")[1]]["source"]).split(";")[0]
    source, status = _sourced(comment, same.heading, keys, path.split(".")[0] in HEADED)
    if status == "found" and unit == SCORE:
        status = "assumed"  # a source has words; the score is ours
    remark = f" [{same.file}: {comment or same.heading or 'no comment'}]"
    return Entry(path, what, value_text(value), unit, source, status, doubt=doubt, remark=remark)


def _sourced(comment: str, heading: str, keys: list[str], is_headed: bool) -> tuple[str, str]:
    """Return source and status of a number by what its config file says beside it, then above it."""
    for text, counts in ((comment, True), (heading, is_headed)):
        lowered = GIVES.sub("", text).lower()
        named = "; ".join(key for key in keys if re.search(rf"(?<![\w-]){re.escape(key)}(?![\w-])", text))
        for sign, status in SAID_SO.items():
            if sign in lowered:
                return named or UNSOURCED, status
        if named:
            return named, "found" if counts else "assumed"
    return UNSOURCED, "assumed"


def _not_in_use(scenario: dict, data: Data) -> Iterator[tuple[str, str]]:
    """Yield what the headline of a run does not rest on: how its leaves begin (a whole name ends in a dot), and why."""
    organisation, sustainability, offers = (
        scenario[name] for name in ("organisation", "sustainability", "interventions")
    )
    bought = {name for name, share in scenario["portfolio"]["shares"].items() if share}
    for row in data["national"]:
        bought |= set(row["interventions"]) if row["national"] in organisation["national"] else set()
    if scenario["portfolio"]["rule"] == "delivery_plans" or scenario["budget"].get("plan"):
        bought = set(offers)
    fading, lasting = ({offers[name][key] for name in bought & set(offers)} for key in ("fade_out", "kind"))
    for key, names, in_use, why in (
        ("interventions", offers, bought, "no money goes to it in this run"),
        ("evidence.fade_out", scenario["evidence"]["fade_out"], fading, "nothing that is bought fades by it"),
        ("sustainability.kinds", sustainability["kinds"], lasting, "nothing that is bought is of this kind"),
        ("delivery.procurement", scenario["delivery"]["procurement"], {organisation["procurement"]},
         "activity is bought another way in this run"),
    ):  # fmt: skip
        yield from ((f"{key}.{name}.", why) for name in names if name not in in_use)
    is_shocked = any(row["what"] == "attainment" and _is_in_view(row, scenario) for row in _shocks(scenario, data))
    ending = sustainability["ending"]
    rules = (
        ("delivery.sharing_", not organisation["sharing"], "areas do not share in this run"),
        ("delivery.spill.", not organisation["twins"], "no areas are twinned in this run"),
        ("delivery.board_", min(organisation["board"].values()) == 1, "the whole board is there in this run"),
        ("delivery.disadvantage_factor.", not is_shocked, "no learning shock comes about in this run"),
        ("delivery.recovery.", not is_shocked, "no learning shock comes about in this run"),
        ("sustainability.taper_years.", ending != "taper", "the money ends otherwise"),
        ("sustainability.extend_years.", ending != "extend", "the money ends otherwise"),
        ("sustainability.principle_shift.", not any(sustainability["principles"].values()),
         "no principle of sustainability is in place in this run"),
        ("budget.enough_gbp_per_pupil.", not scenario["budget"]["reallocation"], "nothing is re-allocated"),
        ("organisation.review_after.", organisation["review"] == "none", "shares are not re-set"),
        ("value.neet_", True, "savings from fewer NEET are never added to the headline"),
        ("value.elasticity.", True, "the headline weighs every pound alike"),
        ("value.income_ratio.", True, "the headline weighs every pound alike"),
        ("value.", "attainment_8" not in scenario["measures"], f"{MEASURES['attainment_8'].label} is not measured"),
    )  # fmt: skip
    yield from ((start, why) for start, is_off, why in rules if is_off)
