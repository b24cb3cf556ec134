"""What the portal holds and what the sandbox's stores say is true, side by side in one shape."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

from portal.sandbox import Sandbox
from portal.sandbox.truth import truth
from tests.chaos.merchant import ZONE, Merchant

Figures = dict[Any, Any]
_UNCOUNTED = ("checkout-draft", "trash")
_STATES = """
SELECT o.source_status, o.currency::text, count(*) AS orders, sum(o.total) AS gross, coalesce(sum(r.amount), 0) AS back
FROM orders o LEFT JOIN LATERAL (
  SELECT sum(amount) AS amount FROM refunds r WHERE r.connection_id = o.connection_id AND r.order_id = o.external_id
    AND r.deleted_at IS NULL) r ON true
WHERE o.connection_id = $1 AND o.deleted_at IS NULL GROUP BY 1, 2"""
_DAYS = """SELECT day::text, currency::text, orders, gross, refunds, units FROM daily_sales WHERE connection_id = $1"""
_STOCK = """
SELECT sku, quantity FROM products WHERE connection_id = $1 AND deleted_at IS NULL AND stock_tracked AND quantity IS NOT NULL"""
_STOCK_AT = """
SELECT p.sku, l.location_name, l.quantity FROM v_stock_at l
JOIN products p ON p.connection_id = l.connection_id AND p.external_id = l.product_id
WHERE l.connection_id = $1 AND p.deleted_at IS NULL AND p.stock_tracked"""
_RETURNS = """
SELECT o.external_id, r.status, l.sku, l.quantity, l.reason FROM orders o
CROSS JOIN LATERAL jsonb_to_recordset(o.returns) r(status text, lines jsonb)
CROSS JOIN LATERAL jsonb_to_recordset(r.lines) l(sku text, quantity numeric, reason text)
WHERE o.connection_id = $1 AND o.deleted_at IS NULL"""
_TWICE = """
SELECT count(*) - count(DISTINCT external_id) AS twice FROM orders WHERE connection_id = $1 AND deleted_at IS NULL"""


async def held(merchant: Merchant, name: str) -> Figures:
    """The portal's side: orders by state, every day of the rollup, the stock."""
    connection = merchant.connections[name]
    assert (await merchant.rows(_TWICE, connection))[0]["twice"] == 0
    states = await merchant.rows(_STATES, connection)
    days = await merchant.rows(_DAYS, connection)
    stock = await merchant.rows(_STOCK, connection)
    found: Figures = {
        ("state", r["source_status"], r["currency"].strip()): (r["orders"], r["gross"], r["back"])
        for r in states
        if r["source_status"] not in _UNCOUNTED
    }
    for row in days:
        figures = (row["orders"], row["gross"], row["refunds"], row["units"])
        if any(figures):
            found["day", row["day"], row["currency"].strip()] = figures
    found["stock"] = Counter((row["sku"] or "", int(row["quantity"])) for row in stock)
    found["stock at"] = Counter(
        (row["sku"] or "", row["location_name"], int(row["quantity"]))
        for row in await merchant.rows(_STOCK_AT, connection)
    )
    found["returns"] = Counter(
        (row["external_id"], row["status"], row["sku"], int(row["quantity"]), row["reason"] or "")
        for row in await merchant.rows(_RETURNS, connection)
    )
    return found


def true(sandbox: Sandbox, name: str) -> Figures:
    """The store's side. Drafts of a checkout are no orders yet; what lies in the trash is told by id alone and counts nowhere."""
    told: Any = truth(sandbox.store(name), timezone=ZONE, days=2_000)
    found: Figures = {
        ("state", r["status"], r["currency"]): (r["orders"], Decimal(r["gross"]), Decimal(r["refunds"]))
        for r in told["statuses"]
        if r["status"] not in _UNCOUNTED
    }
    for row in told["days"]:
        figures = (row["orders"], Decimal(row["gross"]), Decimal(row["refunds"]), row["units"])
        if any(figures):
            found["day", row["date"], row["currency"]] = figures
    stock = [row for row in told["stock"] if row["manage_stock"]]
    found["stock"] = Counter((row["sku"] or "", row["stock_quantity"]) for row in stock)
    found["stock at"] = Counter(
        (row["sku"] or "", at["location"], at["quantity"]) for row in stock for at in row.get("locations") or ()
    )
    found["returns"] = Counter(
        (str(row["order_id"]), row["state"], row["sku"], row["units"], row["reason"]) for row in told.get("returns", ())
    )
    return found


def differences(ours: Figures, theirs: Figures) -> list[str]:
    """Every figure that is not the same, in words; empty when both are equal to the cent."""
    found = []
    for key in sorted({*ours, *theirs}, key=str):
        mine: Any = ours.get(key)
        other: Any = theirs.get(key)
        if mine == other:
            continue
        if isinstance(mine, Counter):
            found.append(f"{key}: only here {mine - other}, only there {other - mine}")
        else:
            found.append(f"{key}: here {mine}, there {other}")
    return found


async def unequal(merchant: Merchant) -> dict[str, list[str]]:
    """The differences of each store that has some."""
    found = {
        name: differences(await held(merchant, name), true(merchant.sandbox, name)) for name in merchant.connections
    }
    return {name: each for name, each in found.items() if each}
