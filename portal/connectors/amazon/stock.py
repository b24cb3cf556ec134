"""The stock of each marketplace in turn, always whole: the list of offers (what the seller ships himself, and all prices), then
the inventory summaries (what lies at Amazon) of the SKUs that the list does not call the seller's own.

A next token lives thirty seconds. When it has died (the worker was killed, the database slow) the summaries of the marketplace
are begun anew: reading twice is safe.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from portal.connectors.amazon import mapping, offers
from portal.connectors.amazon.client import Client
from portal.connectors.amazon.failures import StaleToken
from portal.connectors.amazon.listings import SKU, Listings
from portal.connectors.amazon.marketplaces import Marketplace
from portal.connectors.amazon.offers import Place
from portal.connectors.amazon.paging import Mapped, made, next_token, rows_of
from portal.connectors.amazon.rates import INVENTORY
from portal.connectors.amazon.rows import Row
from portal.connectors.answers import Cursor, IdPage, Page, Rejected
from portal.connectors.values import text
from portal.foundation.errors import Forbidden, Temporary

PATH = "/fba/inventory/v1/summaries"
_RESTARTS = 5


class _Step(NamedTuple):
    """What one step of the reading brought. `place` None: that was all."""

    marketplace: Marketplace
    place: Place | None
    own: Sequence[Row] = ()
    summaries: Sequence[object] = ()
    listings: Listings | None = None

    @property
    def cursor(self) -> Cursor:
        found: Cursor = msgspec.to_builtins(self.place) if self.place else {}
        return found


async def page(client: Client, cursor: Cursor | None) -> Page:
    """The next rows; after the last marketplace the next run begins anew."""
    place = _place(client, cursor)
    had_given_up = offers.gave_up(place)
    step = await _step(client, place)
    account, seen_at = client.account, datetime.now(UTC)
    mapped: list[Mapped] = [mapping.offer(row, step.marketplace, account, seen_at) for row in step.own]
    for row in step.summaries:
        price = step.listings.price(_sku(row)) if step.listings else None
        mapped.append(mapping.stock(row, step.marketplace, account, seen_at, price))
    if offers.gave_up(place) and not had_given_up:
        mapped.append(Rejected(stream="products", external_id=step.marketplace.id, reason=offers.UNREADABLE))
    return made(mapped, len(step.own) + len(step.summaries), step.cursor, step.place is None)


async def ids(client: Client, cursor: Cursor | None) -> IdPage:
    """The next page of the ids that `page` gives. Not complete when a list of offers was not to be had."""
    place = _place(client, cursor)
    step = await _step(client, place)
    skus = [text(row.get(SKU), 200) for row in step.own] + [_sku(row) for row in step.summaries]
    found = [mapping.product_id(step.marketplace, sku) for sku in skus if sku]
    return IdPage(ids=found, next=step.cursor, finished=step.place is None, complete=not place.partial)


async def named(client: Client, ids: Sequence[str]) -> list[Mapped]:
    """The rows with these ids: from the lists of offers, which have to be made for it, and the summaries of the others."""
    found: list[Mapped] = []
    for marketplace in client.account.marketplaces:
        prefix = mapping.product_id(marketplace, "")
        skus = [each.removeprefix(prefix) for each in ids if each.startswith(prefix)]
        if not skus:
            continue
        listings, rows = await offers.whole(client, marketplace)
        seen_at = datetime.now(UTC)
        own = [row for row in rows if text(row.get(SKU), 200) in skus]
        found += [mapping.offer(row, marketplace, client.account, seen_at) for row in own]
        for part in _fifties([sku for sku in skus if not listings.is_own(sku)]):
            summaries, _ = await _summaries(client, marketplace, "", skus=part)
            found += [
                mapping.stock(row, marketplace, client.account, seen_at, listings.price(_sku(row))) for row in summaries
            ]
    return found


async def _step(client: Client, place: Place) -> _Step:
    """The next of the list of offers or of the summaries. Changes `place` to where the reading then stands."""
    marketplace = client.account.marketplaces[place.at]
    if not place.listed:
        return _Step(marketplace, place, own=await offers.step(client, place, marketplace))
    listings = await offers.known(client, place, marketplace)
    if listings is None:
        return _Step(marketplace, place)
    try:
        rows, place.token = await _summaries(client, marketplace, place.token)
    except StaleToken:
        _begin_anew(place)
        return _Step(marketplace, place)
    except Forbidden:
        if not place.own:
            raise
        rows, place.token = [], ""  # who ships everything himself needs no role for Amazon's warehouses
    rest = [row for row in rows if not listings.is_own(_sku(row))]
    if place.token:
        return _Step(marketplace, place, summaries=rest, listings=listings)
    following = Place(at=place.at + 1, own=place.own, partial=place.partial)
    last = following.at >= len(client.account.marketplaces)
    return _Step(marketplace, None if last else following, summaries=rest, listings=listings)


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


def _place(client: Client, cursor: Cursor | None) -> Place:
    try:
        found = msgspec.convert(cursor or {}, Place)
    except msgspec.ValidationError:
        return Place()
    return found if 0 <= found.at < len(client.account.marketplaces) else Place()


def _begin_anew(place: Place) -> None:
    if place.restarts >= _RESTARTS:
        raise Temporary(
            "Amazon's page of the stock expired again and again before it was read.",
            "The next sync begins it anew. If it persists, the portal's database is too slow: tell its operator.",
        )
    place.token, place.restarts = "", place.restarts + 1


def _sku(row: object) -> str:
    return text(row.get("sellerSku"), 200) if isinstance(row, dict) else ""


def _fifties(skus: Sequence[str]) -> Iterator[Sequence[str]]:
    return (skus[start : start + 50] for start in range(0, len(skus), 50))
