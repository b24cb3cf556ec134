"""The health of a connection: permissions, latency, clock, expiry, and the last errors with what to do about them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from quart import Blueprint, Response

from portal.accounts.gate import principal
from portal.connectors.registry import manifest as manifest_of
from portal.foundation.runtime import Runtime, runtime
from portal.foundation.web.answers import page
from portal.foundation.web.policy import DASHBOARD, OWNER, route
from portal.stores import checks
from portal.stores import service as stores
from portal.stores.connection import FREQUENCIES, StoreConnection
from portal.sync.status import connection_test, runs_of
from portal.sync.webhooks import findings as webhook_findings
from portal.sync.webhooks import subscriptions
from portal.sync.webhooks.registration import delivery_url, last_registration
from portal.tenancy.scope import Scope, tenant

LOOK_AFTER = timedelta(minutes=10)
"""How old the last look at the webhooks may be when the page is opened, before it asks for a new one."""
blueprint = Blueprint("health_of_stores", __name__)
STATUS_WORDS = {
    "success": "Everything works",
    "warning": "Works, with remarks",
    "auth_failed": "The key was refused",
    "forbidden": "The key may not read what is needed",
    "not_found": "There is no shop at this address",
    "rate_limited": "Too many requests",
    "unreachable": "The store could not be reached",
    "timeout": "The store took too long",
    "certificate_error": "The certificate cannot be trusted",
    "address_refused": "The address is not allowed",
    "error": "The test failed",
}


@route(blueprint, "/stores/<int:connection_id>/health", roles=DASHBOARD, family="page")
async def health_page(connection_id: int) -> Response:
    """The lasting form of the connection test."""
    rt, who = runtime(), principal()
    async with tenant(rt.database, who.org, read_only=True) as scope:
        connection = await stores.load(scope, connection_id)
        history = await checks.history(scope, connection_id)
        runs = await runs_of(scope, connection, limit=50)
        webhooks = await webhook_context(rt, scope, connection)
    manifest, test = manifest_of(connection.platform), connection_test(connection)
    answered = [each.response_ms for each in reversed(history) if each.ok]
    return await page(
        "stores/health.html",
        store=connection,
        test=test,
        history=history,
        permissions=checks.permissions(manifest, test),
        latencies=answered,
        usual=sorted(answered)[len(answered) // 2] if answered else None,
        skewed=checks.SKEW,
        words=STATUS_WORDS,
        errors=[run for run in runs if run.error][:10],
        can_manage=who.role in OWNER,
        fresh=False,
        **webhooks,
    )


async def webhook_context(rt: Runtime, scope: Scope, connection: StoreConnection) -> dict[str, Any]:
    """What the webhook card shows. `look`: the last look is old, so the page asks for a new one."""
    found = await subscriptions.load(scope, connection.id)
    registration, findings = last_registration(connection), await webhook_findings.load(scope, connection.id)
    manifest, url, now = manifest_of(connection.platform), delivery_url(rt, connection), rt.clock()
    before = webhook_findings.seen_before(connection, registration, findings)
    off = [each.topic for each in found.values() if each.status in subscriptions.OFF]
    return {
        "topics": webhook_findings.shown(found, manifest.webhook_topics, now=before is None),
        "seen_before": before,
        "timezone": await scope.sql.fetchval("SELECT timezone FROM organizations WHERE id = portal_org()"),
        "manifest": manifest,
        "registration": registration,
        "looked": findings,
        "delivery_host": url.partition("/webhooks/")[0],
        "off": off,
        "paused": [each.topic for each in found.values() if each.status == "paused"],
        "frequency": FREQUENCIES[connection.frequency][1].lower(),
        "look": bool(url) and connection.polled and (registration is None or now - registration.at > LOOK_AFTER),
    }
