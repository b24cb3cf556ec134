"""What is registered at a store, topic by topic: as the store lists it, against what the portal wants; and what to do about it.

The portal switches on again what the platform gave up, with growing pauses, and never what a person paused. Who keeps switching
off is probably a person too: after the last pause it is left to a click.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from portal.connectors.findings import WebhookThere
from portal.tenancy.scope import Scope

PAUSES = (timedelta(0), timedelta(hours=1), timedelta(hours=6), timedelta(hours=24), timedelta(hours=72))
"""Before the first, second, … time that the portal switches a webhook on again by itself."""
FORGOTTEN = timedelta(days=14)
"""A webhook that stayed on for so long begins again with the shortest pause."""
OFF = frozenset({"disabled", "missing"})


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """One row of `webhook_subscriptions`. `status`: unknown, active, paused, disabled, missing, elsewhere or refused."""

    topic: str
    status: str = "unknown"
    status_since: datetime | None = None
    delivery_url: str = ""
    switched_on: list[datetime] = []
    last_delivery_at: datetime | None = None

    def again_at(self, now: datetime) -> datetime | None:
        """When the portal may switch it on again by itself, None when that is left to a person."""
        recent = [each for each in self.switched_on if each > now - FORGOTTEN]
        if len(recent) >= len(PAUSES):
            return None
        return max(recent) + PAUSES[len(recent)] if recent else now


def compare(
    topics: Sequence[str],
    there: Sequence[WebhookThere],
    delivery_url: str,
    known: Mapping[str, Subscription],
    now: datetime,
) -> dict[str, Subscription]:
    """Each wanted topic with its status now; since when is kept while it stays the same."""
    listed, found = {each.topic: each for each in there}, {}
    for topic in topics:
        before, seen = known.get(topic, Subscription(topic=topic)), listed.get(topic)
        status = "missing" if seen is None else seen.status
        if seen is not None and status == "active" and seen.delivery_url != delivery_url:
            status = "elsewhere"
        if status not in {"active", "paused", "disabled", "refused", "missing", "elsewhere"}:
            status = "disabled"  # a word that the platform has for another way of not delivering
        if status == "missing" and before.status == "unknown":
            status = "unknown"  # never was there
        found[topic] = with_status(before, status, now, seen.delivery_url if seen is not None else "")
    return found


def with_status(each: Subscription, status: str, now: datetime, delivery_url: str) -> Subscription:
    """`each` with another status, or with the same and since when it has that."""
    since = each.status_since if status == each.status and each.status_since is not None else now
    return msgspec.structs.replace(each, status=status, status_since=since, delivery_url=delivery_url)


def to_write(
    found: Mapping[str, Subscription], now: datetime, *, reachable: bool, forced: bool, anew: bool = True
) -> list[str]:
    """The topics to register, repair or switch on again now. `forced`: a person asked for it. `anew`: write the active ones too,
    because a store that hides secrets cannot be asked whether it still has the right one."""
    wanted = []
    for topic, each in found.items():
        if each.status == "refused":
            continue
        if each.status in OFF:
            again = each.again_at(now)
            if not forced and (not reachable or again is None or again > now):
                continue
        if (each.status == "paused" and not forced) or (each.status == "active" and not anew):
            continue
        wanted.append(topic)
    return wanted


async def load(scope: Scope, connection_id: int) -> dict[str, Subscription]:
    """What is known of each topic."""
    rows = await scope.sql.fetch(
        """SELECT topic, status, status_since, delivery_url, switched_on, last_delivery_at FROM webhook_subscriptions
           WHERE connection_id = $1 ORDER BY topic""",
        connection_id,
    )
    return {row["topic"]: Subscription(**dict(row)) for row in rows}


async def save(scope: Scope, org_id: UUID, connection_id: int, found: Collection[Subscription]) -> None:
    """Keep the statuses; when a topic delivered last is the deliveries' to say."""
    await scope.sql.executemany(
        """INSERT INTO webhook_subscriptions (org_id, connection_id, topic, status, status_since, delivery_url, switched_on)
           VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (org_id, connection_id, topic) DO UPDATE SET
             status = excluded.status, status_since = excluded.status_since, delivery_url = excluded.delivery_url,
             switched_on = excluded.switched_on""",
        [
            (org_id, connection_id, e.topic, e.status, e.status_since, e.delivery_url[:2000], e.switched_on[-10:])
            for e in sorted(found, key=lambda each: each.topic)
        ],
    )


async def delivered(scope: Scope, org_id: UUID, connection_id: int, latest: Mapping[str, datetime]) -> None:
    """Note when each topic delivered last."""
    await scope.sql.executemany(
        """INSERT INTO webhook_subscriptions (org_id, connection_id, topic, last_delivery_at) VALUES ($1, $2, $3, $4)
           ON CONFLICT (org_id, connection_id, topic) DO UPDATE
             SET last_delivery_at = greatest(webhook_subscriptions.last_delivery_at, excluded.last_delivery_at)""",
        [(org_id, connection_id, topic, at) for topic, at in sorted(latest.items())],
    )
