"""A whole sandbox store, mapped and written in random pieces and twice, equals what the store says of itself, to the cent."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from portal.commerce import queries
from portal.connectors.woocommerce import mapping
from portal.sandbox.spec import SandboxStoreSpec
from portal.sandbox.store import Store as Sandbox
from portal.sandbox.truth import truth
from portal.sandbox.woocommerce.order_json import order_json, refund_json
from portal.sandbox.woocommerce.product_json import product_json, variation_json
from tests.commerce.made import NOON, Store


def records(sandbox: Sandbox) -> list[Any]:
    """What the API lists, as the connector maps it: no trash, no checkout drafts."""
    made: list[Any] = []
    for row in sandbox.orders.values():
        if row.status not in ("trash", "checkout-draft"):
            made.append(mapping.order(plain(order_json(sandbox, row)), NOON))
    made += [
        mapping.refund(plain(refund_json(sandbox, row, with_parent=True)), NOON) for row in sandbox.refunds.values()
    ]
    for product in sandbox.products.values():
        parent = plain(product_json(sandbox, product))
        made.append(mapping.product(parent, NOON))
        made += [mapping.variation(plain(variation_json(sandbox, row)), parent, NOON) for row in product.variations]
    return made


def plain(row: Any) -> Any:
    return json.loads(json.dumps(row), parse_float=Decimal)


async def test_the_ledger_equals_the_stores_truth(store: Store):
    sandbox = Sandbox(
        SandboxStoreSpec(name="truth", orders=600, seed=7, now=NOON, timezone="Europe/Berlin", currency="EUR")
    )
    await store.configure(timezone="Europe/Berlin", reporting_currency="EUR")
    everything = records(sandbox)
    rng = Random(3)
    for round_ in range(2):
        rng.shuffle(everything)
        for start in range(0, len(everything), 97):
            await store.write(*everything[start : start + 97], minutes=round_)
    expected = truth(sandbox, timezone="Europe/Berlin", days=500)
    days = await store.rows(
        "SELECT day::text AS date, currency, orders, gross, refunds, gross - refunds AS net, units FROM daily_sales"
    )
    found = {
        (d["date"], d["currency"]): tuple(Decimal(d[n]) for n in ("orders", "gross", "refunds", "net", "units"))
        for d in days
    }
    wanted = {
        (d["date"], d["currency"]): tuple(Decimal(d[n]) for n in ("orders", "gross", "refunds", "net", "units"))
        for d in expected["days"]
    }
    assert {key: row for key, row in found.items() if any(row)} == {key: row for key, row in wanted.items() if any(row)}
    [sums] = [row for row in expected["revenue"] if row["currency"] == "EUR"]
    assert await store.net("EUR") == Decimal(sums["net"])
    await _stock_agrees(store, expected)
    now = datetime.fromisoformat(expected["now"])
    pulse = await store.ask(queries.sales_pulse, now=now)
    today = wanted.get((str(pulse["date"]), "EUR"), (Decimal(0),) * 5)
    assert pulse["total_revenue"] == today[3]
    assert pulse["total_orders"] == sum(row[0] for (day, _), row in wanted.items() if day == str(pulse["date"]))


async def _stock_agrees(store: Store, expected: dict[str, Any]) -> None:
    tracked: dict[str, Decimal] = {}
    for row in expected["stock"]:
        if row["manage_stock"] and row["sku"]:
            tracked[row["sku"]] = tracked.get(row["sku"], Decimal(0)) + Decimal(row["stock_quantity"])
    rows = await store.ask(queries.inventory_heat, now=NOON + timedelta(minutes=1))
    shown = {row["sku"]: row["quantity_available"] for row in rows if row["quantity_available"] is not None}
    assert {sku: shown.get(sku) for sku in tracked} == tracked
