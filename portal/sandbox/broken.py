"""Answers a request the way a planned fault wants it."""

from __future__ import annotations

import asyncio

from aiohttp import web

from portal.sandbox.altered import altered
from portal.sandbox.faults import Fault

JSON_TYPE = "application/json; charset=UTF-8"
HUGE_BYTES = 20 * 1024 * 1024
_MAINTENANCE = (
    "<!DOCTYPE html><html><head><title>Wartung</title></head>"
    "<body><h1>Briefly unavailable for scheduled maintenance. Check back in a minute.</h1></body></html>"
)
_CRITICAL = (
    b'{"code":"internal_server_error","message":"<p>There has been a critical error on this website.<\\/p>",'
    b'"data":{"status":500},"additional_errors":[]}'
)


async def broken_answer(request: web.Request, fault: Fault) -> web.StreamResponse | None:
    """The faulty answer, or None when the true one shall follow (and `spoilt` has the rest of the faults)."""
    kind = fault.kind
    if kind == "slow":
        await asyncio.sleep(fault.seconds)
        return None
    if kind == "silence":
        await asyncio.sleep(fault.seconds)
        drop(request)
        return web.Response(status=500)
    if kind == "500":
        return web.Response(status=500, body=_CRITICAL, headers={"Content-Type": JSON_TYPE})
    if kind == "502":
        page = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
        return web.Response(status=502, text=page, content_type="text/html")
    if kind == "cut_head":
        if request.transport is not None:
            request.transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: appli")
            request.transport.close()
        return web.Response(status=500)
    if kind == "503":
        again = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        return web.Response(status=503, text=_MAINTENANCE, content_type="text/html", headers=again)
    if kind == "429":
        headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        return web.Response(
            status=429, text="<html><h1>429 Too Many Requests</h1></html>", content_type="text/html", headers=headers
        )
    if kind == "html":
        return web.Response(text=_MAINTENANCE, content_type="text/html")
    if kind == "garbage":
        return web.Response(body=bytes(range(256)) * 4, headers={"Content-Type": JSON_TYPE})
    if kind == "huge":
        body = b'[{"id":1,"description":"' + b"x" * HUGE_BYTES + b'"}]'
        return web.Response(body=body, headers={"Content-Type": JSON_TYPE})
    return None


def drop(request: web.Request) -> None:
    """Ends the connection without a goodbye."""
    if request.transport is not None:
        request.transport.abort()


async def spoilt(
    request: web.Request, fault: Fault | None, status: int, body: bytes, headers: dict[str, str]
) -> web.StreamResponse:
    """The true answer, or what a fault makes of it."""
    if fault is None:
        return web.Response(status=status, body=body, headers=headers)
    if fault.kind == "cut":
        return await cut_short(request, status, body, headers)
    if fault.kind == "truncated":
        body = body[: max(1, len(body) // 2)]
    if fault.kind == "wrong_type":
        headers = {**headers, "Content-Type": "text/html; charset=UTF-8"}
    if fault.kind in {"duplicates", "disorder"}:
        body = altered(fault.kind, body)
    return web.Response(status=status, body=body, headers=headers)


async def cut_short(request: web.Request, status: int, body: bytes, headers: dict[str, str]) -> web.StreamResponse:
    """Promises the whole body, sends half of it and drops the connection."""
    answer = web.StreamResponse(status=status, headers=headers)
    answer.content_length = len(body) + 1
    await answer.prepare(request)
    await answer.write(body[: len(body) // 2])
    drop(request)
    return answer
