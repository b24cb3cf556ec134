"""The streams of a WooCommerce store: which collection each reads, and what its rows become."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from portal.commerce.records import AnyRecord, Product
from portal.connectors.answers import Cursor, Page, Rejected
from portal.connectors.woocommerce import mapping
from portal.connectors.woocommerce.changes import Changes, changed_since, next_part
from portal.connectors.woocommerce.client import Client
from portal.connectors.woocommerce.payloads import (
    CouponPayload,
    CustomerPayload,
    OrderPayload,
    RefundPayload,
    TaxPayload,
)
from portal.connectors.woocommerce.scan import Position, read_part
from portal.connectors.woocommerce.variations import with_variations
from portal.foundation.errors import NotFound

# WooCommerce saves a variable product after each of its variations that it saved (sold, edited), which dates the product anew:
# so the next run sees it. Plug-ins that write stock into the database date nothing or the variation alone. For these the whole
# catalogue is read again and again: not more often than this, and on average with at most one request in ten seconds.
_CATALOGUE_AGAIN = timedelta(minutes=15)
_SECONDS_PER_REQUEST = 10
# Ids are handed out before rows are visible: a refund with a smaller id may appear shortly after one with a larger.
_LATE_REFUNDS = 10
Mapped = AnyRecord | Rejected | None


async def orders(client: Client, cursor: Cursor | None) -> Page:
    """Orders by modification, then trashed ones (status TRASHED, with their amounts)."""
    state = Changes.of(cursor)
    part, done = await next_part(client, "orders", state, rows=OrderPayload)
    seen_at = datetime.now(UTC)
    rows = part.rows if part else []
    return page(
        [mapping.order(row, seen_at) for row in rows], len(rows), state.cursor(), done, part.total if part else None
    )


async def products(client: Client, cursor: Cursor | None) -> Page:
    """Products by modification with the variations of each, then trashed ones."""
    state = Changes.of(cursor)
    pace = max(_CATALOGUE_AGAIN, timedelta(seconds=state.cost * _SECONDS_PER_REQUEST))
    part, done = await next_part(client, "products", state, whole_every=pace)
    rows = part.rows if part else []
    mapped = await with_variations(client, rows, datetime.now(UTC))
    state.cost += 1 + sum(isinstance(each, Product) and each.kind == "variable" for each in mapped)
    return page(mapped, len(rows), state.cursor(), done, part.total if part else None)


async def refunds(client: Client, cursor: Cursor | None) -> Page:
    """Refunds by id: they are only ever created or deleted, so what is new stands at the end.

    Stores without `/refunds` (before WooCommerce 9.0) are read through their orders, whose stamp a new refund moves.
    """
    if cursor and cursor.get("via") == "orders":
        return await _refunds_of_orders(client, cursor)
    position = Position.of((cursor or {}).get("position"))
    resumed = bool(cursor and cursor.get("idle"))
    try:
        overlap = _LATE_REFUNDS if resumed else 1
        part = await read_part(client, "refunds", {}, position, overlap=overlap, rows=RefundPayload)
    except NotFound as missing:
        if missing.code != "PLATFORM_NO_ROUTE":
            raise
        return await _refunds_of_orders(client, {})
    seen_at = datetime.now(UTC)
    following: Cursor = {"position": part.position.cursor(), "idle": int(part.finished)}
    mapped = [mapping.refund(row, seen_at) for row in part.rows]
    return page(mapped, len(part.rows), following, part.finished, part.total)


async def _refunds_of_orders(client: Client, cursor: Cursor) -> Page:
    state = Changes.of(cursor.get("orders"))
    part, done = await next_part(client, "orders", state, fields="id,refunds")
    rows, seen_at = part.rows if part else [], datetime.now(UTC)
    mapped: list[Mapped] = []
    for row in rows:
        if isinstance(row, dict) and row.get("refunds") and row.get("id"):
            order_id = str(row["id"])
            answer = await client.get(f"orders/{order_id}/refunds", {"per_page": "100"})
            mapped += [mapping.refund(each, seen_at, order_id) for each in answer.rows]
    return page(mapped, len(rows), {"via": "orders", "orders": state.cursor()}, done, part.total if part else None)


def whole(
    path: str, read: Callable[[object, datetime], Mapped], rows: type[msgspec.Struct]
) -> Callable[[Client, Cursor | None], Awaitable[Page]]:
    """A stream without a cursor of its own: each run reads the whole collection by id, and the next begins anew."""

    async def stream(client: Client, cursor: Cursor | None) -> Page:
        part = await read_part(client, path, {}, Position.of(cursor), rows=rows)
        seen_at = datetime.now(UTC)
        following: Cursor = {} if part.finished else dict(part.position.cursor())
        return page([read(row, seen_at) for row in part.rows], len(part.rows), following, part.finished, part.total)

    return stream


def page(mapped: Sequence[Mapped], fetched: int, following: Cursor, done: bool, total: int | None) -> Page:
    """What the mapping made of one part, sorted into records and rejected rows; drafts (None) are left out."""
    return Page(
        records=[each for each in mapped if each is not None and not isinstance(each, Rejected)],
        rejected=[each for each in mapped if isinstance(each, Rejected)],
        next=following,
        caught_up=done,
        total=total,
        fetched=fetched,
    )


STREAMS: dict[str, Callable[[Client, Cursor | None], Awaitable[Page]]] = {
    "products": products,
    "orders": orders,
    "refunds": refunds,
    "customers": whole("customers", mapping.customer, CustomerPayload),
    "coupons": whole("coupons", mapping.coupon, CouponPayload),
    "taxes": whole("taxes", mapping.tax_rate, TaxPayload),
}


def since(stream: str, moment: datetime) -> Cursor | None:
    """Where to begin for what changed since `moment`; None: only reading everything tells.

    A new refund moves its order's stamp, so refunds are found through the orders, whatever the shop's version. Of products
    the stamps do not tell every change (see `_CATALOGUE_AGAIN`), so there is no honest beginning in the middle.
    """
    if stream == "orders":
        return changed_since(moment).cursor()
    if stream == "refunds":
        return {"via": "orders", "orders": changed_since(moment).cursor()}
    return None


async def named(client: Client, stream: str, ids: Sequence[str]) -> Page:
    """The rows with these ids, trashed ones included. Variations come with their parents, refunds by their own ids."""
    read = _READ[stream]
    lists: tuple[dict[str, str], ...] = ({"status": "any"}, {"status": "trash"}) if stream in _TRASHED else ({},)
    rows: list[object] = []
    for filters in lists:
        if ids:
            answer = await client.get(stream, {**filters, "include": ",".join(ids), "per_page": "100"})
            rows += answer.rows
    seen_at = datetime.now(UTC)
    if stream == "products":
        return page(await with_variations(client, rows, seen_at), len(rows), {}, True, None)
    return page([read(row, seen_at) for row in rows], len(rows), {}, True, None)


_TRASHED = {"orders", "products"}
_READ: dict[str, Callable[[object, datetime], Mapped]] = {
    "products": mapping.product,
    "orders": mapping.order,
    "refunds": mapping.refund,
    "customers": mapping.customer,
    "coupons": mapping.coupon,
    "taxes": mapping.tax_rate,
}
