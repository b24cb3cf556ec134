"""Orders and refunds into rows and rollups: what the batch touches is lifted off the rollups, written, and laid on again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from portal.commerce import rollups, rows
from portal.commerce.batch import Batch
from portal.commerce.catalogue import known, mark_deleted
from portal.commerce.records import Order, Refund
from portal.commerce.restating import Part, Restating
from portal.commerce.settlement import SETTLE
from portal.commerce.tables import ORDER_LINES, ORDERS, REFUND_LINES, REFUNDS
from portal.commerce.verdicts import Stored, Verdict, deletion, verdict
from portal.tenancy.scope import Scope

# What the ledger has of these orders: themselves, their refunds, deletions heard of early.
_KNOWN = """
SELECT 'order' AS what, external_id, modified_at, content, deleted_at, arrived_at, lines_content, customer_key, business_day,
       counted::int, coalesce(total_reporting, 0), deleted_at IS NOT NULL FROM orders
WHERE org_id = $1 AND connection_id = $2 AND external_id = ANY($3::text[])
UNION ALL SELECT 'refund', external_id, NULL, NULL, NULL, NULL, NULL, NULL, business_day, counted::int,
       -coalesce(amount_reporting, 0), deleted_at IS NOT NULL OR unlisted FROM refunds
WHERE org_id = $1 AND connection_id = $2 AND order_id = ANY($3::text[])
UNION ALL SELECT 'early', external_id, NULL, NULL, deleted_at, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM early_deletions
WHERE org_id = $1 AND connection_id = $2 AND stream = 'orders' AND external_id = ANY($3::text[])
"""

# What refunds contribute, by their own ids and as they are settled; orders, as they are written.
_REFUND = "business_day, counted::int, -coalesce(amount_reporting, 0), deleted_at IS NOT NULL OR unlisted"
_REFUNDS_WERE = f"""SELECT external_id, {_REFUND} FROM refunds
WHERE org_id = $1 AND connection_id = $2 AND external_id = ANY($3::text[])"""  # noqa: S608 - constants
_SETTLE_TOLD = f"{SETTLE} RETURNING external_id, {_REFUND}"
_TOLD = " RETURNING external_id, business_day, counted::int, coalesce(total_reporting, 0), deleted_at IS NOT NULL"


async def apply_sales(
    scope: Scope,
    connection_id: int,
    part: Batch,
    arrived_at: datetime,
    *,
    restating: Restating,
    asked_at: datetime | None = None,
) -> Counter[str]:
    """Write one part of a batch (orders, refunds or deletions of either); how many of each changed.

    `restating` is told of what changes on stated days; `asked_at`: see `verdicts.verdict`.
    """
    changed: Counter[str] = Counter()
    put = _Putting(scope, connection_id, restating, arrived_at, asked_at)
    if part.orders:
        changed["orders"] += await _put_orders(put, part.orders)
    if part.refunds:
        changed["refunds"] += await _put_refunds(put, part.refunds)
    if gone := part.deleted.get("orders"):
        changed["orders"] += await _delete_orders(put, gone)
    if gone := part.deleted.get("refunds"):
        changed["refunds"] += await _delete_refunds(put, gone)
    return changed


@dataclass(frozen=True, slots=True)
class _Putting:
    """What is the same for every row of a part."""

    scope: Scope
    connection_id: int
    restating: Restating
    arrived_at: datetime
    asked_at: datetime | None

    @property
    def whose(self) -> tuple[UUID | None, int]:
        return self.scope.org_id, self.connection_id


class _Touched:
    """What a part touches: the rollups carry it before and after."""

    def __init__(self, put: _Putting) -> None:
        self._scope, self._whose, self._restating = put.scope, put.whose, put.restating
        self._firsts: Sequence[Any] = ()  # (day, currency, customers) as they were
        self.orders: set[str] = set()
        self.refunds: set[str] = set()
        self.refunds_before: dict[str, Part] = {}
        self.refunds_told = False  # some of them are of a stated day
        self.customers: set[str] = set()

    async def remember(self, refunds: Sequence[str]) -> None:
        """What these refunds contribute now, when days are stated at all."""
        if self._restating.asks:
            found = await self._scope.sql.fetch(_REFUNDS_WERE, *self._whose, refunds)
            self.refunds_before = {key: Part(*part) for key, *part in found}

    async def lift(self, *, orders: Sequence[str] = (), refunds: Sequence[str] = ()) -> None:
        """Before the rows are written: take away what these stored ones contribute, and note whose first order is when."""
        if orders or refunds:
            await self._scope.sql.execute(rollups.LIFT, *self._whose, orders, refunds)
        if self.customers:
            self._firsts = await self._scope.sql.fetch(rollups.FIRSTS, *self._whose, list(self.customers))

    async def lay(self) -> None:
        """After: settle the refunds with their orders and add what everything touched contributes now."""
        if self.refunds:
            await self._settle(self._scope.sql)
        before = zip(*self._firsts, strict=True) if self._firsts else ((), (), ())
        await self._scope.sql.execute(
            rollups.LAY, *self._whose, list(self.orders), list(self.refunds), list(self.customers), *before
        )

    async def _settle(self, sql: Any) -> None:
        settled = (*self._whose, list(self.refunds))
        if not (self.refunds_told or any(map(self._restating.concerns, self.refunds_before.values()))):
            await sql.execute(SETTLE, *settled)
            return
        for key, *part in await sql.fetch(_SETTLE_TOLD, *settled):
            self._restating.changed("refunds", key, self.refunds_before.get(key), Part(*part))


async def _put_orders(put: _Putting, orders: Mapping[str, Order]) -> int:
    sql, touched = put.scope.sql, _Touched(put)
    stored: dict[str, Stored] = {}
    lines_before: dict[str, bytes] = {}
    customers_before: dict[str, str | None] = {}
    parts_before: dict[str, Part] = {}
    early: dict[str, datetime] = {}
    for what, key, modified_at, content, deleted_at, arrived, old_lines, customer, *part in await sql.fetch(
        _KNOWN, *put.whose, list(orders)
    ):
        if what == "order":
            stored[key] = Stored(modified_at, content, deleted_at, arrived)
            lines_before[key], customers_before[key], parts_before[key] = old_lines, customer, Part(*part)
        elif what == "refund":
            touched.refunds_before[key] = Part(*part)
        else:
            early[key] = deleted_at
    changed, accepted, other_lines, told = 0, [], [], False
    for key, order in orders.items():
        head, lines = rows.order_content(order)
        found = verdict(order.modified_at, head, stored.get(key), put.asked_at)
        if found is Verdict.STALE:
            continue
        changed += found is not Verdict.TOUCHED
        deleted_at = deletion(order.modified_at, stored.get(key), early.get(key), put.asked_at)
        accepted.append(rows.order_row(order, head, lines, deleted_at))
        if lines != lines_before.get(key):
            other_lines.append(order)
        touched.orders.add(key)
        touched.customers.update(c for c in (rows.customer_key(order), customers_before.get(key)) if c)
        told = told or put.restating.concerns(parts_before.get(key), order.paid_at or order.created_at)
    if not accepted:
        return 0
    touched.refunds.update(touched.refunds_before)
    await touched.lift(orders=[key for key in touched.orders if key in stored], refunds=list(touched.refunds_before))
    statement = ORDERS.upsert if stored else ORDERS.insert
    written = await sql.fetch(
        statement + _TOLD if told else statement, *put.whose, put.arrived_at, *ORDERS.parameters(accepted)
    )
    for key, *part in written:
        put.restating.changed("orders", key, parts_before.get(key), Part(*part))
    if replaced := [order.external_id for order in other_lines if order.external_id in stored]:
        await sql.execute(
            "DELETE FROM order_lines WHERE org_id = $1 AND connection_id = $2 AND order_id = ANY($3::text[])",
            *put.whose,
            replaced,
        )
    if line_rows := rows.order_line_rows(other_lines):
        await sql.execute(ORDER_LINES.insert, *put.whose, *ORDER_LINES.parameters(line_rows))
    await touched.lay()
    return changed


async def _put_refunds(put: _Putting, refunds: Mapping[str, Refund]) -> int:
    sql = put.scope.sql
    stored, early = await known(put.scope, put.connection_id, "refunds", refunds)
    changed, accepted, taken = 0, [], []
    touched = _Touched(put)
    for key, refund in refunds.items():
        head = rows.content(refund)
        found = verdict(refund.modified_at, head, stored.get(key), put.asked_at)
        if found is Verdict.STALE:
            continue
        changed += found is not Verdict.TOUCHED
        deleted_at = deletion(refund.modified_at, stored.get(key), early.get(key), put.asked_at)
        accepted.append(rows.refund_row(refund, head, deleted_at))
        taken.append(refund)
        touched.refunds.add(key)
        touched.refunds_told = touched.refunds_told or put.restating.concerns(None, refund.refunded_at)
    if not accepted:
        return 0
    if before := [key for key in touched.refunds if key in stored]:
        await touched.remember(before)
    await touched.lift(refunds=before)
    await sql.execute(
        REFUNDS.upsert if before else REFUNDS.insert, *put.whose, put.arrived_at, *REFUNDS.parameters(accepted)
    )
    if before:
        await sql.execute(
            "DELETE FROM refund_lines WHERE org_id = $1 AND connection_id = $2 AND refund_id = ANY($3::text[])",
            *put.whose,
            before,
        )
    if line_rows := rows.refund_line_rows(taken):
        await sql.execute(REFUND_LINES.insert, *put.whose, *REFUND_LINES.parameters(line_rows))
    await touched.lay()
    return changed


async def _delete_orders(put: _Putting, gone: Mapping[str, datetime]) -> int:
    touched = _Touched(put)
    parts_before: dict[str, Part] = {}
    for what, key, *_, customer, day, counted, amount, was_gone in await put.scope.sql.fetch(
        _KNOWN, *put.whose, list(gone)
    ):
        if what == "order":
            touched.orders.add(key)
            touched.customers.update([customer] if customer else [])
            parts_before[key] = Part(day, counted, amount, was_gone)
        elif what == "refund":
            touched.refunds.add(key)
            touched.refunds_before[key] = Part(day, counted, amount, was_gone)
    if touched.orders:
        await touched.lift(orders=list(touched.orders), refunds=list(touched.refunds))
    deleted = await mark_deleted(put.scope, put.connection_id, "orders", gone)
    for key in deleted:
        put.restating.changed("orders", key, parts_before[key], parts_before[key]._replace(counted=0, gone=True))
    if touched.orders:
        await touched.lay()
    return len(deleted)


async def _delete_refunds(put: _Putting, gone: Mapping[str, datetime]) -> int:
    touched = _Touched(put)
    touched.refunds.update(gone)
    await touched.remember(list(gone))
    await touched.lift(refunds=list(gone))
    deleted = await mark_deleted(put.scope, put.connection_id, "refunds", gone)
    await touched.lay()
    return len(deleted)
