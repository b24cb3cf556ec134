"""Orders and refunds into rows and rollups: what the batch touches is lifted off the rollups, written, and laid on again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from portal.commerce import rollups, rows
from portal.commerce.batch import Batch
from portal.commerce.catalogue import known, mark_deleted
from portal.commerce.records import Order, Refund
from portal.commerce.settlement import SETTLE
from portal.commerce.tables import ORDER_LINES, ORDERS, REFUND_LINES, REFUNDS
from portal.commerce.verdicts import Stored, Verdict, deletion, verdict
from portal.tenancy.scope import Scope

# What the ledger has of these orders: themselves, their refunds, deletions heard of early.
_KNOWN = """
SELECT 'order' AS what, external_id, modified_at, content, deleted_at, lines_content, customer_key FROM orders
WHERE org_id = $1 AND connection_id = $2 AND external_id = ANY($3::text[])
UNION ALL SELECT 'refund', external_id, NULL, NULL, NULL, NULL, NULL FROM refunds
WHERE org_id = $1 AND connection_id = $2 AND order_id = ANY($3::text[])
UNION ALL SELECT 'early', external_id, NULL, NULL, deleted_at, NULL, NULL FROM early_deletions
WHERE org_id = $1 AND connection_id = $2 AND stream = 'orders' AND external_id = ANY($3::text[])
"""


async def apply_sales(scope: Scope, connection_id: int, part: Batch, arrived_at: datetime) -> Counter[str]:
    """Write one part of a batch (orders, refunds or deletions of either); how many of each changed."""
    changed: Counter[str] = Counter()
    if part.orders:
        changed["orders"] += await _put_orders(scope, connection_id, part.orders, arrived_at)
    if part.refunds:
        changed["refunds"] += await _put_refunds(scope, connection_id, part.refunds, arrived_at)
    if gone := part.deleted.get("orders"):
        changed["orders"] += await _delete_orders(scope, connection_id, gone)
    if gone := part.deleted.get("refunds"):
        changed["refunds"] += await _delete_refunds(scope, connection_id, gone)
    return changed


class _Touched:
    """What a part touches: the rollups carry it before and after."""

    def __init__(self, scope: Scope, connection_id: int) -> None:
        self._scope, self._whose = scope, (scope.org_id, connection_id)
        self._firsts: Sequence[Any] = ()  # (day, currency, customers) as they were
        self.orders: set[str] = set()
        self.refunds: set[str] = set()
        self.customers: set[str] = set()

    async def lift(self, *, orders: Sequence[str] = (), refunds: Sequence[str] = ()) -> None:
        """Before the rows are written: take away what these stored ones contribute, and note whose first order is when."""
        if orders or refunds:
            await self._scope.sql.execute(rollups.LIFT, *self._whose, orders, refunds)
        if self.customers:
            self._firsts = await self._scope.sql.fetch(rollups.FIRSTS, *self._whose, list(self.customers))

    async def lay(self) -> None:
        """After: settle the refunds with their orders and add what everything touched contributes now."""
        if self.refunds:
            await self._scope.sql.execute(SETTLE, *self._whose, list(self.refunds))
        before = zip(*self._firsts, strict=True) if self._firsts else ((), (), ())
        await self._scope.sql.execute(
            rollups.LAY, *self._whose, list(self.orders), list(self.refunds), list(self.customers), *before
        )


async def _put_orders(scope: Scope, connection_id: int, orders: Mapping[str, Order], arrived_at: datetime) -> int:
    sql, touched = scope.sql, _Touched(scope, connection_id)
    stored: dict[str, Stored] = {}
    lines_before: dict[str, bytes] = {}
    customers_before: dict[str, str | None] = {}
    refunds_before: list[str] = []
    early: dict[str, datetime] = {}
    for what, key, modified_at, content, deleted_at, old_lines, customer in await sql.fetch(
        _KNOWN, scope.org_id, connection_id, list(orders)
    ):
        if what == "order":
            stored[key] = Stored(modified_at, content, deleted_at)
            lines_before[key], customers_before[key] = old_lines, customer
        elif what == "refund":
            refunds_before.append(key)
        else:
            early[key] = deleted_at
    changed, accepted, other_lines = 0, [], []
    for key, order in orders.items():
        head, lines = rows.order_content(order)
        found = verdict(order.modified_at, head, stored.get(key))
        if found is Verdict.STALE:
            continue
        changed += found is not Verdict.TOUCHED
        accepted.append(
            rows.order_row(order, head, lines, deletion(order.modified_at, stored.get(key), early.get(key)))
        )
        if lines != lines_before.get(key):
            other_lines.append(order)
        touched.orders.add(key)
        touched.customers.update(c for c in (rows.customer_key(order), customers_before.get(key)) if c)
    if not accepted:
        return 0
    touched.refunds.update(refunds_before)
    await touched.lift(orders=[key for key in touched.orders if key in stored], refunds=refunds_before)
    await sql.execute(
        ORDERS.upsert if stored else ORDERS.insert,
        scope.org_id,
        connection_id,
        arrived_at,
        *ORDERS.parameters(accepted),
    )
    if replaced := [order.external_id for order in other_lines if order.external_id in stored]:
        await sql.execute(
            "DELETE FROM order_lines WHERE org_id = $1 AND connection_id = $2 AND order_id = ANY($3::text[])",
            scope.org_id,
            connection_id,
            replaced,
        )
    if line_rows := rows.order_line_rows(other_lines):
        await sql.execute(ORDER_LINES.insert, scope.org_id, connection_id, *ORDER_LINES.parameters(line_rows))
    await touched.lay()
    return changed


async def _put_refunds(scope: Scope, connection_id: int, refunds: Mapping[str, Refund], arrived_at: datetime) -> int:
    stored, early = await known(scope, connection_id, "refunds", refunds)
    changed, accepted, taken = 0, [], []
    for key, refund in refunds.items():
        head = rows.content(refund)
        found = verdict(refund.modified_at, head, stored.get(key))
        if found is Verdict.STALE:
            continue
        changed += found is not Verdict.TOUCHED
        accepted.append(rows.refund_row(refund, head, deletion(refund.modified_at, stored.get(key), early.get(key))))
        taken.append(refund)
    if not accepted:
        return 0
    touched = _Touched(scope, connection_id)
    touched.refunds.update(refund.external_id for refund in taken)
    before = [key for key in touched.refunds if key in stored]
    await touched.lift(refunds=before)
    await scope.sql.execute(
        REFUNDS.upsert if before else REFUNDS.insert,
        scope.org_id,
        connection_id,
        arrived_at,
        *REFUNDS.parameters(accepted),
    )
    if before:
        await scope.sql.execute(
            "DELETE FROM refund_lines WHERE org_id = $1 AND connection_id = $2 AND refund_id = ANY($3::text[])",
            scope.org_id,
            connection_id,
            before,
        )
    if line_rows := rows.refund_line_rows(taken):
        await scope.sql.execute(REFUND_LINES.insert, scope.org_id, connection_id, *REFUND_LINES.parameters(line_rows))
    await touched.lay()
    return changed


async def _delete_orders(scope: Scope, connection_id: int, gone: Mapping[str, datetime]) -> int:
    touched = _Touched(scope, connection_id)
    for what, key, _, _, _, _, customer in await scope.sql.fetch(_KNOWN, scope.org_id, connection_id, list(gone)):
        if what == "order":
            touched.orders.add(key)
            touched.customers.update([customer] if customer else [])
        elif what == "refund":
            touched.refunds.add(key)
    if touched.orders:
        await touched.lift(orders=list(touched.orders), refunds=list(touched.refunds))
    deleted = await mark_deleted(scope, connection_id, "orders", gone)
    if touched.orders:
        await touched.lay()
    return len(deleted)


async def _delete_refunds(scope: Scope, connection_id: int, gone: Mapping[str, datetime]) -> int:
    touched = _Touched(scope, connection_id)
    touched.refunds.update(gone)
    await touched.lift(refunds=list(gone))
    deleted = await mark_deleted(scope, connection_id, "refunds", gone)
    await touched.lay()
    return len(deleted)
