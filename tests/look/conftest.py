"""The look is tested on a stage: the real templates and static files, strict policy, and a scripted live server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import pytest
from aiohttp import WSMsgType, web

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

ROOT = Path(__file__).resolve().parents[2]
POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
NOW = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
PLACES = ["dashboard", "orders", "inventory", "customers", "escalations", "stores", "analytics", "settings"]


def shell_context() -> dict[str, Any]:
    """What the portal's context processor promises every template."""
    return {
        "nav": [
            {"href": f"/{place}", "label": place.capitalize(), "icon": place, "current": place == "dashboard"}
            for place in PLACES
        ],
        "user": {"name": "Ada Park", "email": "ada@northwind.example", "role": "owner", "initials": "AP"},
        "organization": {"id": "1", "name": "Northwind Speed"},
        "organizations": [{"id": "1", "name": "Northwind Speed"}, {"id": "2", "name": "Blue Bottle Tools"}],
        "csrf_token": 'it\'s-a-"token"',
        "flashes": [{"kind": "success", "text": "The store was connected. <b>"}],
        "asset": lambda path: f"/static/{path}?v=1",
        "theme": "",
        "now": NOW,
    }


def gallery_context() -> dict[str, Any]:
    """Invented figures for the gallery pages."""
    levels = ["covered", "ample", "covered", "low", "covered", "covered", "over", "covered", "critical", "ample", "out"]
    late = [
        ("NW-2001", "Professional shop", "Delayed shipping", "critical", "5 d"),
        ("NW-2014", "Enthusiast", "Partial, one line stuck", "high", "3 d"),
        ("NW-2027", "New", "Address on hold", "medium", "1 d"),
        ("NW-2033", "Loyal", "Unfulfilled", "low", "9 h"),
    ]
    today = [0, 0, 9, 31, 62, 101, 138, 170, 212, 208, 246, 270, 291, 268, 254]
    sold = [("CARB-4150", 12450, 15), ("ENGINE-350", 9880, 4), ("FIT-06-90", 7421, 388), ("HOSE-08", 6110, 214)]
    return {
        "wave": [12, 14, 11, 17, 21, 16, 13, 9, 12, 18, 24, 22, 19, 23, 27, 21, 25, 29],
        "hours": [f"{hour:02}" for hour in range(24)],
        "today": [*today, *[None] * 9],
        "last_week": [
            4,
            3,
            8,
            22,
            50,
            84,
            100,
            142,
            171,
            190,
            201,
            229,
            244,
            260,
            214,
            190,
            186,
            170,
            158,
            141,
            120,
            82,
            51,
            20,
        ],
        "sellers": [
            {"label": sku, "text": f"${value:,}", "value": value, "small": f"{count} sold", "href": "#"}
            for sku, value, count in sold
        ],
        "cells": [
            {
                "level": levels[(n * n + n // 3) % len(levels)],
                "label": f"SKU-{n}",
                "text": f"{n % 40} days of cover",
                "href": "#",
            }
            for n in range(84)
        ],
        "late": late,
        "earlier": NOW - timedelta(minutes=18),
        "yesterday": NOW - timedelta(hours=26),
    }


@pytest.fixture(scope="session")
def templates() -> jinja2.Environment:
    """The portal's templates and the gallery, where an unknown name is an error."""
    folders = [ROOT / "templates", Path(__file__).parent / "gallery"]
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folders), autoescape=True, undefined=jinja2.StrictUndefined
    )


@pytest.fixture(scope="session")
def gallery(templates: jinja2.Environment) -> Any:
    """Render a template with the shell's and the gallery's context."""

    def render(name: str, **more: Any) -> str:
        return templates.get_template(name).render({**shell_context(), **gallery_context(), **more})

    return render


class Stage:
    """A small web server whose live side does what the test tells it to."""

    def __init__(self, render: Any) -> None:
        self.render = render
        self.accepts_sockets = True
        self.poll_status = 200
        self.poll_answer: dict[str, Any] = {"seq": 5, "parts": []}
        self.polls: list[str] = []
        self.connects: list[str] = []
        self.received: list[dict[str, Any]] = []
        self.posts: list[str] = []
        self.heartbeat: float = 20
        self.sockets: set[web.WebSocketResponse] = set()
        self.url = ""

    async def start(self) -> None:
        """Listen on a free port; `url` is the address."""
        app = web.Application()
        app.router.add_get("/gallery/{name:.+}", self._page)
        app.router.add_post("/gallery/{name:.+}", self._post)
        app.router.add_get("/ws/dashboard", self._socket)
        app.router.add_get("/dashboard/live", self._poll)
        app.router.add_static("/static", ROOT / "static")
        self.runner = web.AppRunner(app, shutdown_timeout=0.5)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self.runner.addresses[0][1]}"

    async def _page(self, request: web.Request) -> web.Response:
        name, theme = request.match_info["name"], request.cookies.get("theme", "")
        live = {"live_seq": 5} if name == "live.html" else {}
        html = self.render(name, theme=theme, **live)
        return web.Response(text=html, content_type="text/html", headers={"Content-Security-Policy": POLICY})

    async def _post(self, request: web.Request) -> web.Response:
        self.posts.append(request.match_info["name"])
        return web.Response(status=204)

    async def _poll(self, request: web.Request) -> web.Response:
        self.polls.append(request.query["since"])
        return web.json_response(self.poll_answer, status=self.poll_status)

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        self.connects.append(request.query["since"])
        if not self.accepts_sockets:
            return web.Response(status=503)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.add(socket)
        await socket.send_json({"type": "hello", "seq": 5, "heartbeat": self.heartbeat})
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                self.received.append(json.loads(message.data))
        self.sockets.discard(socket)
        return socket

    async def send(self, **message: Any) -> None:
        """Send one message to every open socket."""
        for socket in list(self.sockets):
            await socket.send_json(message)

    async def drop(self, code: int = 1012) -> None:
        """Close every open socket."""
        for socket in list(self.sockets):
            await socket.close(code=code)


@pytest.fixture
async def stage(gallery: Any) -> AsyncIterator[Stage]:
    server = Stage(gallery)
    await server.start()
    yield server
    await server.drop()
    await server.runner.cleanup()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser's console complained of, policy violations included."""
    return []


@pytest.fixture
async def window(browser: Browser, complaints: list[str]) -> AsyncIterator[Page]:
    """A fresh window; errors of its console are collected in `complaints`."""
    context = await browser.new_context()
    context.set_default_timeout(10_000)
    opened = await context.new_page()
    opened.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    await context.close()
