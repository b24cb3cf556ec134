"""`portal doctor`: looks at every part of an installation, whatever state it is in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from portal.foundation.database import connect_once
from portal.foundation.errors import PortalError, StartupError
from portal.foundation.migrate import missing
from portal.foundation.redaction import redact
from portal.foundation.roles import Access, access
from portal.foundation.settings import Settings
from portal.ops import checks
from portal.ops.checks import Check
from portal.ops.heartbeat import workers
from portal.ops.installation import opened

NAMES = ("database", "roles", "rls", "redis", "migrations", "keys", "clock", "outbound", "workers")


class Report(msgspec.Struct):
    """`ok` when every check is."""

    ok: bool
    checks: list[Check]


async def examine(settings: Settings) -> Report:
    """Every check, each told apart from the others' failures, also when the installation cannot be opened at all."""
    try:
        return await _examine(settings)
    except StartupError as error:
        at_fault = "keys" if "PORTAL_MASTER_KEYS" in error.message else "database"
        found = [Check(name, False, "not looked at: the installation cannot be opened") for name in NAMES]
        found[NAMES.index(at_fault)] = Check(at_fault, False, "the installation cannot be opened", error.message)
        return Report(False, found)


async def _examine(settings: Settings) -> Report:
    async with opened(settings) as installation:
        settings = installation.settings
        # On a data folder only `portal up` has workers; outside servers are there for nothing else.
        running = installation.record is None or bool(installation.record.url)
        found = await _database_checks(settings)
        found.append(await _tried("redis", lambda: checks.redis(settings), "Redis"))
        found.append(checks.outbound(settings))
        found.append(await _tried("workers", lambda: _workers(settings, running), "Redis"))
    found.sort(key=lambda check: NAMES.index(check.name))
    return Report(all(check.ok for check in found), found)


async def _database_checks(settings: Settings) -> list[Check]:
    try:
        way = await access(settings)
        connection = await connect_once(way.url)
    except Exception as error:
        failed = _failure(
            "database", error, "See that PostgreSQL runs and that DATABASE_URL is right; `portal migrate`."
        )
        rest = [Check(name, False, "not looked at: no database", "") for name in ("roles", "rls", "keys", "clock")]
        return [failed, *rest, Check("migrations", False, "not looked at: no database", "Run `portal migrate`.")]
    try:
        return [
            await _tried("database", lambda: checks.database(connection)),
            await _tried("roles", lambda: checks.roles(connection)),
            await _tried("rls", lambda: checks.rls(connection)),
            await _tried("migrations", lambda: _migrations(way)),
            await _tried("keys", lambda: checks.keys(connection, settings)),
            await _tried("clock", lambda: checks.clock(connection)),
        ]
    finally:
        await connection.close()


async def _migrations(way: Access) -> Check:
    names = await missing(way.owner_url)
    if names:
        return Check("migrations", False, f"missing: {', '.join(names)}", "Run `portal migrate`.")
    return Check("migrations", True, "up to date")


async def _workers(settings: Settings, running: bool) -> Check:
    return checks.workers(await workers(settings), running)


async def _tried(name: str, look: Callable[[], Awaitable[Check]], dependency: str = "") -> Check:
    try:
        return await look()
    except Exception as error:
        advice = "See that Redis runs and that REDIS_URL is right; the portal goes on, degraded." if dependency else ""
        return _failure(name, error, advice or "Run `portal migrate`; if it stays, see the log.")


def _failure(name: str, error: Any, advice: str) -> Check:
    said = error.message if isinstance(error, PortalError) else f"{type(error).__name__}: {error}"
    return Check(name, False, redact(said)[:300], advice)
