"""Server: the explorer as a server of this machine alone, which answers nobody that came by another name.

It writes the levers and the answer as HTML, with every name escaped.
"""

import asyncio
import socket
from collections.abc import Callable
from html import escape
from importlib.resources import files
from pathlib import Path

from oa_sim.definitions import GROUPS, LONGEST_HORIZON, MEAN_OF_AREAS, MEASURES, SHORTEST_HORIZON
from oa_sim.errors import Refusal
from oa_sim.explore import session
from oa_sim.explore import session as live_session
from oa_sim.explore.session import Base
from oa_sim.plots.picture import CHANGE, INK, NARROW, WIDE, WITH
from oa_sim.scenario import schema
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
    (f'<path d="M0 0h28v14h-28z" fill="{WIDE}"/><path d="M0 4h28v6h-28z" fill="{NARROW}"/>', "its 50% and 90% band"),
    (f'<path d="M0 7h28" stroke="{WITH}" stroke-width="2.5"/>', "median with the programme"),
    (f'<path d="M0 2h28M0 12h28" stroke="{WITH}" stroke-dasharray="2 2"/>', "edges of its 90% band"),
    (f'<path d="M0 2h28v10h-28z" fill="{CHANGE}" fill-opacity=".3"/><path d="M0 7h28" stroke="{CHANGE}" '
     'stroke-width="2.5"/>', "impact: median, 50% and 90% band"),
    ('<path d="M14 0v14" stroke="#8a8a8a" stroke-dasharray="2 3"/>', "figures break here"),
)  # fmt: skip
HERE = "127.0.0.1"
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; form-action 'none'; base-uri 'self'"
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


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
    places = {MEAN_OF_AREAS: f"mean of the {len(own.areas.names)} areas"} | {name: name for name in own.areas.names}
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


def levers_page(base: Base, saves_to: str) -> str:
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


class Guard:
    """Lets in only who asked for this machine by its own name, from a page of this very server.

    Another site's page can make a browser knock here, also under a name of its own that it points here; its name then
    stands in ``Host`` or ``Origin``, and it is turned away with 403.

    Parameters
    ----------
    app
        The ASGI application behind.
    port
        Where it is served.
    """

    def __init__(self, app, port: int):
        self.app = app
        self.hosts = {f"{name}:{port}".encode() for name in (HERE, "localhost")}
        self.origins = {b"http://" + host for host in self.hosts}

    async def __call__(self, scope, receive, send) -> None:
        """Answer one request or connection."""
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if not self.is_welcome(scope):
            return await _turn_away(scope, receive, send)

        async def marked(message) -> None:
            if message["type"] == "http.response.start":
                message = message | {"headers": [*message["headers"], *HEADERS]}
            await send(message)

        return await self.app(scope, receive, marked)

    def is_welcome(self, scope) -> bool:
        """Return whether a request names this server and comes from no other page."""
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        origins = [value for name, value in scope["headers"] if name == b"origin"]
        needs_origin = scope["type"] == "websocket"
        named = len(hosts) == 1 and hosts[0].lower() in self.hosts
        return named and all(one in self.origins for one in origins) and len(origins) >= needs_origin


async def _turn_away(scope, receive, send) -> None:
    """Answer 403; a WebSocket that is closed before it is accepted is answered so by the server."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    head = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": 403, "headers": head})
    await send({"type": "http.response.body", "body": b"This explorer answers only its own page on this machine.\n"})


def app(base: live_session.Base, saves_to: Path):
    """Return the Shiny application of a base.

    Parameters
    ----------
    base
        What the levers start from.
    saves_to
        The one folder that scenario files go to.
    """
    from shiny import App, reactive, ui

    def server(inputs, outputs, session) -> None:
        @reactive.effect
        @reactive.event(inputs.setting)
        async def _():
            told = inputs.setting()
            found = await asyncio.to_thread(_answered, told, base)
            await session.send_custom_message("answer", found)

        @reactive.effect
        @reactive.event(inputs.save)
        async def _():
            found = await asyncio.to_thread(_saved, inputs.save(), base, saves_to)
            await session.send_custom_message("saved", {"html": found})

    body = ui.HTML(levers_page(base, str(saves_to)))
    page = ui.page_fluid(
        ui.head_content(ui.tags.link(rel="icon", href="data:,")),
        ui.tags.style(ui.HTML(asset("live.css"))),
        body,
        ui.tags.script(ui.HTML(asset("live.js"))),
        title=f"Explore {base.scenario.name}",
        lang="en",
    )
    return App(page, server)


def _answered(told: object, base: live_session.Base) -> dict:
    """Return the answer to a setting as the page takes it; a refusal is an answer too."""
    serial = told.get("serial") if isinstance(told, dict) else None
    try:
        seen = live_session.view(live_session.setting(told, base), base)
        return {"serial": serial, "html": answer(seen), "said": seen.sentences[0]}
    except Refusal as refusal:
        return {"serial": serial, "html": refused(str(refusal)), "said": str(refusal)}


def _saved(told: object, base: live_session.Base, saves_to: Path) -> str:
    """Save a setting and return what the page says of it."""
    from html import escape

    try:
        asked = live_session.setting(told, base)
        path, command = live_session.save(
            asked, base, str(told.get("name", "")), saves_to, over=told.get("over") is True
        )
    except Refusal as refusal:
        return refused(str(refusal))
    return f"<p>Saved as {escape(path.name)}. It runs with</p><p><code>{escape(command)}</code></p>"


def warm(base: live_session.Base, say: Callable[[str], None]) -> None:
    """Make what all settings share, so that the first lever moves as quickly as the last."""
    from dataclasses import replace

    at = live_session.start(base)
    say("making the first answer")
    live_session.view(at, base)
    for ending in schema.ENDINGS:
        say(f"making ready for the ending {ending.replace('_', ' ')}")
        try:
            live_session.view(replace(at, ending=ending), base)
        except Refusal:
            continue  # the page says so when it is asked


def listening(port: int) -> socket.socket:
    """Return a socket of this machine alone; port 0 takes any that is free.

    Raises
    ------
    Refusal
        Where the port is taken.
    """
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((HERE, port))
    except OSError as error:
        found.close()
        raise Refusal(
            f"port={port} cannot be had ({error.strerror}): leave port out, and a free one is taken"
        ) from None
    return found


def serve(
    base: live_session.Base, saves_to: Path, port: int, say: Callable[[str], None], ready: Callable[[str], None]
) -> None:
    """Serve the explorer until it is stopped.

    Parameters
    ----------
    base
        What the levers start from.
    saves_to
        The one folder that scenario files go to.
    port
        0: any that is free.
    say
        Called with a sentence at each stage.
    ready
        Called once with the address, when the first answer is warm and the server listens.

    Raises
    ------
    Refusal
        Where the port is taken.
    """
    import uvicorn

    with listening(port) as heard:
        warm(base, say)
        port = heard.getsockname()[1]
        guarded = Guard(app(base, saves_to), port)
        config = uvicorn.Config(
            guarded,
            log_level="critical",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
            ws_max_size=2**20,
        )
        server = uvicorn.Server(config)
        started = server.startup

        async def startup(sockets=None) -> None:
            await started(sockets=sockets)
            ready(f"http://{HERE}:{port}/")

        server.startup = startup
        server.run(sockets=[heard])
