"""Keeping the shop's webhooks as the portal needs them."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

import msgspec

from portal.connectors.findings import WebhookThere
from portal.connectors.values import BadValue, identifier, text
from portal.connectors.woocommerce.client import Client
from portal.connectors.woocommerce.manifest import MANIFEST
from portal.connectors.woocommerce.payloads import Loose, read
from portal.connectors.woocommerce.scan import Position, read_part
from portal.foundation.errors import Permanent

NAME = "Commerce Portal"
_AWAKE = {"active": 0, "paused": 1, "disabled": 2}


class Hook(msgspec.Struct):
    """A webhook as the shop lists it; its secret is never told."""

    id: Loose = None
    name: Loose = None
    topic: Loose = None
    status: Loose = None
    delivery_url: Loose = None


async def register(client: Client, delivery_url: str, secret: str, topics: Sequence[str] | None = None) -> list[str]:
    """One active webhook per topic (None: each of the manifest), delivering to `delivery_url` signed with `secret`.

    A webhook is ours when it delivers to the same path (it names the connection), whatever host it was registered for.
    The shop never shows a secret, so ours are always written anew, which also wakes those it disabled after failures. One
    that a person paused gets the address and the secret and stays paused, unless its topic is named.
    Raises `Forbidden` for a read-only key.
    """
    ours = await _ours(client, urlsplit(delivery_url).path)
    active: list[str] = []
    for topic in MANIFEST.webhook_topics:
        if topics is not None and topic not in topics:
            continue
        wanted = {
            "name": f"{NAME}: {topic}",
            "topic": topic,
            "status": "active",
            "delivery_url": delivery_url,
            "secret": secret,
        }
        first, *others = ours.get(topic, [("", "")])
        paused = first[1] == "paused" and topics is None
        if paused:
            del wanted["status"]
        try:
            if first[0]:
                await client.send("PUT", f"webhooks/{first[0]}", wanted)
            else:
                await client.send("POST", "webhooks", wanted)
        except Permanent as told:
            if "invalid_topic" not in told.message:
                raise
            continue  # this version of WooCommerce does not know the topic: it is polled instead
        for twin, status in others:  # a second webhook for one topic only doubles the deliveries
            if status == "active":
                await client.send("PUT", f"webhooks/{twin}", {"status": "disabled"})
        if not paused:
            active.append(topic)
    return active


async def there(client: Client, delivery_url: str) -> list[WebhookThere]:
    """Our webhooks as the shop lists them. Of twins the most awake one counts."""
    found: dict[str, WebhookThere] = {}
    for hook in await _listed(client, urlsplit(delivery_url).path):
        topic = text(hook.topic, 60)
        each = WebhookThere(topic=topic, status=text(hook.status, 20), delivery_url=text(hook.delivery_url, 2000))
        if topic not in found or _AWAKE.get(each.status, 3) < _AWAKE.get(found[topic].status, 3):
            found[topic] = each
    return list(found.values())


async def remove(client: Client, delivery_url: str) -> int:
    """Delete our webhooks; how many there were. Raises `Forbidden` for a read-only key."""
    ours = await _listed(client, urlsplit(delivery_url).path)
    for hook in ours:
        # WooCommerce has no trash for webhooks: without `force` it refuses.
        await client.send("DELETE", f"webhooks/{identifier(hook.id)}", {}, {"force": "true"})
    return len(ours)


async def _ours(client: Client, path: str) -> dict[str, list[tuple[str, str]]]:
    """topic -> (id, status) of each, the most awake first."""
    found: dict[str, list[tuple[str, str]]] = {}
    for hook in await _listed(client, path):
        found.setdefault(text(hook.topic, 60), []).append((identifier(hook.id) or "", text(hook.status, 20)))
    for hooks in found.values():
        hooks.sort(key=lambda each: _AWAKE.get(each[1], 3))
    return found


async def _listed(client: Client, path: str) -> list[Hook]:
    found: dict[str, Hook] = {}
    position, finished = Position(), False
    while not finished:
        part = await read_part(client, "webhooks", {"status": "all"}, position)
        for row in part.rows:
            hook, known = _hook(row)
            if known and urlsplit(text(hook.delivery_url, 2000)).path == path:
                found.setdefault(known, hook)
        position, finished = part.position, part.finished
    return list(found.values())


def _hook(row: object) -> tuple[Hook, str | None]:
    try:
        hook = read(Hook, row)
        return hook, identifier(hook.id)
    except BadValue:
        return Hook(), None
