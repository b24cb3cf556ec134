"""What was found of a store's webhooks: kept on the connection, shown on its health page, told once when it begins and ends."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from portal.connectors.registry import manifest as manifest_of
from portal.foundation.runtime import Runtime
from portal.stores import notices
from portal.stores.connection import FREQUENCIES, StoreConnection
from portal.sync.webhooks import subscriptions
from portal.sync.webhooks.self_test import Reach
from portal.sync.webhooks.silence import Silence, silence
from portal.sync.webhooks.subscriptions import OFF, Subscription
from portal.tenancy.scope import Scope, tenant

NOT_KNOWN = "not_known"
"""The store refused the credentials, so it cannot be asked: an app that was taken away takes its webhooks along."""


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """What came of looking after them: state is registered, partly, off, not_permitted, not_reachable, not_known or failed.

    `again_at`: when the portal tries by itself to switch on what the store switched off.
    """

    state: str
    detail: str
    at: datetime
    again_at: datetime | None = None


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """The last look. `reach` is of the last test of the address, made at `reach_at`; None: never tested. `seen_at` is when the
    store said last which webhooks are on; None: an older version kept these findings."""

    at: datetime
    seen_at: datetime | None = None
    reach: Reach | None = None
    reach_at: datetime | None = None
    silence: Silence | None = None


async def load(scope: Scope, connection_id: int) -> Findings | None:
    """The last findings; another version's shape gives None rather than an error."""
    kept = await scope.sql.fetchval("SELECT webhook_health FROM client_api_credentials WHERE id = $1", connection_id)
    try:
        return msgspec.json.decode(kept, type=Findings) if kept else None
    except msgspec.ValidationError:
        return None


async def record(
    rt: Runtime,
    connection: StoreConnection,
    outcome: Registration,
    topics: list[str] | None,
    *,
    reach: Reach | None = None,
    found: Mapping[str, Subscription] | None = None,
) -> None:
    """Keep the outcome, the subscriptions and the findings. `topics` None: which are active is not known anew."""
    async with tenant(rt.database, connection.org_id) as scope:
        if found:
            await subscriptions.save(scope, connection.org_id, connection.id, list(found.values()))
        before = await load(scope, connection.id) or Findings(at=outcome.at)
        quiet = await silence(scope, connection.id, active_since=_orders_since(connection, found or {}), now=outcome.at)
        now = Findings(
            at=outcome.at,
            seen_at=before.seen_at if topics is None else outcome.at,
            reach=reach or before.reach,
            reach_at=outcome.at if reach else before.reach_at,
            silence=quiet,
        )
        await scope.sql.execute(
            """UPDATE client_api_credentials SET webhook_topics = coalesce($3::text[], webhook_topics), webhook_health = $4,
                 last_test = coalesce(last_test, '{}'::jsonb) || jsonb_build_object('webhooks', $2::jsonb)
               WHERE id = $1""",
            connection.id,
            msgspec.json.encode(outcome).decode(),
            topics,
            msgspec.json.encode(now).decode(),
        )
        if quiet is not None:
            await _tell_of_silence(scope, connection, quiet)


def _orders_since(connection: StoreConnection, found: Mapping[str, Subscription]) -> datetime | None:
    """Since when every topic of new orders is active; None while one is not."""
    topics = [each for each in manifest_of(connection.platform).webhook_topics if each.startswith("order")]
    told = [found.get(each) for each in topics]
    since = [each.status_since for each in told if each is not None and each.status == "active"]
    known = [each for each in since if each is not None]
    return max(known) if known and len(known) == len(topics) else None


async def tell(
    rt: Runtime,
    connection: StoreConnection,
    *,
    seen: Mapping[str, Subscription],
    found: Mapping[str, Subscription],
    reach: Reach | None,
    now: datetime,
) -> None:
    """Give notice, once, that the platform switched webhooks off, and that they are on again. `seen` is before anything was
    written, `found` after."""
    declared = manifest_of(connection.platform)
    off = [topic for topic, each in seen.items() if each.status in OFF]
    left = [topic for topic, each in found.items() if each.status in OFF]
    async with tenant(rt.database, connection.org_id) as scope:
        if off:
            which = f"the webhook {off[0]}" if len(off) == 1 else f"{len(off)} webhooks ({', '.join(off[:3])}, …)"
            said = f"{declared.label} switched {which} off {declared.webhooks_end}"
            await notices.begins(
                scope, connection.id, notices.WEBHOOKS_OFF, said, _advice(connection, found, left, reach, now)
            )
        if not left:
            await notices.ends(scope, connection.id, notices.WEBHOOKS_ON, "the webhooks are on again")


def _advice(
    connection: StoreConnection, found: Mapping[str, Subscription], left: list[str], reach: Reach | None, now: datetime
) -> str:
    polling = f"Polling goes on ({FREQUENCIES[connection.frequency][1].lower()}), so nothing is lost, only later."
    if not left:
        return f"{polling} They were switched on again."
    if reach is not None and not reach.ok:
        return f"{polling} {reach.detail} {reach.advice} They are switched on again by themselves when that is right."
    if all(found[topic].again_at(now) is None for topic in left):
        return f"{polling} They were switched on again several times; now that is left to you, on the health page."
    return f"{polling} They are switched on again by themselves after a pause, or at once on the health page."


async def _tell_of_silence(scope: Scope, connection: StoreConnection, quiet: Silence) -> None:
    if quiet.telling:
        said = f"{quiet.lost} of {quiet.orders} orders came by polling that no delivery announced: webhooks may be lost"
        advice = "Test the webhooks on the health page. Nothing is missing here: polling brought the orders."
        await notices.begins(scope, connection.id, notices.SILENT, said, advice)
    elif quiet.orders and not quiet.lost:
        await notices.ends(scope, connection.id, notices.HEARD, "deliveries announce the orders again")


def seen_before(connection: StoreConnection, last: Registration | None, findings: Findings | None) -> datetime | None:
    """When the store said last which webhooks are on, if it may have changed its mind since: it could not be asked again, or
    fails, or is paused, so that nobody asks. None: what is known holds now, or nothing ever was."""
    if last is None:
        return None
    seen = (findings.seen_at if findings is not None else None) or last.at
    failed = connection.status == "error" and connection.last_error_at is not None and connection.last_error_at > seen
    return seen if failed or seen < last.at or last.state == NOT_KNOWN or connection.status == "paused" else None


def shown(found: Mapping[str, Subscription], topics: tuple[str, ...], *, now: bool) -> list[dict[str, Any]]:
    """The subscriptions as the health page lists them, in the manifest's order. Not `now`: as they were."""
    words = {
        "active": ("good", "Active"),
        "paused": ("neutral", "Paused at the store"),
        "disabled": ("bad", "Switched off by the store"),
        "missing": ("bad", "Gone at the store"),
        "elsewhere": ("warn", "Delivers to another address"),
        "refused": ("neutral", "Not permitted"),
        "unknown": ("neutral", "Not registered"),
    }
    rows = []
    for topic in topics:
        each = found.get(topic, Subscription(topic=topic))
        tone, word = words[each.status]
        if not now and each.status == "active":
            tone, word = "neutral", "Was active"
        rows.append({"topic": topic, "tone": tone, "word": word, "each": each})
    return rows
