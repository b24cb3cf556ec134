"""Entries into `commerce.records`: the rows of one order together, the versions of a product one over the other. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from portal.commerce.records import (
    AnyRecord,
    Customer,
    Deleted,
    Fulfilment,
    Order,
    OrderLine,
    OrderStatus,
    Product,
    Refund,
    RefundLine,
)
from portal.connectors.files.cells import decimal
from portal.connectors.files.fields import ITEM_FIELDS
from portal.connectors.files.rows import Entry

Version = tuple[str, Sequence[Entry]]
"""(kind, the rows of one upload about one thing, in the file's order)."""
_EARNED = frozenset({"completed", "processing", "on_hold", "refunded"})
_ZERO = Decimal(0)


def records(family: str, key: str, versions: Sequence[Version], at: datetime, *, currency: str) -> list[AnyRecord]:
    """What follows from a thing's versions in force, oldest first; `at` dates it. Without any it is deleted."""
    if not versions:
        gone: list[AnyRecord] = [Deleted(external_id=key, modified_at=at, of=family)]
        if family == "orders":
            gone.append(Deleted(external_id=_refund_id(key), modified_at=at, of="refunds"))
        return gone
    if family == "orders":
        return _order(key, versions[-1][1], at, currency)
    merged: Entry = {}
    for kind, entries in versions:
        merged |= _stock(entries) if kind == "inventory" else entries[-1]
    return [_product(key, merged, at) if family == "products" else _customer(key, merged, at)]


def disagreement(family: str, kind: str, entries: Sequence[Entry], *, items: bool) -> tuple[int, str, str] | None:
    """(place in `entries`, what is wrong, what would be right) when the rows of one thing cannot be one. `items`: the file has
    columns for line items, so several rows may make one order."""
    if len(entries) < 2:
        return _order_alone(entries[0]) if family == "orders" else None
    if family == "orders" and items:
        first: Entry = {}
        for place, entry in enumerate(entries):
            for name, value in entry.items():
                if name not in ITEM_FIELDS and first.setdefault(name, value) != value and name in _ONE_PER_ORDER:
                    told = f"differs from the order's other rows ({first[name]} above, {value} here)"
                    return place, told, "One value per order. Is the column an item's? Then map it to an item's field."
        return _order_alone(first | entries[0])
    if kind == "inventory" and all("location" in entry for entry in entries):
        return None
    return 1, "stands in the file twice", "One row each, or a column that tells them apart."


_ONE_PER_ORDER = frozenset(
    {"total", "currency", "created_at", "status", "total_tax", "refunded", "shipping_total", "discount_total"}
)


def _order_alone(entry: Entry) -> tuple[int, str, str] | None:
    if "created_at" not in entry:
        return 0, "has no date", "Every order needs its date."
    if not ({"total", "line_total", "unit_price"} & entry.keys()):
        return 0, "has no total", "Every order needs its total, or the price of its items."
    return None


def _order(key: str, entries: Sequence[Entry], at: datetime, currency: str) -> list[AnyRecord]:
    head: Entry = {}
    for entry in entries:
        for name, value in entry.items():
            head.setdefault(name, value)
    lines = tuple(_line(place, entry) for place, entry in enumerate(entries, 1) if ITEM_FIELDS & entry.keys())
    created = datetime.fromisoformat(head["created_at"])
    status = OrderStatus(head.get("status", "completed"))
    paid = head.get("paid_at")
    shipping = decimal(head.get("shipping_total")) or _ZERO
    tax = decimal(head.get("total_tax")) or _ZERO
    total = decimal(head.get("total"))
    if total is None:
        total = sum((line.total for line in lines), shipping + tax)
    refunded = decimal(head.get("refunded")) or _ZERO
    money = head.get("currency", currency)
    made: list[AnyRecord] = [
        Order(
            external_id=key,
            modified_at=at,
            number=key,
            status=status,
            source_status=head.get("status", ""),
            fulfilment=Fulfilment(head["fulfilment"]) if "fulfilment" in head else _fulfilment(status),
            currency=money,
            total=total,
            total_tax=tax,
            shipping_total=shipping,
            discount_total=decimal(head.get("discount_total")) or _ZERO,
            created_at=created,
            paid_at=datetime.fromisoformat(paid) if paid else created if status in _EARNED else None,
            customer_id=head.get("customer_id"),
            customer_name=head.get("customer_name", ""),
            customer_email=head.get("customer_email", ""),
            country=head.get("country", ""),
            payment_method=head.get("payment_method", ""),
            lines=lines,
            refund_ids=(_refund_id(key),) if refunded else (),
        )
    ]
    if refunded:
        when = datetime.fromisoformat(head["refunded_at"]) if "refunded_at" in head else created
        made.append(_refund(key, refunded, money, when, at))
    return made


def _refund(key: str, amount: Decimal, currency: str, when: datetime, at: datetime) -> Refund:
    line = RefundLine(external_id="1", total=amount)
    return Refund(
        external_id=_refund_id(key),
        modified_at=at,
        order_id=key,
        amount=amount,
        currency=currency,
        refunded_at=when,
        lines=(line,),
    )


def _refund_id(key: str) -> str:
    return f"{key}/refund"


def _line(place: int, entry: Entry) -> OrderLine:
    quantity = decimal(entry.get("quantity"))
    price, total = decimal(entry.get("unit_price")), decimal(entry.get("line_total"))
    quantity = Decimal(1) if quantity is None else quantity
    if total is None:
        total = (price or _ZERO) * quantity
    return OrderLine(
        external_id=str(place),
        sku=entry.get("sku"),
        name=entry.get("item_name", entry.get("sku", "")),
        quantity=quantity,
        unit_price=price,
        subtotal=total if price is None else price * quantity,
        total=total,
    )


def _fulfilment(status: OrderStatus) -> Fulfilment:
    if status in (OrderStatus.COMPLETED, OrderStatus.REFUNDED):
        return Fulfilment.FULFILLED
    return Fulfilment.NOT_REQUIRED if status is OrderStatus.CANCELLED else Fulfilment.UNFULFILLED


def _stock(entries: Sequence[Entry]) -> Entry:
    """Locations added up; whatever else the first row says."""
    total = sum((Decimal(entry["quantity"]) for entry in entries if "quantity" in entry), _ZERO)
    return {**entries[0], "quantity": format(total, "f")}


def _product(key: str, entry: Entry, at: datetime) -> Product:
    quantity = decimal(entry.get("quantity"))
    price, regular = decimal(entry.get("price")), decimal(entry.get("regular_price"))
    reduced = price is not None and regular is not None and price < regular
    return Product(
        external_id=key,
        modified_at=at,
        sku=key,
        name=entry.get("name", key),
        status=entry.get("status", "published"),
        price=price if price is not None else regular,
        regular_price=regular if regular is not None else price,
        sale_price=price if reduced else None,
        stock_tracked=quantity is not None,
        quantity=quantity,
        stock_status="out_of_stock" if quantity is not None and quantity <= 0 else "in_stock",
        low_stock_threshold=decimal(entry.get("low_stock_threshold")),
        categories=(entry["category"],) if "category" in entry else (),
        image_url=entry.get("image_url", ""),
    )


def _customer(key: str, entry: Entry, at: datetime) -> Customer:
    name = entry.get("name") or " ".join(entry[part] for part in ("first_name", "last_name") if part in entry)
    return Customer(
        external_id=key,
        modified_at=at,
        email=entry.get("email", ""),
        name=name,
        country=entry.get("country", ""),
        city=entry.get("city", ""),
        created_at=datetime.fromisoformat(entry["created_at"]) if "created_at" in entry else None,
    )
