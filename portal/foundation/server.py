"""Hypercorn, configured by `hypercorn.toml` and the settings: one process serving one app on one listening socket."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import structlog
import uvloop
from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config
from hypercorn.logging import Logger
from hypercorn.protocol import ws_stream
from quart import Quart, request, websocket
from wsproto.extensions import Extension

from portal.foundation import metrics
from portal.foundation.errors import StartupError
from portal.foundation.resources import ROOT
from portal.foundation.settings import Settings
from portal.foundation.wire import with_wires

ROUTE = "portal.route"
"""Where the app leaves the matched rule in the ASGI scope, for the access log and the metrics."""
REQUEST_ID = "portal.request_id"
"""Where the gate leaves the request's id: a socket, and a request whose client went away, have no answer that carries it."""

_log = structlog.get_logger("portal.server")


def leave_request_id(scope: Any, request_id: str) -> str:
    """Leave a request's id in its ASGI scope; gives it back."""
    scope[REQUEST_ID] = request_id
    return request_id


class NoDeflate(Extension):
    """Stands where per-message deflate would: accepts nothing.

    Deflate keeps a window per socket and direction (about 300 KB) and compresses the same push once per browser;
    our pushes are small and rendered once for all. Hypercorn has no switch for it.
    """

    name = "permessage-deflate"

    def offer(self) -> bool | str:
        return False

    def accept(self, offer: str) -> bool | str | None:
        return None


def without_deflate() -> None:
    """Make Hypercorn decline per-message deflate in this process."""
    setattr(ws_stream, "PerMessageDeflate", NoDeflate)  # noqa: B010 - the name is Hypercorn's import, not its export


def listen(host: str, port: int) -> socket.socket:
    """A bound, inheritable, not yet listening socket. Raises `StartupError` when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except (OSError, OverflowError) as error:
        bound.close()
        raise StartupError(_why_not(error, host, port)) from error
    bound.setblocking(False)
    bound.set_inheritable(True)
    return bound


def server_config(settings: Settings, bound: socket.socket) -> Config:
    """`hypercorn.toml` with our access log, serving on `bound`."""
    config = Config.from_toml(ROOT / "hypercorn.toml")
    config.bind = [f"fd://{bound.fileno()}"]
    config.logger_class = AccessLog
    config.loglevel = settings.log_level.upper()
    return config


async def serve(app: Quart, settings: Settings, bound: socket.socket, stop: asyncio.Event) -> None:
    """Serve until `stop`; open requests get `graceful_timeout` seconds to finish."""
    tune_hypercorn()
    remember_routes(app)
    say_goodbye(app, stop)
    await hypercorn_serve(app, server_config(settings, bound), shutdown_trigger=stop.wait)


def say_goodbye(app: Quart, stop: asyncio.Event) -> None:
    """From `stop` on every answer says that its connection ends. Hypercorn closes it after that answer, told or not, and who
    was not told sends the next request into the closing: a POST that is cut then is not repeated by itself."""
    answer = app.asgi_app

    async def answering(scope: Any, receive: Any, send: Any) -> None:
        async def saying(message: Any) -> None:
            if stop.is_set() and message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
            await send(message)

        # HTTP/2 has no such header, and says farewell by itself.
        plain = scope["type"] == "http" and scope["http_version"].startswith("1")
        await answer(scope, receive, saying if plain else send)

    app.asgi_app = answering  # type: ignore[method-assign]


def tune_hypercorn() -> None:
    """What `hypercorn.toml` cannot say, for this process."""
    without_deflate()
    with_wires()


def remember_routes(app: Quart) -> None:
    """Leave the matched rule in the scope: metrics by rule stay few, and a path may carry an identifier."""

    async def remember(response: Any) -> Any:
        _remember(request)
        return response

    async def remember_socket() -> None:
        _remember(websocket)

    app.after_request(remember)
    app.before_websocket(remember_socket)


def _remember(asked: Any) -> None:
    if asked.url_rule is not None:
        asked.scope[ROUTE] = asked.url_rule.rule


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a process's main coroutine on uvloop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


class AccessLog(Logger):
    """Hypercorn's messages and one line per answer, through structlog; and the request metrics."""

    def __init__(self, config: Config) -> None:
        self.access_logger = self.error_logger = None
        self._say = structlog.get_logger("portal.access").bind()

    async def access(self, request: Any, response: Any, request_time: float) -> None:
        # Without a response the client went away (499, as nginx writes it), or a live connection has ended.
        socket_ended = request["type"] == "websocket"
        status = response["status"] if response else 101 if socket_ended else 499
        method, route = request.get("method", "WS"), request.get(ROUTE, "(none)")
        metrics.count_request(route, method, status, request_time)
        quiet = status < 400 and route.startswith(("/healthz", "/readyz", "/metrics", "/static"))
        say = self._say.debug if quiet else self._say.info
        say(
            "request",
            method=method,
            path=request["path"],
            status=status,
            ms=round(request_time * 1000, 1),
            client=(request.get("client") or ("",))[0],
            request_id=request.get(REQUEST_ID) or _request_id(response),
        )

    async def log(self, level: int, message: str, *args: Any, **kwargs: Any) -> None:
        _log.log(level, message % args if args else message, **kwargs)

    async def critical(self, message: str, *args: Any, **kwargs: Any) -> None:
        await self.log(50, message, *args, **kwargs)

    async def error(self, message: str, *args: Any, **kwargs: Any) -> None:
        await self.log(40, message, *args, **kwargs)

    async def warning(self, message: str, *args: Any, **kwargs: Any) -> None:
        await self.log(30, message, *args, **kwargs)

    async def info(self, message: str, *args: Any, **kwargs: Any) -> None:
        await self.log(10, message, *args, **kwargs)  # "Running on …": ours says `ready`

    async def debug(self, message: str, *args: Any, **kwargs: Any) -> None:
        await self.log(10, message, *args, **kwargs)

    async def exception(self, message: str, *args: Any, **kwargs: Any) -> None:
        await self.log(40, message, *args, exc_info=True, **kwargs)


def _request_id(response: Any) -> str:
    for name, value in response.get("headers", ()) if response else ():
        if name == b"x-request-id":
            return str(value.decode("latin1"))
    return ""


def _why_not(error: OSError | OverflowError, host: str, port: int) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return f"Port {port} on {host} is in use by another program: stop it or choose another with --port (make demo PORT=…)."
    if number == errno.EACCES:
        return f"Port {port} may not be opened by this user: choose one above 1023 with --port."
    return f"Cannot listen on {host}:{port} ({error}): choose an address of this machine with --host."
