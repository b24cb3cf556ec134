"""Sandbox stores that the app under test may reach, and what a superadmin types to connect one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from portal.foundation.outbound import OutboundClient
from portal.foundation.runtime import Runtime
from portal.sandbox import Sandbox, SandboxStoreSpec
from portal.tenancy.scope import platform


@asynccontextmanager
async def reachable(rt: Runtime, *addresses: str, ca_file: Path | None = None) -> AsyncIterator[None]:
    """The portal may reach these `host:port`s; afterwards nothing of the test's stores is left to be synced."""
    before = rt.outbound
    rt.outbound = OutboundClient(allow=addresses, ca_file=ca_file)
    try:
        yield
    finally:
        await rt.outbound.close()
        rt.outbound = before
        async with platform(rt.database, "test: end") as scope:
            await scope.sql.execute("DELETE FROM pgqueuer")
            await scope.sql.execute("UPDATE client_api_credentials SET status = 'disabled', lease_until = NULL")


@asynccontextmanager
async def open_shop(rt: Runtime, *, tls: bool = False, trusted: bool = True, **spec: Any) -> AsyncIterator[Sandbox]:
    """A store called "shop" that the portal may reach."""
    sandbox = Sandbox([SandboxStoreSpec(**({"name": "shop", "seed": 11, "orders": 40} | spec))])
    await sandbox.start(tls=tls)
    try:
        ca_file = sandbox.ca_file if trusted else None
        async with reachable(rt, sandbox.url.partition("://")[2], ca_file=ca_file):
            yield sandbox
    finally:
        await sandbox.stop()


def credentials(sandbox: Sandbox, **changed: str) -> dict[str, str]:
    """The right ones, or with something changed."""
    store = sandbox.store("shop")
    right = {
        "site_url": store.site_url,
        "consumer_key": store.spec.consumer_key,
        "consumer_secret": store.spec.consumer_secret,
        "api_version": "wc/v3",
        "timeout": "5",
    }
    return right | changed
