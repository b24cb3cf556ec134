"""What the doctor looks at, one function per part. Each gives what it found, or raises what went wrong."""

from __future__ import annotations

import ssl
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from redis.asyncio import Redis

from portal.foundation.settings import Settings
from portal.foundation.vault import DataKeyRow, MasterKeys, unwrap


class Check(msgspec.Struct):
    """One finding. `advice` says what to do; empty when all is well."""

    name: str
    ok: bool
    detail: str
    advice: str = ""


async def database(connection: Any) -> Check:
    started = time.perf_counter()
    version = await connection.fetchval("SHOW server_version")
    ms = (time.perf_counter() - started) * 1000
    supported = int(version.split(".")[0]) >= 16
    return Check(
        "database", supported, f"PostgreSQL {version}, {ms:.1f} ms", "" if supported else "Use PostgreSQL 16 or newer."
    )


async def roles(connection: Any) -> Check:
    row = await connection.fetchrow(
        """SELECT rolname, rolsuper, rolbypassrls, rolcreaterole,
                  (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                    WHERE c.relowner = r.oid AND n.nspname NOT LIKE 'pg\\_%' AND c.relkind IN ('r', 'p', 'v', 'm')) AS owned
           FROM pg_roles r WHERE rolname = current_user"""
    )
    wrong = [
        text
        for bad, text in (
            (row["rolsuper"], "is a superuser"),
            (row["rolbypassrls"], "bypasses row-level security"),
            (row["rolcreaterole"], "may create roles"),
            (row["owned"], f"owns {row['owned']} tables"),
        )
        if bad
    ]
    advice = "Let DATABASE_URL name a plain login role and DATABASE_OWNER_URL the owner; then run `portal migrate`."
    detail = f"{row['rolname']} {' and '.join(wrong) or 'owns nothing and cannot bypass row-level security'}"
    return Check("roles", not wrong, detail, advice if wrong else "")


async def rls(connection: Any) -> Check:
    rows = await connection.fetch(
        """SELECT c.relname, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced,
                  (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid) AS policies
           FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE c.relkind IN ('r', 'p') AND n.nspname = 'public' AND (c.relname = 'organizations' OR EXISTS (
             SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'org_id' AND NOT a.attisdropped))
           ORDER BY c.relname"""
    )
    open_tables = [row["relname"] for row in rows if not (row["enabled"] and row["forced"] and row["policies"])]
    if not rows:
        return Check("rls", False, "there are no tenant tables", "Run `portal migrate`.")
    if open_tables:
        advice = "As the owner run SELECT portal_protect('<table>') for each, and find out who changed it."
        return Check("rls", False, f"not protected: {', '.join(open_tables)}", advice)
    return Check("rls", True, f"enabled, forced and with policies on all {len(rows)} tenant tables")


async def clock(connection: Any) -> Check:
    theirs = await connection.fetchval("SELECT clock_timestamp()")
    apart = abs((theirs - datetime.now(UTC)).total_seconds())
    advice = "" if apart < 2 else "Run a time service (NTP) on this machine and on the database's."
    return Check("clock", apart < 2, f"{apart * 1000:.0f} ms from the database's", advice)


async def keys(connection: Any, settings: Settings) -> Check:
    masters = MasterKeys.parse(settings.master_keys)
    async with connection.transaction(readonly=True):
        await connection.execute("SET LOCAL ROLE portal_platform")
        rows = await connection.fetch(
            "SELECT org_id, key_id, wrapped, master_id, created_at, retired_at FROM org_data_keys ORDER BY created_at DESC"
        )
    for row in rows:
        unwrap(DataKeyRow(**dict(row)), masters)
    behind = sum(row["master_id"] != masters.current_id for row in rows)
    advice = f"{behind} still stand under an older master key: run `portal keys rotate`." if behind else ""
    return Check("keys", True, f"the master key opens all {len(rows)} data keys", advice)


async def redis(settings: Settings) -> Check:
    async with Redis.from_url(settings.redis_url, socket_timeout=3, socket_connect_timeout=3) as client:
        started = time.perf_counter()
        await client.ping()
        ms = (time.perf_counter() - started) * 1000
        server = await client.info("server")
    name = server.get("server_name", "redis")
    version = server.get(f"{name}_version") or server.get("redis_version", "?")
    return Check("redis", True, f"{name} {version}, {ms:.1f} ms")


def outbound(settings: Settings) -> Check:
    wrong = [entry for entry in settings.outbound_allow if not _host_and_port(entry)]
    if wrong:
        advice = "PORTAL_OUTBOUND_ALLOW should be host:port,host:port of private addresses."
        return Check("outbound", False, f"not host:port: {', '.join(wrong)}", advice)
    if settings.outbound_ca_file is not None:
        try:
            ssl.create_default_context(cafile=str(settings.outbound_ca_file))
        except (OSError, ssl.SSLError) as error:
            advice = "PORTAL_OUTBOUND_CA_FILE should be a readable PEM file of certificate authorities."
            return Check("outbound", False, f"{settings.outbound_ca_file}: {error}", advice)
    allowed = f"private addresses allowed: {', '.join(settings.outbound_allow) or 'none'}"
    exposed = bool(settings.outbound_allow) and not settings.demo and settings.public_url != ""
    return Check("outbound", True, allowed, "Whoever may add a store can reach these addresses." if exposed else "")


def workers(alive: Sequence[str], expected: bool) -> Check:
    if alive:
        return Check("workers", True, f"{len(alive)} alive: {', '.join(alive)}")
    if expected:
        return Check("workers", False, "none was heard of in the last 30 s", "Start `portal worker` and see its log.")
    return Check("workers", True, "none: the portal is not running on this data folder")


def _host_and_port(entry: str) -> bool:
    host, _, port = entry.rpartition(":")
    return bool(host) and port.isdigit() and 0 < int(port) < 65536
