"""A tiny server that answers what a test tells it to, for what the sandbox does not do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

Answer = Callable[[web.Request], web.StreamResponse]


class OddShop:
    """`url` is the site; every request is kept in `asked` and answered by `answer`."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[web.Request] = []
        self.answer: Answer = lambda _: web.json_response([])

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        self.asked.append(request)
        return self.answer(request)


@asynccontextmanager
async def odd_shop() -> AsyncIterator[OddShop]:
    """The server, on a free port of the loopback address."""
    shop = OddShop()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", shop._serve)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    shop.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield shop
    finally:
        await runner.cleanup()
