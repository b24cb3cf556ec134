"""What a store delivered: the list, one delivery, and its replay by those who manage the store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta
from quart import Blueprint, Response, flash, redirect

from portal.accounts.audited import audited
from portal.accounts.gate import principal
from portal.connectors.registry import manifest as manifest_of
from portal.foundation.errors import Invalid
from portal.foundation.runtime import runtime
from portal.foundation.web.answers import page
from portal.foundation.web.policy import DASHBOARD, MERCHANT, OWNER, route
from portal.foundation.web.requests import form_values, parse_query
from portal.stores import service as stores
from portal.stores.connection import only_polled
from portal.sync.webhooks import delivery_body, delivery_log
from portal.sync.webhooks.delivery_log import STATES
from portal.sync.webhooks.self_test import TOPIC
from portal.tenancy.scope import Scope, tenant

blueprint = Blueprint("deliveries", __name__)
WORDS = {
    "waiting": ("info", "Waiting"),
    "done": ("good", "Done"),
    "ignored": ("neutral", "Ignored"),
    "failed": ("bad", "Failed"),
}


class DeliveriesQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which deliveries; `after` is the token of the page before."""

    state: Literal["waiting", "done", "ignored", "failed"] | None = None
    topic: Annotated[str, Meta(max_length=100)] = ""
    after: Annotated[str, Meta(max_length=200)] = ""


@route(blueprint, "/stores/<int:connection_id>/deliveries", roles=DASHBOARD, family="page")
async def deliveries_page(connection_id: int) -> Response:
    """The list, newest first."""
    rt, who = runtime(), principal()
    query = parse_query(DeliveriesQuery)
    async with tenant(rt.database, who.org, read_only=True) as scope:
        connection = only_polled(await stores.load(scope, connection_id))
        rows, after = await delivery_log.page(
            scope, connection_id, state=query.state or "", topic=query.topic, after=query.after
        )
        totals = await delivery_log.totals(scope, connection_id)
        zone = await _zone(scope)
    manifest = manifest_of(connection.platform)
    return await page(
        "sync/deliveries.html",
        partial="sync/_deliveries.html",
        store=connection,
        manifest=manifest,
        rows=rows,
        after=after,
        query=query,
        totals=totals,
        words=WORDS,
        own_test=TOPIC,
        topics=sorted({*manifest.webhook_topics, *([query.topic] if query.topic else [])}),
        states=[(each, WORDS[each][1]) for each in STATES],
        kept_days=rt.settings.webhook_days,
        timezone=zone,
        can_manage=who.role in OWNER,
    )


@route(blueprint, "/stores/<int:connection_id>/deliveries/<int:delivery_id>", roles=DASHBOARD, family="page")
async def delivery_page(connection_id: int, delivery_id: int) -> Response:
    """One delivery: its headers, and its body for those who may see customers' data."""
    rt, who = runtime(), principal()
    async with tenant(rt.database, who.org, read_only=True) as scope:
        connection = only_polled(await stores.load(scope, connection_id))
        delivery, content = await delivery_log.one(scope, connection_id, delivery_id)
    personal = who.role in MERCHANT
    text, cut = delivery_body.shown(content.body) if personal else ("", False)
    return await page(
        "sync/delivery.html",
        store=connection,
        delivery=delivery,
        headers=sorted(content.headers.items()),
        body=text,
        cut=cut,
        personal=personal,
        words=WORDS,
        own_test=TOPIC,
        can_manage=who.role in OWNER,
    )


@route(
    blueprint,
    "/stores/<int:connection_id>/deliveries/<int:delivery_id>/replay",
    roles=OWNER,
    family="admin",
    methods=("POST",),
)
async def replay_one(connection_id: int, delivery_id: int) -> Response:
    """Work on one delivery again."""
    rt, who = runtime(), principal()
    async with tenant(rt.database, who.org) as scope:
        connection = only_polled(await stores.load(scope, connection_id))
        delivery, _ = await delivery_log.one(scope, connection_id, delivery_id)
        count = await delivery_log.replay(scope, connection, ids=[delivery_id])
        after = {"delivery": str(delivery_id), "topic": delivery.topic, "replayed": str(count)}
        await audited(scope, who, "store.replay", connection.name, after=after)
    await flash(_said(count, "It is waiting already, or there is nothing in it to replay."), "success")
    return redirect(f"/stores/{connection_id}/deliveries/{delivery_id}", 303)  # type: ignore[return-value]


@route(blueprint, "/stores/<int:connection_id>/deliveries/replay", roles=OWNER, family="admin", methods=("POST",))
async def replay_many(connection_id: int) -> Response:
    """Work again on all that failed, or on all of a time range (`from` and `until`, in the organization's zone)."""
    rt, who, form = runtime(), principal(), await form_values()
    async with tenant(rt.database, who.org) as scope:
        connection = only_polled(await stores.load(scope, connection_id))
        if form.get("which") == "failed":
            count, about = await delivery_log.replay(scope, connection, failed=True), {"which": "failed"}
        else:
            since, until = _range(form.get("from", ""), form.get("until", ""), await _zone(scope))
            count = await delivery_log.replay(scope, connection, since=since, until=until)
            about = {"from": since.isoformat(), "until": until.isoformat()}
        await audited(scope, who, "store.replay", connection.name, after={**about, "replayed": str(count)})
    await flash(_said(count, "There was none to replay."), "success")
    return redirect(f"/stores/{connection_id}/deliveries", 303)  # type: ignore[return-value]


def _said(count: int, none: str) -> str:
    if not count:
        return none
    return "It is worked on again." if count == 1 else f"{count:,} deliveries are worked on again, oldest first."


def _range(since: str, until: str, zone: str) -> tuple[datetime, datetime]:
    """Two local moments as `datetime-local` sends them; without an end up to now. Raises `Invalid`."""
    problems, moments = {}, []
    for name, value in (("from", since), ("until", until)):
        try:
            local = datetime.fromisoformat(value) if value or name == "from" else datetime.now(ZoneInfo(zone))
            moments.append(local.replace(tzinfo=local.tzinfo or ZoneInfo(zone)).astimezone(UTC))
        except (ValueError, OverflowError):
            problems[name] = "Choose a date and a time."
    if not problems and moments[0] >= moments[1] + timedelta(minutes=1):
        problems["until"] = "The end must be after the beginning."
    if problems:
        raise Invalid("Choose from when until when.", problems)
    return moments[0], moments[1] + timedelta(minutes=1)  # the minute that was chosen is in it


async def _zone(scope: Scope) -> str:
    found: str = await scope.sql.fetchval("SELECT timezone FROM organizations WHERE id = portal_org()")
    return found
