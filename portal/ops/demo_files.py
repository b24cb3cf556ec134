"""The demo's merchant who uploaded files until now: last night's export counts, the same shop's API runs in shadow beside it."""

from __future__ import annotations

import asyncio
from uuid import UUID

import aiohttp

from portal.accounts.principal import Principal
from portal.foundation.runtime import Runtime
from portal.tenancy.scope import platform, tenant
from portal.uploads import service as uploads


async def upload_export(runtime: Runtime, store_url: str, org_id: UUID, owner: UUID) -> None:
    """Upload the store's export of orders for the worker to check, unless the organization has uploaded before."""
    async with tenant(runtime.database, org_id, read_only=True) as scope:
        if await scope.sql.fetchval("SELECT EXISTS (SELECT FROM uploads)"):
            return
    async with aiohttp.ClientSession() as session, session.get(f"{store_url}/_orders.csv") as answer:
        answer.raise_for_status()
        content = await answer.read()
    path = runtime.settings.data_dir / "uploads" / "demo-export.csv"
    await asyncio.to_thread(path.parent.mkdir, mode=0o700, parents=True, exist_ok=True)
    await asyncio.to_thread(path.write_bytes, content)
    try:
        upload_id = await uploads.receive(runtime, _as(org_id, owner), "orders", "orders-export.csv", path)
    finally:
        await asyncio.to_thread(path.unlink)
    await uploads.ask(runtime, _as(org_id, owner), upload_id, "checking")


async def take_over(runtime: Runtime) -> bool:
    """Take over what the worker has checked; whether any upload of the demo is still on its way."""
    async with platform(runtime.database, "look for the demo's uploads", read_only=True) as scope:
        rows = await scope.sql.fetch(
            "SELECT u.id, u.org_id, u.created_by, u.status FROM uploads u JOIN organizations o ON o.id = u.org_id"
            " WHERE o.is_demo AND u.filename = 'orders-export.csv' AND u.status IN ('checking', 'ready', 'writing')"
        )
    for row in rows:
        if row["status"] == "ready":
            await uploads.ask(runtime, _as(row["org_id"], row["created_by"]), row["id"], "writing")
    return bool(rows)


def _as(org_id: UUID, owner: UUID) -> Principal:
    return Principal(
        user_id=owner, email="portal up --demo", name="", role="owner", org_id=org_id, via="session", session_id=None
    )
