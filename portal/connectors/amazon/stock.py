"""FBA stock: the inventory summaries of each marketplace in turn, always whole.

A next token lives thirty seconds. When it has died (the worker was killed, the database slow) the marketplace is begun anew:
reading twice is safe.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from portal.connectors.amazon import mapping
from portal.connectors.amazon.client import Client
from portal.connectors.amazon.failures import StaleToken
from portal.connectors.amazon.marketplaces import Marketplace
from portal.connectors.amazon.paging import Mapped, made, next_token, rows_of
from portal.connectors.amazon.rates import INVENTORY
from portal.connectors.base import Cursor, IdPage, Page
from portal.connectors.values import text
from portal.foundation.errors import Temporary

PATH = "/fba/inventory/v1/summaries"
_RESTARTS = 5


async def page(client: Client, cursor: Cursor | None) -> Page:
    """The next summaries; after the last marketplace the next run begins anew."""
    place, token, restarts = _place(client, cursor)
    marketplace = client.account.marketplaces[place]
    try:
        rows, following = await _summaries(client, marketplace, token)
    except StaleToken:
        return made([], 0, _begun_anew(place, restarts), False)
    seen_at = datetime.now(UTC)
    mapped: list[Mapped] = [mapping.stock(row, marketplace, client.account, seen_at) for row in rows]
    if following:
        return made(mapped, len(rows), {"at": place, "token": following, "restarts": restarts}, False)
    last = place + 1 >= len(client.account.marketplaces)
    return made(mapped, len(rows), {} if last else {"at": place + 1}, last)


async def ids(client: Client, cursor: Cursor | None) -> IdPage:
    """The next page of the ids that `page` gives."""
    place, token, restarts = _place(client, cursor)
    marketplace = client.account.marketplaces[place]
    try:
        rows, following = await _summaries(client, marketplace, token)
    except StaleToken:
        return IdPage(ids=(), next=_begun_anew(place, restarts), finished=False)
    skus = (text(row.get("sellerSku"), 200) for row in rows if isinstance(row, dict))
    found = [mapping.product_id(marketplace, sku) for sku in skus if sku]
    if following:
        return IdPage(ids=found, next={"at": place, "token": following, "restarts": restarts}, finished=False)
    last = place + 1 >= len(client.account.marketplaces)
    return IdPage(ids=found, next={} if last else {"at": place + 1}, finished=last)


async def named(client: Client, ids: Sequence[str]) -> list[Mapped]:
    """The summaries with these ids."""
    found: list[Mapped] = []
    for marketplace in client.account.marketplaces:
        prefix = mapping.product_id(marketplace, "")
        skus = [each.removeprefix(prefix) for each in ids if each.startswith(prefix)]
        for part in _fifties(skus):
            rows, _ = await _summaries(client, marketplace, "", skus=part)
            seen_at = datetime.now(UTC)
            found += [mapping.stock(row, marketplace, client.account, seen_at) for row in rows]
    return found


async def _summaries(
    client: Client, marketplace: Marketplace, token: str, *, skus: Sequence[str] = ()
) -> tuple[list[object], str]:
    filters = {
        "details": "true",
        "granularityType": "Marketplace",
        "granularityId": marketplace.id,
        "marketplaceIds": marketplace.id,
    }
    filters |= {"sellerSkus": ",".join(skus)} if skus else {}
    answer = await client.get(INVENTORY, PATH, filters | ({"nextToken": token} if token else {}), paging=bool(token))
    payload = answer.get("payload")
    rows = rows_of(payload.get("inventorySummaries")) if isinstance(payload, dict) else []
    return rows, next_token(answer.get("pagination"), token)


def _place(client: Client, cursor: Cursor | None) -> tuple[int, str, int]:
    given = cursor or {}
    at, restarts = given.get("at"), given.get("restarts")
    if not isinstance(at, int) or not 0 <= at < len(client.account.marketplaces):
        return 0, "", 0
    return at, text(given.get("token"), 8000), restarts if isinstance(restarts, int) else 0


def _begun_anew(place: int, restarts: int) -> Cursor:
    if restarts >= _RESTARTS:
        raise Temporary(
            "Amazon's page of the stock expired again and again before it was read.",
            "The next sync begins it anew. If it persists, the portal's database is too slow: tell its operator.",
        )
    return {"at": place, "restarts": restarts + 1}


def _fifties(skus: Sequence[str]) -> Iterator[Sequence[str]]:
    return (skus[start : start + 50] for start in range(0, len(skus), 50))
