"""Parameter notes: what each number of a scenario means, its unit, its owner, and its source in the config files.

A config file carries unit, source and reason at the end of the line. Here they are read, by key, from the file whose
values the run has; a run keeps its values, not the names of the choices that gave them. Patterns stand for paths such
as ``delivery.lag_years``; the first that fits has the word.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml

from oa_sim.definitions import MEASURES
from oa_sim.scenario.overrides import CONFIGS, groups

COMMANDS = ("# @package", "# oa-sim")  # comments that say nothing about numbers
FIELDS = {"intervention": "interventions"}  # group: the field it fills, where the two differ
ONE_EACH = ("intervention",)  # groups of which each file fills a key of its own
SHARE, TRUTH, WORD = "share, 0 to 1", "yes or no", "a name"
NO_ASSUMPTION = {  # what is asked, and where things lie: not what the answer takes for granted
    "name": "the name of the question",
    "start_year": "the question: the first projected year",
    "horizon": "the question: years projected",
    "measures": "the question: which outcomes",
    "areas.names": "the question: which areas",
    "seed": "the root of the random numbers",
    "sampler.draws": "how many draws are carried",
    "posterior": "where the learned posterior lies; what it holds is under learned",
    "outputs": "where results go",
    "data_folder": "where the tables lie; what they hold is under their names",
    "budget.plan_sha256": "the hash of the file of the plan",
    "portfolio.name": "the name of the portfolio; its shares are numbers",
    "interventions.*.label": "the name of an intervention",
    "interventions.*.source": "the source of an intervention\u2019s numbers, said beside them",
}
ABOUT = (  # pattern, what it is ({} is the name of what it belongs to), unit
    ("budget.total_gbp", "All the money", "GBP, nominal"),
    ("budget.profile", "Relative size of each funded year", "weights"),
    ("budget.management_share", "Share of the money for programme managers", SHARE),
    ("budget.announced_years_before", "From the announcement of the first areas to the first funded year", "years"),
    ("budget.second_group_later_years", "By how much later the second areas were announced", "years"),
    ("budget.payment_rounds", "Share of the first year\u2019s money in each payment within it", SHARE),
    ("budget.carry_over", "Whether what comes too late in the first year is spent in the second", TRUTH),
    ("budget.reallocation", "Whether money that an area cannot use goes to others", TRUTH),
    ("budget.enough_gbp_per_pupil", "What an area can use", "GBP / pupil / year"),
    ("budget.price_base", "The prices of the money", WORD),
    ("budget.plan", "A plan that stands for split and portfolio", "a file"),
    ("split.rule", "How the money is shared among areas", WORD),
    ("split.shares*", "Share of the money of {}", SHARE),
    ("portfolio.rule", "How each area chooses what it buys", WORD),
    ("portfolio.shares*", "Share of the money that goes to {}", SHARE),
    ("interventions.*.phase", "Where {} works", WORD),
    ("interventions.*.kind", "What carries {} on when the money stops", WORD),
    ("interventions.*.year_groups", "Year groups that {} serves, Reception = 0", "year groups"),
    ("interventions.*.eligible.*", "Share of pupils who may be served by {}", SHARE),
    ("interventions.*.acts_on.*", "Share of the effect of {} that reaches the channel", "share, 0 to 3"),
    ("interventions.*.study_type", "The studies that speak for the effect of {}", WORD),
    ("interventions.*.fade_out", "The course by which the gain from {} fades", WORD),
    ("interventions.*.unit_cost_gbp", "Cost of {}, median", "GBP / fully served pupil / year"),
    ("interventions.*.capacity", "Largest share of eligible pupils that {} can reach", SHARE),
    ("interventions.*.extra_lag_years", "By how much later {} starts", "years"),
    ("interventions.*.rests_on_trained_staff", "Whether what goes on of {} leaves with staff who were trained", TRUTH),
    ("evidence.family_mean", "Mean effect of large trials, at scale", "SD of pupils"),
    ("evidence.family_spread", "Spread of effects between types of intervention", "SD of pupils"),
    ("evidence.kept_from_*", "Share of a published effect that is left at scale", SHARE),
    ("evidence.doubt_factor", "How much wider the errors of studies are that are still to verify", "factor"),
    ("evidence.fade_out.*.first_year", "Share of a gain left a year after treatment: {}", SHARE),
    ("evidence.fade_out.*.later", "Share left of what fades, each later year: {}", SHARE),
    ("evidence.fade_out.*.floor", "Share of the first year\u2019s remainder that never fades: {}", SHARE),
    ("evidence.attendance_link.*", "Share of a gain in the channel that is gained in attainment", SHARE),
    ("evidence.outside_view.is_on", "Whether tables are with the outside view; headlines are said both ways", TRUTH),
    ("evidence.outside_view.degrees_of_freedom", "How heavy the tails of the outside view are", "degrees of freedom"),
    (
        "evidence.outside_view.*",
        "What programmes of this kind have mostly done, whole area at the peak",
        "SD of pupils",
    ),
    ("evidence.without", "Studies that are left out", "names"),
    ("delivery.lag_years", "From announcement to first delivery", "years"),
    ("delivery.ramp_years", "From first delivery to full reach", "years"),
    ("delivery.dose", "Delivered over planned", SHARE),
    ("delivery.overlap", "What is left of a sum where programmes meet on one pupil", SHARE),
    ("delivery.cost_sigma", "Spread of unit costs", "log SD"),
    ("delivery.area_sigma", "Spread of delivery between areas", "log SD"),
    ("delivery.leave_area", "Pupils who leave the area in a year", SHARE),
    ("delivery.board_slower", "By how much longer the lag is without a part of the board", "share of the lag"),
    ("delivery.board_weaker", "By how much weaker the dose is without a part of the board", "log-odds"),
    ("delivery.procurement.*", "Factor on the lag by this way of buying", "factor"),
    ("delivery.open_procurement_years", "What full open procurement takes of the lag", "years"),
    ("delivery.network_years", "What the lack of networks adds to the lag", "years"),
    ("delivery.sharing_faster", "By how much shorter the lag is where areas share", "share of the lag"),
    ("delivery.sharing_better", "By how much better the dose is where areas share", "log-odds"),
    ("delivery.spill", "Share of an area\u2019s activity that its twin takes up a year later", SHARE),
    ("delivery.engagement_reach", "What a partner fully there adds to reach", "log-odds"),
    ("delivery.engagement_survives", "What a partner fully there adds to first-year survival", "log-odds"),
    ("delivery.load_loss", "Fidelity lost for each programme beyond what a school can take on", SHARE),
    ("delivery.disadvantage_factor", "Learning shock of disadvantaged pupils over that of others", "factor"),
    ("delivery.recovery", "Share of a learning shock that is left a year later", SHARE),
    ("organisation.board.*", "How far this part of the board is there", "score, 0 to 1"),
    ("organisation.procurement", "How activity is bought", WORD),
    ("organisation.sign_off_gbp", "Above this a line of spend goes through open procurement", "GBP / year"),
    ("organisation.networks.*", "Whether networks stood before the programme", "score, 0 to 1"),
    ("organisation.sharing", "How far areas share what works", "score, 0 to 1"),
    ("organisation.twins*", "The area that takes up what {} does", "names"),
    ("organisation.engagement.*", "How far these partners are won", "score, 0 to 1"),
    ("organisation.national", "National programmes beside the budget", "names"),
    ("organisation.schools_take", "Programmes that a school can take on at once", "programmes"),
    ("organisation.events", "What happens on the way", "names"),
    ("organisation.review", "The rule by which an area\u2019s shares are re-set", WORD),
    ("organisation.review_after", "After how many funded years they are", "years"),
    ("sustainability.ending", "How the money ends", WORD),
    ("sustainability.taper_years", "Years over which the end is spread", "years"),
    ("sustainability.extend_years", "Years over which the same money is spread", "years"),
    ("sustainability.kinds.*.first_year", "Share that goes on in the first year without money: {}", SHARE),
    ("sustainability.kinds.*.later", "Share of that which goes on in each later year: {}", SHARE),
    ("sustainability.quality", "Quality of what goes on, against what was paid for", SHARE),
    ("sustainability.principles.*", "How far this principle of sustainability is in place", "score, 0 to 1"),
    ("sustainability.principle_shift", "What a principle fully there adds to first-year survival", "log-odds"),
    ("sustainability.staff_stay", "Trained staff who are still in their school a year later", SHARE),
    ("sustainability.retraining", "Share of leavers whose successors are trained", SHARE),
    ("sustainability.what_matters_sd", "Smallest impact worth speaking of", "SD of pupils"),
    ("sustainability.*_risk_*", "Chance of half the peak after five years at which the risk changes its name", SHARE),
    ("value.point_gbp", "Lifetime earnings that go with one Attainment 8 point of one pupil, at 16", "GBP / point"),
    ("value.causal_share", "Share of that which the point causes", SHARE),
    ("value.disadvantaged_factor", "A point\u2019s worth to a disadvantaged pupil over that to another", "factor"),
    ("value.*_prices", "The prices of these pounds", WORD),
    ("value.discount_rate", "Discount rate of the first 30 years", "1 / year"),
    ("value.later_discount_rate", "Discount rate after 30 years", "1 / year"),
    ("value.elasticity", "Elasticity of the marginal utility of income", "1"),
    ("value.income_ratio", "Income of other pupils, grown up, over that of disadvantaged ones", "factor"),
    ("value.neet_gbp", "Lifetime cost to the public purse of a young person who is NEET", "GBP / person"),
    ("value.neet_causal_share", "Share of that which is saved where one is not", SHARE),
    ("value.review_above", "Benefit over cost above which a figure is reviewed before use", "GBP / GBP"),
)
OWNERS = (  # pattern, the role that has to confirm the number
    ("interventions.*.unit_cost_gbp", "programme finance"),
    ("national.*.gbp", "programme finance"),
    ("budget.*", "programme finance"),
    ("split.*", "programme finance"),
    ("programme.*", "programme finance"),
    ("interventions.*.acts_on.*", "evidence lead"),
    ("interventions.*.study_type", "evidence lead"),
    ("interventions.*.fade_out", "evidence lead"),
    ("evidence.*", "evidence lead"),
    ("studies.*", "evidence lead"),
    ("months.*", "evidence lead"),
    ("sustainability.*", "evidence lead"),
    ("value.*", "value-for-money analyst"),
    ("outcomes.*", "data lead"),
    ("pupils.*", "data lead"),
    ("breaks.*", "data lead"),
    ("proxies.*", "data lead"),
    ("learned.*", "data lead"),
    ("law.*", "model lead"),
    ("*", "delivery lead"),
)


class Note(NamedTuple):
    """What a config file says of one number.

    Attributes
    ----------
    value
        In the file, as ``plain`` has it.
    comment
        At the end of its line, and of the lines of what it is part of.
    heading
        The comment that stands above it.
    file
        Such as ``configs/delivery/standard.yaml``.
    """

    value: object
    comment: str
    heading: str
    file: str


def leaves(tree: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Yield each leaf of nested mappings with its dotted path; a distribution is one leaf, and so is a list."""
    if isinstance(tree, dict) and tree and "dist" not in tree:
        for key, branch in tree.items():
            yield from leaves(branch, f"{path}.{key}" if path else str(key))
    else:
        yield path, tree


def plain(value: object) -> object:
    """Return a leaf so that equal values are equal, however they were written."""
    if isinstance(value, dict) and "dist" in value:
        return value["dist"], float(value["a"]), float(value.get("b") or 0)
    if isinstance(value, list):
        return sorted(value) if all(isinstance(item, str) for item in value) else [plain(item) for item in value]
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def notes(scenario: dict) -> dict[str, list[Note]]:
    """Return what the config files say of each leaf of a scenario, the file that has the last word first.

    Parameters
    ----------
    scenario
        As a manifest holds it, nested plain values.
    """
    run = {path: plain(value) for path, value in leaves(scenario)}
    found: dict[str, list[Note]] = {}
    for path, note in _last_word(str(scenario.get("name"))).items():
        found.setdefault(path, []).append(note)
    for group, names in groups().items():
        if group == "scenario":
            continue
        for chosen in names if group in ONE_EACH else [_nearest(group, names, run)]:
            for path, note in _of_choice(group, chosen).items():
                found.setdefault(path, []).append(note)
    for path, note in _read("config.yaml").items():
        found.setdefault(path, []).append(note)
    return found


def _last_word(name: str) -> dict[str, Note]:
    """Return what a named scenario's own file says; nothing where there is none of that name."""
    return _read(f"scenario/{name}.yaml") if name in groups()["scenario"] else {}


def _nearest(group: str, names: list[str], run: dict[str, object]) -> str:
    """Return the choice of a group of whose values the run has most."""

    def alike(name: str) -> float:
        said = _of_choice(group, name)
        return sum(run.get(path) == note.value for path, note in said.items()) / max(len(said), 1)

    return max(names, key=lambda name: (alike(name), name in _defaults(CONFIGS / "config.yaml")))


@cache
def _of_choice(group: str, name: str) -> dict[str, Note]:
    """Return the notes of a choice by path in the scenario, what it takes over from other choices included."""
    at = FIELDS.get(group, group) + (f".{name}" if group in ONE_EACH else "")
    found: dict[str, Note] = {}
    for other in _defaults(CONFIGS / group / f"{name}.yaml"):
        if other != "_self_":
            found |= _of_choice(group, other)
    return found | {f"{at}.{path}": note for path, note in _read(f"{group}/{name}.yaml").items()}


def _defaults(path: Path) -> list[str]:
    """Return the names in the defaults of a config file."""
    listed = (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("defaults", [])
    return [item if isinstance(item, str) else str(next(iter(item.values()))) for item in listed]


@cache
def _read(name: str) -> dict[str, Note]:
    """Return the notes of one file by the path within it."""
    text = (CONFIGS / name).read_text(encoding="utf-8")
    lines = text.splitlines()
    comments, headings = [_comment(line) for line in lines], _headings(lines)
    root, values = yaml.compose(text), yaml.safe_load(text)
    if not isinstance(root, yaml.MappingNode):
        return {}
    return {
        path: Note(plain(value), comment, headings[line], f"configs/{name}")
        for path, value, line, comment in _walk(root, values, comments, "", "")
        if path.split(".")[0] != "defaults"
    }


def _walk(node: yaml.MappingNode, values: dict, comments: list[str], above: str, path: str) -> Iterator[tuple]:
    for key, branch in node.value:
        line, name = key.start_mark.line, f"{path}.{key.value}" if path else str(key.value)
        value, comment = values[key.value], "; ".join(filter(None, (comments[line], above)))
        if isinstance(branch, yaml.MappingNode) and value and "dist" not in value:
            yield from _walk(branch, value, comments, comment, name)
        else:
            yield name, value, line, comment


def _comment(line: str) -> str:
    """Return what stands behind the sign of a comment at the end of a line; nothing for a whole line of comment."""
    quote = ""
    for at, character in enumerate(line):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character == "#" and at and line[at - 1] == " " and line[:at].strip():
            return line[at + 1 :].strip()
    return ""


def _headings(lines: list[str]) -> list[str]:
    """Return the comment above each line: the last one since a blank line, or the first of the file."""
    found, first, last = [], "", ""
    for line in lines:
        if not line.strip():
            last = first
        elif line.startswith("#") and not line.startswith(COMMANDS):
            last = line.lstrip("# ").strip()
            first = first or last
        found.append(last)
    return found


def is_no_assumption(path: str) -> bool:
    """Return whether a leaf of a scenario is what is asked, a name or a place, and no assumption."""
    return any(fnmatchcase(path, pattern) for pattern in NO_ASSUMPTION)


def owner(path: str) -> str:
    """Return the role that has to confirm a number."""
    return next(role for pattern, role in OWNERS if fnmatchcase(path, pattern))


def about(path: str, scenario: dict) -> tuple[str, str]:
    """Return a leaf of a scenario in words, and its unit.

    Raises
    ------
    KeyError
        For a leaf that no pattern fits.
    """
    for pattern, what, unit in ABOUT:
        if fnmatchcase(path, pattern):
            parts = path.split(".")
            of = parts[1] if parts[0] == "interventions" else parts[-1 if parts[0] in ("split", "portfolio") else -2]
            is_bought = parts[0] in ("interventions", "portfolio") and of in scenario["interventions"]
            label = scenario["interventions"][of]["label"] if is_bought else of.replace("_", " ")
            said = what.format(label)
            last = parts[-1].replace("_", " ")
            is_shared = "*" in pattern.rsplit(".", 1)[-1] and "{}" not in what
            return (f"{said}: {last}" if is_shared or parts[-2] in ("eligible", "acts_on") else said), unit
    raise KeyError(path)


def unused(path: str, scenario: dict) -> str:
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
