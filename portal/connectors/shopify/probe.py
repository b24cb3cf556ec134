"""The connection test: the token, each scope, sample counts and the shop's own facts, with advice for each finding."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from portal.connectors.findings import ConnectionTest, PermissionResult
from portal.connectors.manifest import Permission
from portal.connectors.shopify import facts, queries
from portal.connectors.shopify.client import Client
from portal.connectors.shopify.failures import CHECK_SCOPES
from portal.connectors.shopify.manifest import MANIFEST
from portal.connectors.shopify.reader import granted
from portal.connectors.shopify.values import inside
from portal.connectors.untested import untested
from portal.foundation.errors import ConnectorError

WINDOW = (
    "Shopify shows this app only the orders of the last 60 days: older ones exist, but are not here, and figures begin there. "
    "To see all of them, give the app the scope read_all_orders (Shopify approves it on request for public apps) and install "
    "it again."
)


async def test(connect: Callable[[], Client]) -> ConnectionTest:
    """Try everything once. The first query decides whether the credentials work; `connect` may raise for the form."""
    started = asyncio.get_running_loop().time()
    try:
        client = connect()
        first = await client.query(queries.SHOP, attempts=2)
    except ConnectorError as wrong:
        return untested(wrong, started)
    scopes = granted(first.data)
    streams = [each for each in queries.COUNTS if f"read_{each}" in scopes]
    counted = await asyncio.gather(*(_count(client, each) for each in streams))
    troubles = tuple(dict.fromkeys(each for _, each in counted if each))
    sample: dict[str, int | None] = dict.fromkeys(queries.COUNTS)
    sample |= {stream: number for stream, (number, _) in zip(streams, counted, strict=True)}
    permissions = tuple(_permission(each, scopes) for each in MANIFEST.permissions)
    lacking = _lacking(scopes)
    now = datetime.now(UTC)
    warnings = facts.warnings(client, first, now)
    blocked = any(each.required and each.name not in scopes for each in MANIFEST.permissions)
    return ConnectionTest(
        success=not blocked,
        status="forbidden" if blocked else "warning" if warnings or lacking or troubles else "success",
        response_time=round(first.elapsed * 1000),
        permissions=permissions,
        sample=sample,
        store=facts.store(first),
        advice=(*lacking, *troubles, *warnings, *_too_much(scopes)),
        clock_skew_s=None if first.date is None else round((first.date - now).total_seconds()),
    )


async def _count(client: Client, stream: str) -> tuple[int | None, str]:
    """How many rows the app may see, or what stands in the way."""
    try:
        answer = await client.query(queries.COUNTS[stream], attempts=2)
    except ConnectorError as wrong:
        return None, f"{wrong.message} {wrong.advice}".strip()
    found = inside(answer.data, f"{stream}Count", "count")
    return (found if isinstance(found, int) else None), ""


def _permission(each: Permission, scopes: frozenset[str]) -> PermissionResult:
    missing = each.name not in scopes
    detail = "Only the last 60 days of orders are visible." if missing and each.name == "read_all_orders" else ""
    return PermissionResult(name=each.name, granted=not missing, needed_for=each.needed_for, detail=detail)


def _lacking(scopes: frozenset[str]) -> tuple[str, ...]:
    """What to do about scopes that are missing and missed."""
    missed = ("read_orders", "read_products", "read_customers", "read_inventory")
    names = [name for name in missed if name not in scopes]
    found = []
    if names:
        needed = {each.name: each.needed_for for each in MANIFEST.permissions}
        reasons = "; ".join(f"{name} ({needed[name][0].lower()}{needed[name][1:]})" for name in names)
        found.append(f"The app lacks {reasons}. {CHECK_SCOPES}")
    if "read_orders" in scopes and "read_all_orders" not in scopes:
        found.append(WINDOW)
    return tuple(found)


def _too_much(scopes: frozenset[str]) -> tuple[str, ...]:
    """The portal writes nothing: a right to write is one that could be misused."""
    writes = sorted(each for each in scopes if each.startswith("write_"))
    if not writes:
        return ()
    return (
        f"The app may also write ({', '.join(writes[:6])}). The portal only reads; an app with read scopes is safer.",
    )
