"""Looking after a store's webhooks: registered, compared with what the store lists, tried out, switched on again, told of.

Polling stays the floor: a store that will not push, or stops, is merely slower to see.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import structlog

from portal.connectors.findings import ConnectionTest
from portal.connectors.registry import manifest as manifest_of
from portal.connectors.registry import webhooks as webhooks_of
from portal.foundation.errors import AuthFailed, ConnectorError, Forbidden, PortalError
from portal.foundation.runtime import Runtime
from portal.stores import service as stores
from portal.stores.connection import StoreConnection
from portal.stores.sealed import webhook_secret
from portal.sync.webhooks import findings as webhook_findings
from portal.sync.webhooks import self_test, subscriptions
from portal.sync.webhooks.findings import NOT_KNOWN, Registration
from portal.sync.webhooks.subscriptions import OFF, Subscription
from portal.tenancy.scope import Scope, tenant

_log = structlog.get_logger("portal.webhooks")
AGAIN_AFTER = timedelta(hours=24)
"""How often an existing registration is looked after."""
OVERLAP = timedelta(days=3)
"""How long deliveries signed with the secret before are still taken: they may be on their way, or be repeated."""


def delivery_url(rt: Runtime, connection: StoreConnection) -> str:
    """Where the store delivers; empty when the portal has no address that a store could reach."""
    base = rt.settings.public_url or (rt.settings.base_url if rt.settings.demo else "")
    return f"{base}/webhooks/{connection.platform}/{connection.public_token}" if base else ""


def last_registration(connection: StoreConnection) -> Registration | None:
    """The outcome of the last attempt, kept beside the last connection test."""
    kept = (connection.last_test or {}).get("webhooks")
    try:
        return msgspec.convert(kept, Registration) if kept else None
    except msgspec.ValidationError:
        return None


def is_due(rt: Runtime, connection: StoreConnection, now: datetime) -> bool:
    """Whether to look (again): webhooks exist, we are reachable, and a day has passed or what was off may be tried again."""
    if not manifest_of(connection.platform).webhook_topics or not delivery_url(rt, connection):
        return False
    last = last_registration(connection)
    if last is None or not connection.has_webhook_secret or now - last.at > AGAIN_AFTER:
        return True
    if last.state == NOT_KNOWN:
        return now - last.at > timedelta(minutes=10)
    return last.again_at is not None and last.again_at <= now and now - last.at > timedelta(minutes=10)


async def register_webhooks(
    rt: Runtime, org_id: UUID, connection_id: int, *, forced: bool = False, tested: bool = False, anew: bool = True
) -> Registration:
    """Look after the webhooks of a store and record what came of it for its pages. Raises only `Missing`.

    `forced`: a person asked to switch on what is off or paused. `tested`: try the public address even when nothing is off.
    Without `anew` what is active is left as it is.
    """
    now = rt.clock()
    async with tenant(rt.database, org_id) as scope:
        connection = await stores.load(scope, connection_id)
        declared = manifest_of(connection.platform)
        if not declared.webhook_topics:
            return Registration(
                state="not_permitted", detail=f"{declared.label} pushes nothing; changes are polled.", at=now
            )
        known = await subscriptions.load(scope, connection_id)
        url = delivery_url(rt, connection)
        secret = await _secret(rt, scope, connection, now) if url else ""
    hindrance = _hindrance(connection, url, secret)
    if hindrance:
        outcome = Registration(state=hindrance[0], detail=hindrance[1], at=now)
        reach = await _reach(rt, connection, url, secret) if tested and url and secret else None
        await webhook_findings.record(rt, connection, outcome, None, reach=reach)
        return outcome
    reach, found, topics = None, dict(known), None
    try:
        connector = await stores.open_connector(rt, org_id, connection_id)
        there = await connector.webhooks_there(url)
        found = subscriptions.compare(declared.webhook_topics, there, url, known, now)
        off = [each for each in found.values() if each.status in OFF]
        if tested or off:
            reach = await _reach(rt, connection, url, secret)
        wanted = subscriptions.to_write(found, now, reachable=reach is None or reach.ok, forced=forced, anew=anew)
        seen = dict(found)
        active = set(await connector.register_webhooks(url, secret, wanted)) if wanted else set()
        found = _after(found, wanted, active, url, now, forced=forced)
        topics = [topic for topic, each in found.items() if each.status == "active"]
        outcome = _outcome(found, now)
        await webhook_findings.tell(rt, connection, seen=seen, found=found, reach=reach, now=now)
    except Forbidden as error:
        outcome = Registration(state="not_permitted", detail=f"{error.message} {error.advice}".strip(), at=now)
        topics = []
    except AuthFailed as error:
        outcome = Registration(state=NOT_KNOWN, detail=f"{error.message} {error.advice}".strip(), at=now)
    except ConnectorError as error:
        outcome = Registration(state="failed", detail=f"{error.message} {error.advice}".strip(), at=now)
    except PortalError as error:
        outcome = Registration(state="failed", detail=error.message, at=now)
    _log.info("webhooks_looked_after", connection_id=connection_id, state=outcome.state, active=len(topics or ()))
    await webhook_findings.record(rt, connection, outcome, topics, reach=reach, found=found)
    return outcome


def _hindrance(connection: StoreConnection, url: str, secret: str) -> tuple[str, str] | None:
    """(state, detail) of why nothing can be registered, None when it can be tried."""
    declared = manifest_of(connection.platform)
    if not url:
        return "not_reachable", "The portal has no public address (PORTAL_PUBLIC_URL) to deliver to."
    if not secret:
        label = next(each.label for each in declared.fields if each.name == declared.webhook_secret_field)
        return "not_permitted", (
            f"{declared.label} signs its deliveries with the {label}, which is not entered. Enter it among the store's "
            "credentials to get changes within seconds; until then they come by polling."
        )
    if not may_write(connection):
        return "not_permitted", (
            "The key may only read. Give it Read/Write to get changes within seconds; until then they come by polling."
        )
    return None


def _after(
    found: Mapping[str, Subscription], wanted: list[str], active: set[str], url: str, now: datetime, *, forced: bool
) -> dict[str, Subscription]:
    """The subscriptions after `wanted` were written and `active` are on."""
    made = dict(found)
    for topic in wanted:
        each = found[topic]
        if topic not in active:
            status = "refused" if each.status in {"unknown", "refused"} else each.status
            made[topic] = subscriptions.with_status(each, status, now, each.delivery_url)
            continue
        if each.status in OFF:
            switched = [] if forced else [*each.switched_on, now]
            each = msgspec.structs.replace(each, switched_on=switched)
        made[topic] = subscriptions.with_status(each, "active", now, url)
    return made


def _outcome(found: Mapping[str, Subscription], now: datetime) -> Registration:
    off = [each for each in found.values() if each.status in OFF]
    if off:
        times = [each.again_at(now) for each in off]
        known = [each for each in times if each is not None]
        topics = ", ".join(each.topic for each in off)
        again = max(min(known), now + timedelta(hours=1)) if known else None
        return Registration(state="off", detail=f"Switched off by the store: {topics}.", at=now, again_at=again)
    refused = sorted(topic for topic, each in found.items() if each.status == "refused")
    idle = sorted(topic for topic, each in found.items() if each.status not in {"active", "refused"})
    if idle or len(refused) == len(found):
        return Registration(state="partly", detail=f"Not active: {', '.join(sorted(idle + refused))}.", at=now)
    # What the key may not read is the connection test's to judge: nothing is wrong with the webhooks.
    kinds = sorted({re.split(r"[/.]", topic)[0] for topic in refused})
    less = f" Not permitted: {', '.join(kinds)}." if kinds else ""
    return Registration(state="registered", detail=f"Changes arrive within seconds.{less}", at=now)


async def _reach(rt: Runtime, connection: StoreConnection, url: str, secret: str) -> self_test.Reach | None:
    module = webhooks_of(connection.platform)
    return None if module is None else await self_test.try_address(rt, connection, module, url, secret)


def may_write(connection: StoreConnection) -> bool:
    """What the last connection test found of the permission to create webhooks; unknown counts as yes, trying tells."""
    if connection.last_test is None or "permissions" not in connection.last_test:  # never tested, only registered
        return True
    test = msgspec.convert(connection.last_test, ConnectionTest)
    return all(each.granted is not False for each in test.permissions if each.name == "write_webhooks")


async def _secret(rt: Runtime, scope: Scope, connection: StoreConnection, now: datetime) -> str:
    """The connection's webhook secret, made (and saved before the store hears of it) on first use.

    Where the platform chooses it, it is one of the credentials, saved beside the others for the route that verifies;
    empty when the merchant has not entered it. The one before stays good for `OVERLAP`.
    """
    sealed = await scope.sql.fetchval(
        "SELECT webhook_secret FROM client_api_credentials WHERE id = $1 FOR NO KEY UPDATE", connection.id
    )
    known = await webhook_secret(rt, connection.org_id, connection, sealed)
    if given := manifest_of(connection.platform).webhook_secret_field:
        fresh = (await stores.credentials(rt, scope, connection)).get(given, "")
    else:
        fresh = known or secrets.token_urlsafe(32)
    if fresh == (known or ""):
        return fresh
    kept: tuple[Any, ...] = (sealed, now + OVERLAP) if sealed else (None, None)
    await scope.sql.execute(
        """UPDATE client_api_credentials SET webhook_secret = $2, webhook_secret_before = $3,
             webhook_secret_before_until = $4 WHERE id = $1""",
        connection.id,
        await rt.vault.seal(connection.org_id, connection.webhook_field, fresh),
        *kept,
    )
    return fresh
