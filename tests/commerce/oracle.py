"""The rules of the ledger, calculated again in plain Python from the history of what arrived: what the rollups must equal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from portal.commerce.records import AnyRecord, Deleted, Order, OrderStatus, Record, Refund

SLACK = timedelta(minutes=5)
SALES = (
    "orders", "unconverted_orders", "units", "gross", "discounts", "tax", "shipping", "fees", "refunds", "refund_count",
    "gross_reporting", "discounts_reporting", "refunds_reporting", "customer_orders", "new_customers",
)  # fmt: skip
_ALWAYS = {OrderStatus.PROCESSING, OrderStatus.COMPLETED, OrderStatus.ON_HOLD, OrderStatus.REFUNDED}
_IF_PAID = {OrderStatus.PENDING, OrderStatus.OTHER}


@dataclass
class Copy:
    record: Any
    arrived_at: datetime
    deleted_at: datetime | None


@dataclass
class Oracle:
    timezone: str
    reporting: str
    rates: dict[str, list[tuple[date, Decimal]]]
    orders: dict[str, Copy] = field(default_factory=dict)
    refunds: dict[str, Copy] = field(default_factory=dict)
    early: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def take(self, batch: Sequence[AnyRecord], arrived_at: datetime) -> None:
        """One batch: the newest copy of each thing, then what was deleted."""
        for kind, kept in ((Order, self.orders), (Refund, self.refunds)):
            best: dict[str, Record] = {}
            for record in batch:
                if isinstance(record, kind):
                    known = best.get(record.external_id)
                    if known is None or record.modified_at >= known.modified_at:
                        best[record.external_id] = record
            for record in best.values():
                self._put(kept, record, arrived_at)
        for record in batch:
            if isinstance(record, Deleted):
                self._delete(record)

    def _put(self, kept: dict[str, Copy], record: Record, arrived_at: datetime) -> None:
        copy = kept.get(record.external_id)
        if copy is None:
            early = self.early.get((record.stream, record.external_id))
            if early is not None and record.modified_at > early - SLACK:
                early = None
            kept[record.external_id] = Copy(record, arrived_at, early)
            return
        old = copy.record
        if record.modified_at < old.modified_at or record == old:
            return
        deleted_at = copy.deleted_at
        if deleted_at and record.modified_at > old.modified_at and record.modified_at > deleted_at - SLACK:
            deleted_at = None
        kept[record.external_id] = Copy(record, arrived_at, deleted_at)

    def _delete(self, record: Deleted) -> None:
        copy = (self.orders if record.of == "orders" else self.refunds).get(record.external_id)
        if copy is None:
            key = (record.of, record.external_id)
            self.early[key] = max(record.modified_at, self.early.get(key, record.modified_at))
        elif copy.record.modified_at <= record.modified_at + SLACK:
            copy.deleted_at = max(record.modified_at, copy.deleted_at or record.modified_at)

    def _counts(self, copy: Copy) -> bool:
        order = copy.record
        if copy.deleted_at or order.is_test:
            return False
        return order.status in _ALWAYS or (order.status in _IF_PAID and order.paid_at is not None)

    def _day(self, at: datetime) -> date:
        return at.astimezone(ZoneInfo(self.timezone)).date()

    def _rate(self, currency: str, day: date) -> Decimal | None:
        if currency == self.reporting:
            return Decimal(1)
        known = [rate for since, rate in sorted(self.rates.get(currency, [])) if since <= day]
        return known[-1] if known else None

    def _convert(self, amount: Decimal, rate: Decimal | None) -> Decimal:
        if rate is None:
            return Decimal(0)
        return amount if rate == 1 else (amount * rate).quantize(Decimal("0.0001"), ROUND_HALF_UP)

    def totals(self) -> tuple[dict[Any, dict[str, Decimal]], dict[Any, list[Decimal]]]:
        """(day, currency) -> figures, and (day, item) -> [units, revenue]; rows of zeros left out."""
        sales: dict[Any, dict[str, Decimal]] = defaultdict(lambda: dict.fromkeys(SALES, Decimal(0)))
        skus: dict[Any, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
        firsts: dict[str, tuple[datetime, str, Any]] = {}
        for copy in self.orders.values():
            if not self._counts(copy):
                continue
            order: Order = copy.record
            at = order.paid_at or order.created_at
            day = self._day(at)
            rate = self._rate(order.currency, day)
            row = sales[day, order.currency]
            row["orders"] += 1
            row["unconverted_orders"] += rate is None
            row["gross"] += order.total
            row["discounts"] += order.discount_total
            row["tax"] += order.total_tax
            row["shipping"] += order.shipping_total
            row["fees"] += order.fee_total
            row["gross_reporting"] += self._convert(order.total, rate)
            row["discounts_reporting"] += self._convert(order.discount_total, rate)
            customer = (order.customer_id and f"#{order.customer_id}") or order.customer_email.lower()
            if customer:
                row["customer_orders"] += 1
                first = (at, order.external_id, (day, order.currency))
                firsts[customer] = min(firsts.get(customer, first), first)
            for line in order.lines:
                if line.kind == "item":
                    row["units"] += line.quantity
                    thing = line.variation_id or line.product_id
                    entry = skus[day, line.sku or (f"#{thing}" if thing else "")]
                    entry[0] += line.quantity
                    entry[1] += self._convert(line.total, rate)
        for _, _, key in firsts.values():
            sales[key]["new_customers"] += 1
        for copy in self.refunds.values():
            self._add_refund(copy, sales)
        return (
            {key: row for key, row in sales.items() if any(row.values())},
            {key: tuple(row) for key, row in skus.items() if any(row)},
        )

    def _add_refund(self, copy: Copy, sales: dict[Any, dict[str, Decimal]]) -> None:
        refund: Refund = copy.record
        owner = self.orders.get(refund.order_id)
        if copy.deleted_at or owner is None or not self._counts(owner):
            return
        order: Order = owner.record
        listed = order.refund_ids is None or refund.external_id in order.refund_ids
        if not listed and order.modified_at >= refund.refunded_at and owner.arrived_at > copy.arrived_at:
            return
        day, currency = self._day(refund.refunded_at), refund.currency or order.currency
        row = sales[day, currency]
        row["refund_count"] += 1
        row["refunds"] += refund.amount
        row["refunds_reporting"] += self._convert(refund.amount, self._rate(currency, day))
