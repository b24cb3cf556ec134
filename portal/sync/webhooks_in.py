"""Deliveries from stores: verified over the raw body, kept durably, answered; the work is done by a worker."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from quart import Blueprint, Response, request

from portal.connectors.registry import manifests
from portal.connectors.registry import webhooks as webhooks_of
from portal.foundation.errors import Missing, Unauthenticated
from portal.foundation.metrics import WEBHOOKS
from portal.foundation.runtime import runtime
from portal.foundation.web.policy import PUBLIC, route
from portal.stores.connection import StoreConnection, load
from portal.stores.sealed import webhook_secret
from portal.sync.deliveries import store
from portal.tenancy.scope import platform, tenant

blueprint = Blueprint("webhooks_in", __name__)
LARGEST_BODY = 2_000_000
_KEPT_HEADERS = ("x-wc-", "x-shopify-", "x-amz", "content-type", "user-agent")


@route(
    blueprint,
    "/webhooks/<platform_type>/<public_token>",
    roles=PUBLIC,
    family="webhook",
    methods=("POST",),
    csrf=False,
    max_body=LARGEST_BODY,
)
async def receive(platform_type: str, public_token: str) -> Response:
    """One delivery: 200 once it is stored (or was before), 401 for a wrong signature, 404 for an unknown address."""
    rt = runtime()
    module = webhooks_of(platform_type) if platform_type in {each.platform for each in manifests()} else None
    async with platform(rt.database, "find the store of a webhook", read_only=True) as scope:
        found = await scope.sql.fetchrow(
            "SELECT id, org_id, webhook_secret FROM client_api_credentials WHERE public_token = $1 AND platform_type = $2",
            public_token[:100],
            platform_type[:40],
        )
        connection = await load(scope, found["id"]) if found is not None else None
    if module is None or connection is None:
        _count("unknown", "unknown")
        raise Missing("There is no such webhook address.")
    body = cast(bytes, await request.get_data(as_text=False))
    headers = _headers()
    if module.is_ping(headers, body):
        _count(connection.platform, "ping")
        return Response("", 200)
    secret = await webhook_secret(rt, connection.org_id, connection, found["webhook_secret"])
    if not secret or not module.verify(headers, body, secret):
        _count(connection.platform, "wrong_signature")
        raise Unauthenticated("The signature does not fit the delivery.", code="WRONG_SIGNATURE")
    if connection.status == "disabled":
        return Response("", 200)
    new = await _keep(connection.org_id, connection, module.dedupe_key(headers, body), headers, body)
    _count(connection.platform, "stored" if new else "duplicate")
    return Response("", 200)


async def _keep(org_id: UUID, connection: StoreConnection, key: str, headers: dict[str, str], body: bytes) -> bool:
    rt = runtime()
    topic = headers.get("x-wc-webhook-topic") or headers.get("x-shopify-topic") or ""
    async with tenant(rt.database, org_id) as scope:
        return await store(
            scope, connection, dedupe_key=key, topic=topic, headers=headers, body=body, received_at=rt.clock()
        )


def _headers() -> dict[str, str]:
    """The headers that say something of the delivery, lower-cased; no cookies, no authorization, no proxy's."""
    kept: dict[str, Any] = {}
    for name, value in request.headers.items():
        if name.lower().startswith(_KEPT_HEADERS):
            kept[name.lower()] = value[:1000]
    return kept


def _count(platform_type: str, result: str) -> None:
    WEBHOOKS.labels(platform_type, result).inc()
