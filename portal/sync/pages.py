"""The stores of an organization: the list, and one store with its progress, history, rejected rows and last test."""

from __future__ import annotations

from typing import Any

from quart import Blueprint, Response, redirect

from portal.accounts.gate import principal
from portal.commerce.exchange import unrated
from portal.connectors.registry import manifest as manifest_of
from portal.foundation.runtime import Runtime, runtime
from portal.foundation.web.answers import page
from portal.foundation.web.policy import DASHBOARD, OWNER, route
from portal.stores import checks
from portal.stores import notices as told
from portal.stores.connection import FREQUENCIES, StoreConnection, list_connections, load
from portal.sync.holdings import counts
from portal.sync.proof import pages as proof_pages
from portal.sync.removal.removing import recent
from portal.sync.status import (
    chip,
    connection_test,
    current,
    estimate_of,
    frequency_word,
    latest_runs,
    rejects_of,
    runs_of,
    today_of,
)
from portal.sync.webhooks.registration import delivery_url, last_registration
from portal.tenancy.scope import Scope, tenant

blueprint = Blueprint("stores", __name__)


@route(blueprint, "/stores", roles=DASHBOARD, family="page")
async def stores_list() -> Response:
    """Every connection: state, last and next sync, rows, errors with advice."""
    rt = runtime()
    async with tenant(rt.database, principal().org, read_only=True) as scope:
        connections = await list_connections(scope)
        latest = await latest_runs(scope, connections)
        notices = await told.current(scope) if _can_manage() else []
        removals = await recent(scope)
        seq = await _seq(scope)
    rows = [
        {
            "store": each,
            "latest": latest.get(each.id),
            "chip": chip(each, latest.get(each.id)),
            "platform": manifest_of(each.platform).label,
            "frequency": frequency_word(each),
        }
        for each in connections
    ]
    return await page(
        "stores/list.html", rows=rows, notices=notices, removals=removals, can_manage=_can_manage(), live_seq=seq
    )


@route(blueprint, "/stores/<int:connection_id>", roles=DASHBOARD, family="page")
async def store_page(connection_id: int) -> Response:
    """One store."""
    rt = runtime()
    async with tenant(rt.database, principal().org, read_only=True) as scope:
        connection = await load(scope, connection_id)
        if not connection.polled:
            return redirect("/uploads", 303)  # type: ignore[return-value] # files have a page of their own
        context = await _context(rt, scope, connection)
    return await page("stores/store.html", can_manage=_can_manage(), frequencies=_frequencies(), **context)


async def _context(rt: Runtime, scope: Scope, connection: StoreConnection) -> dict[str, Any]:
    runs = await runs_of(scope, connection)
    rejects, rejects_total = await rejects_of(scope, connection.id)
    manifest = manifest_of(connection.platform)
    latest = current(runs)
    return {
        "store": connection,
        "manifest": manifest,
        "runs": runs,
        "latest": latest,
        "chip": chip(connection, latest),
        "frequency": frequency_word(connection),
        "address": next(filter(None, map(connection.settings.get, manifest.address_fields)), "–"),
        "estimate": await estimate_of(scope, connection),
        "today": await today_of(scope),
        "rejects": rejects,
        "rejects_total": rejects_total,
        "stream_labels": {stream.name: stream.label for stream in manifest.streams},
        "unrated": await unrated(scope, connection.id),
        "held": await counts(scope, connection.id),
        "registration": last_registration(connection),
        "delivery_host": delivery_url(rt, connection).partition("/webhooks/")[0],
        "test": connection_test(connection),
        "permissions": checks.permissions(manifest, connection_test(connection)),
        "live_seq": await _seq(scope),
        **await proof_pages.shown(scope, connection),
    }


def _can_manage() -> bool:
    return principal().role in OWNER


def _frequencies() -> list[tuple[str, str]]:
    return [(name, word) for name, (_, word) in FREQUENCIES.items()]


async def _seq(scope: Scope) -> int:
    found: int | None = await scope.sql.fetchval("SELECT version FROM tenant_versions")
    return found or 0
