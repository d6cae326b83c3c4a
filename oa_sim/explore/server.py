"""Server: the live explorer as a server of this machine alone, which turns away requests under any other name.

It sends the page once, and then figures and words as messages, which the page writes as text.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from oa_sim.errors import Refusal
from oa_sim.explore import page, session
from oa_sim.explore.session import Base
from oa_sim.scenario import fields, title_of
from oa_sim.scenario.schema import ENDINGS, SPLITS

if TYPE_CHECKING:
    from shiny import App

MOST_GBP = 300e6  # the right end of the funding lever, unless the base has more
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


def levers_page(base: Base, saves_to: str) -> str:
    """Return the page with a lever for each choice, and the field that saves them."""
    setting, view = session.start(base), session.places_and_history(base)
    records = {record.key: record for record in fields()}
    choices = {"split.rule": base.splits, "portfolio.name": base.portfolios, "sustainability.ending": ENDINGS}
    selects = []
    for lever, (key, names) in zip(("split", "portfolio", "ending"), choices.items(), strict=True):
        options = {name: (SPLITS | ENDINGS).get(name) or title_of(key.split(".")[0], name) for name in names}
        selects.append((lever, records[key].label, options))
    return page.live_page(
        view,
        f"Explore {title_of('scenario', base.scenario.name)}",
        selects=selects,
        setting=setting,
        horizon=records["horizon"],
        money=records["budget.total_gbp"],
        most_gbp=max(MOST_GBP, 2 * setting.total_gbp),
        saves_to=saves_to,
        notes=list(base.notes),
        start={dim: view.figures[dim].values.tolist().index(getattr(setting, dim)) for dim in session.SHOWN},
    )


class Guard:
    """Lets in only who asked for this machine by its own name, from a page of this very server.

    Another site's page can make a browser knock here, also under a name of its own that it points here; its name then
    stands in ``Host`` or ``Origin``, and it is turned away with 403. ``app`` is the ASGI application behind.
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
        return named and all(origin in self.origins for origin in origins) and len(origins) >= needs_origin


async def _turn_away(scope, receive, send) -> None:
    """Answer 403; a WebSocket that is closed before it is accepted is answered so by the server."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    head = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": 403, "headers": head})
    await send({"type": "http.response.body", "body": b"This explorer answers only its own page on this machine.\n"})


def app(base: Base, saves_to: Path) -> App:
    """Return the Shiny application of a base, whose scenario files go to one folder."""
    from shiny import App, reactive, ui

    def server(inputs, outputs, connection) -> None:
        @reactive.effect
        @reactive.event(inputs.setting)
        async def _():
            message = await asyncio.to_thread(answer_message, inputs.setting(), base)
            await connection.send_custom_message("answer", message)

        @reactive.effect
        @reactive.event(inputs.save)
        async def _():
            message = await asyncio.to_thread(save_message, inputs.save(), base, saves_to)
            await connection.send_custom_message("saved", message)

    return App(ui.page_html(levers_page(base, str(saves_to))), server)


def answer_message(message: object, base: Base) -> dict:
    """Return the answer to a setting as the page takes it; a refusal is an answer too."""
    serial = message.get("serial") if isinstance(message, dict) else None
    try:
        setting = session.setting(message, base)
        answer = session.answer(setting, base)
    except Refusal as refusal:
        return {"serial": serial, "refused": str(refusal)}
    return {
        "serial": serial,
        "shown": {name: getattr(setting, name) for name in session.SHOWN},
        "sentences": answer.sentences,
        "facts": answer.facts,
        "case": asdict(answer.case),
        "years": answer.figures.year.values.tolist(),
        "figures": page.live_figures(answer.figures),
    }


def save_message(message: object, base: Base, saves_to: Path) -> dict[str, str]:
    """Save a setting and return what the page says of it."""
    try:
        setting = session.setting(message, base)
        name, is_replacing = str(message.get("name", "")), message.get("over") is True
        path, command = session.save(setting, base, name, saves_to, over=is_replacing)
    except Refusal as refusal:
        return {"refused": str(refusal)}
    return {"text": f"Saved as {path.name}. To run it:", "command": command}


def warm(base: Base, say: Callable[[str], None]) -> None:
    """Make what all settings share, so that the first lever moves as quickly as the last."""
    setting = session.start(base)
    say("calculating the first answer")
    session.answer(setting, base)
    for ending in ENDINGS:
        say(f"preparing the ending: {ENDINGS[ending]}")
        with suppress(Refusal):  # the page says so when it is chosen
            session.answer(replace(setting, ending=ending), base)


def listening(port: int) -> socket.socket:
    """Return a socket of this machine alone; port 0 takes any that is free, and a port that is taken is refused."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HERE, port))
    except OSError as error:
        listener.close()
        remedy = "leave port out, and a free one is taken"
        raise Refusal(f"port={port} cannot be used ({error.strerror}): {remedy}") from None
    return listener


def serve(base: Base, saves_to: Path, port: int, say: Callable[[str], None], ready: Callable[[str], None]) -> None:
    """Serve the explorer until it is stopped, at a port of this machine; see ``listening``.

    ``say`` is called with a sentence at each stage, and ``ready`` once with the address, when the first answer is warm
    and the server listens.
    """
    import uvicorn

    with listening(port) as listener:
        warm(base, say)
        port = listener.getsockname()[1]
        guarded = Guard(app(base, saves_to), port)
        quiet = {"log_level": "critical", "access_log": False, "server_header": False}
        config = uvicorn.Config(guarded, timeout_graceful_shutdown=1, ws_max_size=2**20, **quiet)
        server = uvicorn.Server(config)
        started = server.startup

        async def startup(sockets=None) -> None:
            await started(sockets=sockets)
            ready(f"http://{HERE}:{port}/")

        server.startup = startup
        server.run(sockets=[listener])
