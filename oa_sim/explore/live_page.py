"""Live page: the levers and the answer of the explorer as HTML, every name of it escaped."""

from html import escape
from importlib.resources import files

from oa_sim.compiled import simulate
from oa_sim.definitions import GROUPS, LONGEST_HORIZON, MEASURES, SHORTEST_HORIZON
from oa_sim.explore import session
from oa_sim.explore.live_base import Base
from oa_sim.plots.fan_charts import CHANGE, INK, NARROW, WIDE, WITH
from oa_sim.scenario.schema import ENDINGS

MOST_GBP = 300e6  # the right end of the money's lever, unless the base has more
SAID = {
    "equal": "the same for each area",
    "per_pupil": "by pupils",
    "per_disadvantaged_pupil": "by disadvantaged pupils",
    "as_paid": "as it was paid",
    "stop": "stops",
    "taper": "tapers off over some years",
    "extend": "goes on, spread thinner",
    "hand_over": "local partners take over",
    "disadvantaged": "disadvantaged pupils",
    "other": "other pupils",
    "all": "all pupils",
}
KEY = (
    (f'<path d="M0 7h28" stroke="{INK}"/><circle cx="14" cy="7" r="3" fill="{INK}"/>', "published"),
    (f'<path d="M0 7h28" stroke="{INK}" stroke-width="2" stroke-dasharray="5 3"/>', "median without the programme"),
    (f'<path d="M0 0h28v14h-28z" fill="{WIDE}"/><path d="M0 4h28v6h-28z" fill="{NARROW}"/>', "its 50 % and 90 % band"),
    (f'<path d="M0 7h28" stroke="{WITH}" stroke-width="2.5"/>', "median with the programme"),
    (f'<path d="M0 2h28M0 12h28" stroke="{WITH}" stroke-dasharray="2 2"/>', "edges of its 90 % band"),
    (f'<path d="M0 2h28v10h-28z" fill="{CHANGE}" fill-opacity=".3"/><path d="M0 7h28" stroke="{CHANGE}" '
     'stroke-width="2.5"/>', "impact: median, 50 % and 90 % band"),
    ('<path d="M14 0v14" stroke="#8a8a8a" stroke-dasharray="2 3"/>', "figures break here"),
)  # fmt: skip


def asset(name: str) -> str:
    """Return a file of the page that lies beside this one."""
    return (files(__package__) / name).read_text(encoding="utf-8")


def _select(name: str, label: str, options: dict[str, str], chosen: str) -> str:
    inside = "".join(
        f'<option value="{escape(value)}"{" selected" * (value == chosen)}>{escape(text)}</option>'
        for value, text in options.items()
    )
    return f'<label for="{name}">{label}</label><select id="{name}" data-lever="{name}">{inside}</select>'


def levers(base: Base, saves_to: str) -> str:
    """Return the form with a lever for each choice, and the field that saves them."""
    at, own = session.start(base), base.scenario
    places = {simulate.MEAN: f"mean of the {len(own.areas.names)} areas"} | {name: name for name in own.areas.names}
    measures = {name: MEASURES[name].label for name in own.measures}
    money, most = f"{at.total_gbp / 1e6:.10g}", f"{max(MOST_GBP, 2 * at.total_gbp) / 1e6:g}"
    return f"""<form id="levers" class="oa-levers" autocomplete="off" aria-label="Levers">
<h2>The programme</h2>
{_select("split", "Split of the money", _named(base.splits), at.split)}
{_select("portfolio", "Portfolio", _named(base.portfolios), at.portfolio)}
{_select("ending", "When the money ends, it", _named(ENDINGS), at.ending)}
<label for="horizon">Horizon: <output id="horizon-years" for="horizon">{at.horizon} years</output></label>
<input type="range" id="horizon" data-lever="horizon" min="{SHORTEST_HORIZON}" max="{LONGEST_HORIZON}" step="1"
 value="{at.horizon}">
<label for="money">Total money, million GBP</label>
<input type="number" id="money" data-lever="total_mgbp" data-pair="money-range" min="0" step="any" value="{money}">
<input type="range" id="money-range" data-pair="money" min="0" max="{most}" step="1" value="{money}"
 aria-label="Total money, million GBP, as a slider">
<h2>What is shown</h2>
{_select("place", "Area", places, at.place)}
{_select("measure", "Measure", measures, at.measure)}
{_select("group", "Pupils", {name: SAID[name] for name in GROUPS}, at.group)}
<button type="button" id="back" class="oa-second">Back to the start</button>
<h2>Keep this setting</h2>
<label for="name">Name of the scenario</label>
<input type="text" id="name" maxlength="64" spellcheck="false" aria-describedby="name-rule">
<small id="name-rule">letters, digits, - and _; saved in <span class="oa-said">{escape(saves_to)}</span></small>
<label class="oa-tick"><input type="checkbox" id="over"> write over a file of that name</label>
<button type="submit">Save as a scenario file</button>
<div id="saved" role="status" class="oa-said"></div>
</form>"""


def _named(names) -> dict[str, str]:
    return {name: SAID.get(name, name.replace("_", " ")) for name in names}


def page(base: Base, saves_to: str) -> str:
    """Return the body of the page."""
    return f"""<main class="oa-page"><h1>Explore <bdi>{escape(base.scenario.name)}</bdi></h1>
<p>Move a lever: the projection is made anew from the stored posterior.</p>
<div class="oa-columns">{levers(base, saves_to)}
<section aria-label="Answer"><div id="said" class="oa-hidden" aria-live="polite" role="status"></div>
<div id="answer" class="oa-answer"><p>The first answer is being made.</p></div></section></div></main>"""


def answer(seen: session.View) -> str:
    """Return an answer as HTML."""
    lead, *more = (f'<p class="oa-lead">{escape(text)}</p>' for text in seen.sentences)
    facts = "".join(f"<div><dt>{escape(label)}</dt><dd>{escape(text)}</dd></div>" for label, text in seen.facts)
    warned = "".join(f"<p>{escape(text)}</p>" for text in seen.warnings)
    key = "".join(
        f'<li><svg aria-hidden="true" width="28" height="14" viewBox="0 0 28 14">{svg}</svg>{text}</li>'
        for svg, text in KEY
    )
    head = "".join(f'<th scope="col">{text}</th>' for text in ("Year", "Without the programme", "With it", "Impact"))
    rows = "".join(
        f'<tr><th scope="row">{row[0]}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in row[1:])}</tr>'
        for row in seen.rows
    )
    return f"""{lead}{"".join(more)}<dl class="oa-facts">{facts}</dl>
<div class="oa-picture">{seen.picture}</div><ul class="oa-key">{key}</ul>
<div class="oa-warn">{warned}</div>
<h2>Year by year</h2><div class="oa-scroll" tabindex="0" role="region" aria-label="Year by year">
<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"""


def refused(sentence: str) -> str:
    """Return the page's answer to a setting that cannot be honoured."""
    return f'<p class="oa-no">{escape(sentence)}</p>'
