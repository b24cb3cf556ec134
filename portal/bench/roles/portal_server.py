"""The portal under its own Hypercorn configuration, and beside it in the same process a bare Quart app: the floor."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from hypercorn.asyncio import serve as hypercorn_serve
from quart import Quart, Response

from portal.bench.child import Answering
from portal.bench.process import Profiler, many_sockets, memory
from portal.foundation import logs
from portal.foundation.server import listen, remember_routes, server_config, tune_hypercorn
from portal.foundation.settings import Settings
from portal.foundation.web import policy

FLOOR = "/bench-floor"


class Floor:
    """A Quart app with one route that answers bytes it already has."""

    def __init__(self) -> None:
        self.body = b"{}"
        self.app = Quart("bench_floor")

        async def still() -> Response:
            return Response(self.body, 200, {"Content-Type": "application/json"})

        self.app.add_url_rule(FLOOR, "still", still)


def beside(portal: Any, floor: Quart) -> Any:
    """An ASGI app that gives `FLOOR` to the floor and everything else to the portal."""

    async def dispatch(scope: Any, receive: Any, send: Any) -> None:
        if scope.get("path") == FLOOR:
            await floor(scope, receive, send)
        else:
            await portal(scope, receive, send)

    return dispatch


async def listening(bound: socket.socket, serving: asyncio.Task[None]) -> None:
    """Wait until the server has started. Raises what kept it from that."""
    while not serving.done():
        try:
            _, writer = await asyncio.open_connection(*bound.getsockname()[:2])
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    await serving


@asynccontextmanager
async def role(setup: dict[str, Any]) -> AsyncIterator[Answering]:
    """Setup: settings, unlimited. With `unlimited` the limits of one minute are so high that one client may measure;
    counting goes on as ever. Questions: `static` {body}, `memory`, `profile`, `profiled`."""
    from portal.app import create_app
    from portal.compose import close_runtime, open_runtime

    many_sockets()
    settings = Settings.model_validate(setup["settings"])
    logs.configure(settings)
    if setup["unlimited"]:
        policy.LIMITS.update(dict.fromkeys(("dashboard", "page"), 100_000_000))
    runtime = await open_runtime(settings)
    portal, floor = create_app(runtime), Floor()
    bound = listen("127.0.0.1", 0)
    tune_hypercorn()
    remember_routes(portal)
    await floor.app.startup()
    stop = asyncio.Event()
    config = server_config(settings, bound)
    serving = asyncio.create_task(hypercorn_serve(beside(portal, floor.app), config, shutdown_trigger=stop.wait))
    await listening(bound, serving)
    profiler = Profiler()

    async def answer(question: dict[str, Any]) -> dict[str, Any]:
        match question["do"]:
            case "static":
                floor.body = question["body"].encode()
            case "memory":
                return {"bytes": memory()}
            case "profile":
                profiler.start()
            case "profiled":
                return {"lines": profiler.stop()}
        return {"port": bound.getsockname()[1]}

    yield answer
    stop.set()
    await asyncio.wait_for(serving, 20)
    await close_runtime(runtime)
