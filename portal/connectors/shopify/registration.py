"""Asking the shop to send webhooks: what the app may read, it may also be told of; no further scope is needed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from urllib.parse import urlsplit

from portal.connectors.findings import WebhookThere
from portal.connectors.shopify import queries
from portal.connectors.shopify.failures import of_user_errors
from portal.connectors.shopify.manifest import MANIFEST
from portal.connectors.shopify.reader import Reader
from portal.connectors.shopify.values import Row, text
from portal.foundation.errors import Forbidden, Permanent

# What a delivery is about -> the scope without which Shopify refuses the topic.
_SCOPE = {
    "orders": "read_orders",
    "refunds": "read_orders",
    "fulfillments": "read_fulfillments",
    "returns": "read_returns",
    "products": "read_products",
    "inventory_levels": "read_inventory",
    "customers": "read_customers",
}


async def register(reader: Reader, delivery_url: str, topics: Sequence[str] | None = None) -> Sequence[str]:
    """One subscription per topic (None: each of the manifest) that the app's scopes allow, delivering JSON to `delivery_url`.

    A subscription is ours when it delivers to the same path (it names the connection), whatever host it was made for.
    Returns the topics that are active. Raises `ConnectorError`s; `Forbidden` when none is allowed.
    """
    scopes = await reader.scopes()
    ours = await _ours(reader, urlsplit(delivery_url).path)
    active, refused = list[str](), None
    for topic in MANIFEST.webhook_topics:
        if (topics is not None and topic not in topics) or not _permitted(topic, scopes):
            continue
        first, *others = ours.get(enum_of(topic), [{}])
        try:
            await _put(reader, topic, first, delivery_url)
        except (Forbidden, Permanent) as wrong:
            refused = wrong
            continue
        for twin in others:  # a second subscription to one topic only doubles the deliveries
            await reader.client.mutate(queries.WEBHOOK_DELETE, {"id": twin["id"]})
        active.append(topic)
    if not active and refused is not None:
        raise refused
    return active


async def there(reader: Reader, delivery_url: str) -> list[WebhookThere]:
    """Our subscriptions; a topic that the app's scopes do not allow is `refused`. Shopify knows no paused ones: one that it
    gave up is not listed any more."""
    scopes = await reader.scopes()
    ours = await _ours(reader, urlsplit(delivery_url).path)
    found = []
    for topic in MANIFEST.webhook_topics:
        if known := ours.get(enum_of(topic)):
            found.append(WebhookThere(topic=topic, delivery_url=text(known[0].get("uri"), 2000)))
        elif not _permitted(topic, scopes):
            found.append(WebhookThere(topic=topic, status="refused"))
    return found


async def remove(reader: Reader, delivery_url: str) -> int:
    """Delete our subscriptions; how many there were. Raises `ConnectorError`s."""
    ours = [row for rows in (await _ours(reader, urlsplit(delivery_url).path)).values() for row in rows]
    for row in ours:
        answer = await reader.client.mutate(queries.WEBHOOK_DELETE, {"id": row["id"]})
        of_user_errors(answer.data.get("webhookSubscriptionDelete"), "delete a webhook")
    return len(ours)


def _permitted(topic: str, scopes: Collection[str]) -> bool:
    needed = _SCOPE.get(topic.split("/", maxsplit=1)[0])
    return needed is None or needed in scopes


def enum_of(topic: str) -> str:
    """`orders/create`, as deliveries write it, in GraphQL's words: `ORDERS_CREATE`."""
    return topic.replace("/", "_").upper()


async def _put(reader: Reader, topic: str, known: Row, delivery_url: str) -> None:
    if known.get("uri") == delivery_url and known.get("format") == "JSON":
        return
    wanted = {"uri": delivery_url, "format": "JSON"}
    if known:
        answer = await reader.client.mutate(queries.WEBHOOK_UPDATE, {"id": known["id"], "webhook": wanted})
        of_user_errors(answer.data.get("webhookSubscriptionUpdate"), f"update the webhook {topic}")
    else:
        answer = await reader.client.mutate(queries.WEBHOOK_CREATE, {"topic": enum_of(topic), "webhook": wanted})
        of_user_errors(answer.data.get("webhookSubscriptionCreate"), f"create the webhook {topic}")


async def _ours(reader: Reader, path: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    async for part in reader.pages(queries.WEBHOOKS, {"first": 100}, {}):
        for row in part:
            if row.get("id") and urlsplit(text(row.get("uri"), 2000)).path == path:
                found.setdefault(text(row.get("topic"), 80), []).append(row)
    return found
