"""`/healthz` (the process is up), `/readyz` (it can serve) and `/metrics` (for Prometheus, not for the public)."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address
from typing import Any

import msgspec
from quart import Blueprint, Response, request

from portal.accounts.gate import maybe_principal
from portal.foundation import metrics
from portal.foundation.database import AWAY
from portal.foundation.errors import NotAllowed, PortalError
from portal.foundation.runtime import Runtime, runtime
from portal.foundation.web.envelopes import encode
from portal.foundation.web.policy import PUBLIC, Doc, route
from portal.ops.migrations import unapplied

health = Blueprint("health", __name__)
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via")


class Health(msgspec.Struct):
    """The process answers."""

    ok: bool


class Part(msgspec.Struct):
    """One thing that serving needs. `required` parts make the portal not ready; others only degrade it."""

    ok: bool
    required: bool
    detail: str


class Readiness(msgspec.Struct):
    """Ready when every required part is ok."""

    ok: bool
    checks: dict[str, Part]


@route(
    health,
    "/healthz",
    roles=PUBLIC,
    family="health",
    doc=Doc(summary="The process is up", response=Health, tag="Health"),
)
async def healthz() -> Response:
    """Says nothing of the database: a restart of this process would not mend that."""
    return _answer(Health(True), 200)


@route(
    health,
    "/readyz",
    roles=PUBLIC,
    family="health",
    doc=Doc(
        summary="The portal can serve",
        description="200 when the database answers and is migrated; 503 otherwise. Redis away is ready but degraded.",
        response=Readiness,
        tag="Health",
    ),
)
async def readyz() -> Response:
    """For load balancers and for `portal up`."""
    database, redis = await asyncio.gather(_database(runtime()), _redis(runtime()))
    ready = Readiness(database.ok, {"database": database, "redis": redis})
    return _answer(ready, 200 if ready.ok else 503)


@route(health, "/metrics", roles=PUBLIC, family="health", doc=None)
async def show_metrics() -> Response:
    """From this machine itself, or with a superadmin's token."""
    who = maybe_principal()
    if not (_from_this_machine() or (who is not None and who.is_superadmin)):
        raise NotAllowed("Metrics are for this machine and for superadmins: ask with a superadmin's access token.")
    body = await asyncio.to_thread(metrics.exposition)
    return Response(body, 200, {"Content-Type": metrics.CONTENT_TYPE, "Cache-Control": "no-store"})


def _from_this_machine() -> bool:
    # What a proxy on this machine passes on comes from loopback too, but carries the proxy's headers.
    if any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False


async def _database(rt: Runtime) -> Part:
    try:
        async with asyncio.timeout(3):
            names = await unapplied(rt.database)
    except (*AWAY, PortalError) as error:
        return Part(False, True, f"does not answer ({type(error).__name__})")
    return Part(not names, True, f"migrations are missing: {', '.join(names)}" if names else "answers and is migrated")


async def _redis(rt: Runtime) -> Part:
    there = await rt.link.ping()
    return Part(there, False, "answers" if there else "away: cache, limits and live pushes are degraded")


def _answer(body: Any, status: int) -> Response:
    return Response(encode(body), status, {"Content-Type": "application/json", "Cache-Control": "no-store"})
