"""Keeping the shop's webhooks as the portal needs them."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from portal.connectors.values import BadValue, identifier, text
from portal.connectors.woocommerce.client import Client
from portal.connectors.woocommerce.manifest import MANIFEST
from portal.connectors.woocommerce.payloads import Loose, read
from portal.connectors.woocommerce.scan import Position, read_part
from portal.foundation.errors import Permanent

NAME = "Commerce Portal"


class Hook(msgspec.Struct):
    """A webhook as the shop lists it; its secret is never told."""

    id: Loose = None
    name: Loose = None
    topic: Loose = None
    status: Loose = None
    delivery_url: Loose = None


async def register(client: Client, delivery_url: str, secret: str) -> list[str]:
    """One active webhook per topic of the manifest, delivering to `delivery_url` signed with `secret`.

    A webhook is ours when it delivers to the same path (it names the connection), whatever host it was registered for.
    The shop never shows a secret, so ours are always written anew, which also wakes those it disabled after failures.
    Raises `Forbidden` for a read-only key.
    """
    ours = await _ours(client, urlsplit(delivery_url).path)
    active: list[str] = []
    for topic in MANIFEST.webhook_topics:
        wanted = {
            "name": f"{NAME}: {topic}",
            "topic": topic,
            "status": "active",
            "delivery_url": delivery_url,
            "secret": secret,
        }
        first, *others = ours.get(topic, [""])
        try:
            if first:
                await client.send("PUT", f"webhooks/{first}", wanted)
            else:
                await client.send("POST", "webhooks", wanted)
        except Permanent as told:
            if "invalid_topic" not in told.message:
                raise
            continue  # this version of WooCommerce does not know the topic: it is polled instead
        for twin in others:  # a second webhook for one topic only doubles the deliveries
            await client.send("PUT", f"webhooks/{twin}", {"status": "disabled"})
        active.append(topic)
    return active


async def _ours(client: Client, path: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    position, finished = Position(), False
    while not finished:
        part = await read_part(client, "webhooks", {"status": "all"}, position)
        for row in part.rows:
            hook, known = _hook(row)
            if known and urlsplit(text(hook.delivery_url, 2000)).path == path:
                topic = found.setdefault(text(hook.topic, 60), [])
                if known not in topic:
                    topic.append(known)
        position, finished = part.position, part.finished
    return found


def _hook(row: object) -> tuple[Hook, str | None]:
    try:
        hook = read(Hook, row)
        return hook, identifier(hook.id)
    except BadValue:
        return Hook(), None
