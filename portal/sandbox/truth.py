"""What is true in a store, counted from its rows and not through its API: the numbers to compare with.

The revenue rule, in one place:

* An order counts on the local day of `date_paid_gmt`, or of its creation where it was never paid.
* These statuses never count: cancelled, failed, trash, checkout-draft, auto-draft; `pending` counts only when it
  has a paid date. processing, completed, on-hold and refunded count (an unpaid on-hold order by its creation).
* gross = sum of `total` (with tax, shipping, fees) of the orders that count; refunds = sum of the amounts of their
  refunds, on the local day of the refund; net = gross - refunds. A refund of an order that does not count is
  left out, as its order is.
* Test orders never count.
* Currencies are never added together. Money is a string with two decimals.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable

from portal.sandbox.clock import DAY, LocalTime
from portal.sandbox.money import text
from portal.sandbox.rows import Order
from portal.sandbox.store import Store

EXCLUDED = frozenset({"cancelled", "failed", "trash", "checkout-draft", "auto-draft"})
MAX_DAYS = 2_000
Json = dict[str, object]


def counts_as_revenue(order: Order) -> bool:
    """Whether an order counts, by the rule above."""
    return order.status not in EXCLUDED and not order.test and not (order.status == "pending" and order.paid is None)


def revenue_moment(order: Order) -> int:
    """When an order counts: paid, else created (epoch seconds)."""
    return order.created if order.paid is None else order.paid


def truth(store: Store, *, timezone: str = "", days: int = 60, with_ids: bool = False) -> Json:
    """Everything to compare a portal's copy of this store with; see the module's text for the rule."""
    clock = LocalTime(timezone or store.spec.timezone)
    made: Json = {
        "store": store.spec.name,
        "site_url": store.site_url,
        "currency": store.spec.currency,
        "timezone": timezone or store.spec.timezone,
        "now": store.clock.gmt(store.clock.now()) + "Z",
        "counts": _counts(store),
        "statuses": _statuses(store),
        "revenue": _revenue(store),
        "days": _days(store, clock, days),
        "sales_by_sku_30d": _sales_by_sku(store),
        "stock": _stock(store),
        "rule": "orders by paid day (else created), without cancelled, failed, trash, drafts, tests and unpaid pending; "
        "minus refunds on the day of the refund",
    }
    if store.spec.platform == "shopify":
        from portal.sandbox.shopify import told

        made["returns"] = told.returns(store)
        stock = zip(_stock(store), store.sellables(), strict=True)
        made["stock"] = [row | {"locations": told.stock_at(product)} for row, product in stock]
    if with_ids:
        made["ids"] = _ids(store)
    return made


def _counts(store: Store) -> Json:
    trashed = sum(1 for order in store.orders.values() if order.status == "trash")
    drafts = sum(1 for order in store.orders.values() if order.status == "checkout-draft")
    return {
        "orders": len(store.orders),
        "orders_in_any": len(store.orders) - trashed - drafts,
        "orders_trash": trashed,
        "orders_checkout_draft": drafts,
        "order_lines": sum(len(order.lines) for order in store.orders.values()),
        "refunds": len(store.refunds),
        "products": len(store.products),
        "variations": len(store.variations),
        "customers": len(store.customers),
        "coupons": len(store.coupons),
        "taxes": len(_tax_ids()),
    }


def _tax_ids() -> list[int]:
    from portal.sandbox.words import TAX_RATES

    return [rate.id for rate in TAX_RATES]


def _statuses(store: Store) -> list[Json]:
    word = _word_of(store)
    counts: Counter[tuple[str, str]] = Counter()
    gross: Counter[tuple[str, str]] = Counter()
    refunded: Counter[tuple[str, str]] = Counter()
    for order in store.orders.values():
        key = (word(order), order.currency)
        counts[key] += 1
        gross[key] += order.total
        refunded[key] += order.refunded
    return [
        {
            "status": status, "currency": currency, "orders": counts[status, currency],
            "gross": text(gross[status, currency]), "refunds": text(refunded[status, currency]),
            "net": text(gross[status, currency] - refunded[status, currency]),
        }
        for status, currency in sorted(counts)
    ]  # fmt: skip


def _word_of(store: Store) -> Callable[[Order], str]:
    """How the platform itself calls the state of an order."""
    if store.spec.platform == "shopify":
        from portal.sandbox.shopify.states import word

        return word
    if store.spec.platform == "amazon":
        from portal.sandbox.amazon.states import word as amazon_word

        return amazon_word
    return lambda order: order.status


def _revenue(store: Store) -> list[Json]:
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for order in store.orders.values():
        if counts_as_revenue(order):
            row = sums[order.currency]
            row[0] += 1
            row[1] += order.total
            row[2] += order.refunded
    return [
        {"currency": code, "orders": orders, "gross": text(gross), "refunds": text(back), "net": text(gross - back)}
        for code, (orders, gross, back) in sorted(sums.items())
    ]


def _days(store: Store, clock: LocalTime, days: int) -> list[Json]:
    """The last `days` local days up to today, newest first; days without orders or refunds are left out."""
    first = clock.day_number(store.clock.now()) - days
    rows: dict[tuple[int, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for order in store.orders.values():
        if not counts_as_revenue(order):
            continue
        day = clock.day_number(revenue_moment(order))
        if day > first:
            row = rows[day, order.currency]
            row[0] += 1
            row[1] += order.total
            row[3] += sum(line.quantity for line in order.lines) + (_typed_in(store, order) is not None)
        for refund in order.refunds:
            day = clock.day_number(refund.created)
            if day > first:
                rows[day, order.currency][2] += refund.amount
    return [
        {
            "date": clock.gmt(day * DAY)[:10], "currency": code, "orders": orders, "gross": text(gross),
            "refunds": text(back), "net": text(gross - back), "units": units,
        }
        for (day, code), (orders, gross, back, units) in sorted(rows.items(), reverse=True)
    ]  # fmt: skip


def _typed_in(store: Store, order: Order) -> int | None:
    """The amount of a line without a product: Shopify has them where others have a fee."""
    if store.spec.platform != "shopify":
        return None
    from portal.sandbox.shopify.world import items

    return next((item.custom for item in items(order) if item.line is None), None)


def _sales_by_sku(store: Store) -> list[Json]:
    """Units and line totals (net of tax, after discounts, before refunds) of orders that counted in the last 30
    days (30 x 24 h); lines of deleted products have neither id nor SKU."""
    since = store.clock.now() - 30 * DAY
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for order in store.orders.values():
        if counts_as_revenue(order) and revenue_moment(order) > since:
            for line in order.lines:
                row = sums["" if line.product.gone else line.product.sku, order.currency]
                row[0] += line.quantity
                row[1] += line.total
            if (amount := _typed_in(store, order)) is not None:
                row = sums["", order.currency]
                row[0] += 1
                row[1] += amount
    return [
        {"sku": sku or None, "currency": code, "units": units, "total": text(total)}
        for (sku, code), (units, total) in sorted(sums.items())
    ]


def _stock(store: Store) -> list[Json]:
    recent = store.units_sold(store.clock.now() - 30 * DAY)
    return [
        {
            "product_id": row.parent.id if row.parent else row.id, "variation_id": row.id if row.parent else 0,
            "sku": row.sku, "name": row.full_name, "manage_stock": row.managed,
            "stock_quantity": row.stock if row.managed else None, "stock_status": row.stock_status,
            "low_stock_amount": row.low_stock, "units_30d": recent.get(row.id, 0),
        }
        for row in store.sellables()
    ]  # fmt: skip


def _ids(store: Store) -> Json:
    return {
        "orders": list(store.orders),
        "orders_in_any": [o.id for o in store.orders.values() if o.status not in ("trash", "checkout-draft")],
        "refunds": sorted(store.refunds),
        "products": sorted(store.products),
        "variations": sorted(store.variations),
        "customers": sorted(store.customers),
        "coupons": sorted(store.coupons),
        "taxes": _tax_ids(),
    }
