"""Orders by change: `searchOrders` from the last mark, with their items inline. No personal data is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from portal.connectors.amazon import mapping
from portal.connectors.amazon.client import Client
from portal.connectors.amazon.failures import StaleToken
from portal.connectors.amazon.manifest import MANIFEST
from portal.connectors.amazon.paging import Mapped, made, next_token, rows_of
from portal.connectors.amazon.rates import GET_ORDER, SEARCH_ORDERS
from portal.connectors.amazon.reading import Part
from portal.connectors.amazon.reports import stamp
from portal.connectors.answers import Cursor, Page, Rejected
from portal.connectors.values import text
from portal.foundation.errors import NotFound

PATH = "/orders/2026-01-01/orders"
# Neither BUYER nor RECIPIENT: the portal shows nobody's name or address of Amazon's customers, so it does not ask for them.
PARTS = "PROCEEDS,FULFILLMENT,PACKAGES"
LOOK_BACK = next(each.look_back for each in MANIFEST.streams if each.name == "orders")
TOO_LONG_AGO = timedelta(days=3)
"""A mark older than this is caught up with by reports: twenty pages of a hundred orders are all one may ask for at once."""


def mark(cursor: Cursor | None) -> datetime | None:
    """From when on the next search reads; None when the cursor has no readable mark."""
    try:
        found = datetime.fromisoformat(str((cursor or {}).get("since")))
    except ValueError:
        return None
    return found if found.tzinfo else None


async def page(client: Client, cursor: Cursor, since: datetime) -> Page:
    """The next hundred orders changed since the mark. The mark of the next run is what Amazon says it has looked at."""
    token = text(cursor.get("token"), 8000)
    filters = {
        "lastUpdatedAfter": stamp(min(since - LOOK_BACK, client.latest())),
        "marketplaceIds": client.account.marketplace_ids,
        "maxResultsPerPage": "100",
        "includedData": PARTS,
    }
    try:
        answer = await client.get(
            SEARCH_ORDERS, PATH, filters | ({"paginationToken": token} if token else {}), paging=bool(token)
        )
    except StaleToken:  # a day old
        return await page(client, {"since": since.isoformat()}, since)
    seen_at = datetime.now(UTC)
    rows = rows_of(answer.get("orders"))
    mapped = [mapping.order(row, client.account, seen_at) for row in rows]
    # Amazon's own bound of the first page: later pages show the same, and rows stamped after it come with the next run.
    until = text(cursor.get("until"), 40) or _bound(answer, mapped, since, client)
    following = next_token(answer.get("pagination"), token)
    if following:
        return made(mapped, len(rows), {"since": since.isoformat(), "until": until, "token": following}, False)
    return made(mapped, len(rows), {"since": until}, True)


async def listed(
    client: Client, since: datetime, token: str = "", *, by: str = "createdAfter"
) -> tuple[list[Mapped], str]:
    """A page of the orders placed (or with `by` lastUpdatedAfter changed) after `since`, and the token of the next one: for
    comparing. It moves no mark."""
    filters = {
        by: stamp(min(since, client.latest())),
        "marketplaceIds": client.account.marketplace_ids,
        "maxResultsPerPage": "100",
        "includedData": PARTS,
    }
    paging = {"paginationToken": token} if token else {}
    answer = await client.get(SEARCH_ORDERS, PATH, filters | paging, paging=bool(token))
    seen_at = datetime.now(UTC)
    mapped: list[Mapped] = [mapping.order(row, client.account, seen_at) for row in rows_of(answer.get("orders"))]
    return mapped, next_token(answer.get("pagination"), token)


async def named(client: Client, ids: Sequence[str]) -> list[Mapped]:
    """The orders with these ids, one request each; ids that Amazon does not know are left out."""
    found: list[Mapped] = []
    for order_id in dict.fromkeys(ids):
        try:
            answer = await client.get(GET_ORDER, f"{PATH}/{quote(order_id, safe='')}", {"includedData": PARTS})
        except NotFound:
            continue
        found.append(mapping.order(answer.get("order"), client.account, datetime.now(UTC)))
    return found


async def reported(client: Client, part: Part) -> list[Mapped]:
    """The orders of a part of a report. Those that the report does not tell in full, or whose rows it scatters, are asked for."""
    seen_at = datetime.now(UTC)
    mapped: list[Mapped] = []
    doubtful = list(part.scattered)
    for rows in part.orders:
        if mapping.tells_all(rows):
            mapped.append(mapping.reported_order(rows, client.account, seen_at))
        else:
            doubtful.append(rows[0]["amazon-order-id"])
    return mapped + await named(client, doubtful)


def _bound(answer: dict[str, object], mapped: Sequence[Mapped], since: datetime, client: Client) -> str:
    told = mark({"since": answer.get("lastUpdatedBefore")})
    if told is None:
        stamps = [each.modified_at for each in mapped if each is not None and not isinstance(each, Rejected)]
        told = max(stamps, default=since)
    return max(since, min(told, client.latest() + timedelta(minutes=1))).isoformat()
