"""Live app: the explorer as a server of this machine alone, which answers nobody that came by another name."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

from oa_sim.errors import Refusal
from oa_sim.explore import live_base, live_page, live_save
from oa_sim.explore import session as live_session

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


def app(base: live_base.Base, saves_to: Path):
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

    body = ui.HTML(live_page.page(base, str(saves_to)))
    page = ui.page_fluid(
        ui.head_content(ui.tags.link(rel="icon", href="data:,")),
        ui.tags.style(ui.HTML(live_page.asset("live.css"))),
        body,
        ui.tags.script(ui.HTML(live_page.asset("live.js"))),
        title=f"Explore {base.scenario.name}",
        lang="en",
    )
    return App(page, server)


def _answered(told: object, base: live_base.Base) -> dict:
    """Return the answer to a setting as the page takes it; a refusal is an answer too."""
    serial = told.get("serial") if isinstance(told, dict) else None
    try:
        seen = live_session.view(live_session.setting(told, base), base)
        return {"serial": serial, "html": live_page.answer(seen), "said": seen.sentences[0]}
    except Refusal as refusal:
        return {"serial": serial, "html": live_page.refused(str(refusal)), "said": str(refusal)}


def _saved(told: object, base: live_base.Base, saves_to: Path) -> str:
    """Save a setting and return what the page says of it."""
    from html import escape

    try:
        asked = live_session.setting(told, base)
        path, command = live_save.save(asked, base, str(told.get("name", "")), saves_to, over=told.get("over") is True)
    except Refusal as refusal:
        return live_page.refused(str(refusal))
    return f"<p>Saved as {escape(path.name)}. It runs with</p><p><code>{escape(command)}</code></p>"


def warm(base: live_base.Base, say: Callable[[str], None]) -> None:
    """Make what all settings share, so that the first lever moves as quickly as the last."""
    from dataclasses import replace

    at = live_session.start(base)
    say("making the first answer")
    live_session.view(at, base)
    for ending in live_session.ENDINGS:
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
    base: live_base.Base, saves_to: Path, port: int, say: Callable[[str], None], ready: Callable[[str], None]
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
