"""A web process in miniature, run by test_server: one slow route and one WebSocket, until SIGTERM."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys

from quart import Quart, websocket

from portal.foundation import logs
from portal.foundation.server import REQUEST_ID, run, serve
from portal.foundation.settings import load_settings

app = Quart(__name__)


@app.before_websocket
async def number() -> None:
    websocket.scope[REQUEST_ID] = "socket-1"  # as the gate does


@app.get("/slow/<seconds>")
async def slow(seconds: str) -> str:
    await asyncio.sleep(float(seconds))
    return "done"


@app.websocket("/ws")
async def hold() -> None:
    await websocket.send("hello")
    await websocket.receive()


async def main() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    settings = load_settings()
    logs.configure(settings)
    await serve(app, settings, socket.socket(fileno=int(sys.argv[1])), stop)


run(main)
