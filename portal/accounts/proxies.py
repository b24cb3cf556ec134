"""Behind proxies: the client's address and scheme as the trusted ones among them tell, and nobody else."""

from __future__ import annotations

from typing import Any


class TrustedProxies:
    """ASGI wrapper for `count` proxies in front that each append to X-Forwarded-For and -Proto.

    Only the last `count` entries were written by proxies of ours; what stands before them is the client's own say.
    """

    def __init__(self, app: Any, count: int) -> None:
        self._app, self._count = app, count

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] in {"http", "websocket"}:
            forwarded: dict[bytes, list[str]] = {b"x-forwarded-for": [], b"x-forwarded-proto": []}
            for name, value in scope["headers"]:
                if name in forwarded:
                    forwarded[name] += [part.strip() for part in value.decode("latin1").split(",")]
            if len(address := forwarded[b"x-forwarded-for"]) >= self._count and address[-self._count]:
                scope["client"] = (_without_port(address[-self._count]), 0)
            # A proxy that does not append replaces: then there is one value for all of them.
            protocols = forwarded[b"x-forwarded-proto"]
            if protocols and (protocol := protocols[-min(self._count, len(protocols))]) in {"http", "https"}:
                secure = protocol == "https"
                scope["scheme"] = ("wss" if secure else "ws") if scope["type"] == "websocket" else protocol
        await self._app(scope, receive, send)


def _without_port(address: str) -> str:
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address
