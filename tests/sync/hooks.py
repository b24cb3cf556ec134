"""A synced store with registered webhooks, and deliveries made by hand."""

from __future__ import annotations

import base64
import hashlib
import hmac
from uuid import UUID

from portal.sync.webhooks.deliveries import process
from portal.tenancy.scope import tenant
from tests.sync.conftest import Shop
from tests.visitors import Answer, Visitor


async def address(shop: Shop) -> str:
    return f"/webhooks/woocommerce/{(await shop.connection())['public_token']}"


async def secret(shop: Shop) -> str:
    connection = await shop.connection()
    field = f"client_api_credentials.webhook_secret:{connection['public_token']}"
    return await shop.rt.vault.open(shop.org, field, connection["webhook_secret"])


def signed(body: bytes, key: str, *, topic: str = "order.updated", delivery: str = "d1") -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "X-WC-Webhook-Topic": topic,
        "X-WC-Webhook-Delivery-ID": delivery,
        "X-WC-Webhook-Signature": base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode(),
    }


async def deliver(
    visitor: Visitor,
    shop: Shop,
    body: bytes,
    *,
    signed_with: str | None = None,
    topic: str = "order.updated",
    delivery: str = "d1",
) -> Answer:
    key = await secret(shop) if signed_with is None else signed_with
    return await visitor.post(await address(shop), data=body, headers=signed(body, key, topic=topic, delivery=delivery))


async def work_off(shop: Shop) -> int:
    """Process what waits, here and now, without a worker."""
    done = await process(shop.rt, shop.org, shop.connection_id, 0)
    async with tenant(shop.rt.database, shop.org) as scope:
        await scope.sql.execute("DELETE FROM pgqueuer WHERE entrypoint = 'process_webhooks'")
    return done


async def states(shop: Shop, org: UUID | None = None) -> dict[str, int]:
    """state -> how many deliveries."""
    async with tenant(shop.rt.database, org or shop.org, read_only=True) as scope:
        rows = await scope.sql.fetch(
            "SELECT state, count(*) AS n FROM webhook_deliveries WHERE connection_id = $1 GROUP BY 1",
            shop.connection_id,
        )
    return {row["state"]: row["n"] for row in rows}
