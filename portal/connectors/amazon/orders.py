"""Orders by change: `searchOrders` from the last mark, with their items inline. No personal data is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from portal.commerce.records import Order
from portal.connectors.amazon import mapping
from portal.connectors.amazon.client import Client
from portal.connectors.amazon.failures import StaleToken
from portal.connectors.amazon.manifest import MANIFEST
from portal.connectors.amazon.paging import Mapped, made, next_token, rows_of
from portal.connectors.amazon.rates import GET_ORDER, SEARCH_ORDERS
from portal.connectors.amazon.reports import stamp
from portal.connectors.base import Cursor, IdPage, Listed, Page, Rejected
from portal.connectors.values import text
from portal.foundation.errors import NotFound

PATH = "/orders/2026-01-01/orders"
# Neither BUYER nor RECIPIENT: the portal shows nobody's name or address of Amazon's customers, so it does not ask for them.
PARTS = "PROCEEDS,FULFILLMENT"
LOOK_BACK = next(each.look_back for each in MANIFEST.streams if each.name == "orders")
COMPARED = timedelta(days=7)
"""How far back orders are compared once a day."""
_MOST_PAGES = 6  # of twenty that may be asked for in an hour
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


async def ids(client: Client, cursor: Cursor | None) -> IdPage:
    """The orders placed in the last days with what Amazon says of them, to compare with ours. Nothing is ever deleted at Amazon,
    and listing two years every day would use up what one may ask for, so the list is never complete."""
    given = cursor or {}
    token, read = text(given.get("token"), 8000), given.get("pages")
    pages = read if isinstance(read, int) else 0
    since = mark(given) or client.latest() - COMPARED
    filters = {
        "createdAfter": stamp(since),
        "marketplaceIds": client.account.marketplace_ids,
        "maxResultsPerPage": "100",
        "includedData": PARTS,
    }
    paging = {"paginationToken": token} if token else {}
    answer = await client.get(SEARCH_ORDERS, PATH, filters | paging, paging=bool(token))
    seen_at = datetime.now(UTC)
    mapped = [mapping.order(row, client.account, seen_at) for row in rows_of(answer.get("orders"))]
    found = {each.external_id: _listed(each) for each in mapped if isinstance(each, Order)}
    following = next_token(answer.get("pagination"), token)
    finished = not following or pages + 1 >= _MOST_PAGES
    state = {} if finished else {"since": since.isoformat(), "token": following, "pages": pages + 1}
    return IdPage(ids=list(found), next=state, finished=finished, complete=False, listed=found)


def _listed(order: Order) -> Listed:
    return Listed(
        modified_at=order.modified_at,
        status=order.source_status,
        currency=order.currency,
        total=order.total,
        business_at=order.created_at,
    )


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


def _bound(answer: dict[str, object], mapped: Sequence[Mapped], since: datetime, client: Client) -> str:
    told = mark({"since": answer.get("lastUpdatedBefore")})
    if told is None:
        stamps = [each.modified_at for each in mapped if each is not None and not isinstance(each, Rejected)]
        told = max(stamps, default=since)
    return max(since, min(told, client.latest() + timedelta(minutes=1))).isoformat()
