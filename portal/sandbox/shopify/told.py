"""What only a Shopify store's truth tells: where stock lies, and what comes back."""

from __future__ import annotations

from portal.sandbox.rows import Product
from portal.sandbox.shopify.returns import returns_of, status
from portal.sandbox.shopify.world import LOCATIONS, levels
from portal.sandbox.store import Store

Json = dict[str, object]


def stock_at(product: Product) -> list[Json] | None:
    """The quantity by location; None where stock is not kept."""
    if not product.managed:
        return None
    return [{"location": LOCATIONS[place], "quantity": units} for _, place, units in levels(product)]


def returns(store: Store) -> list[Json]:
    """A row per line of a return. Of an order that has no return status the platform tells none."""
    return [
        {
            "order_id": order.id, "state": each.state, "sku": _sku(order.lines[line.position].product),
            "units": line.quantity, "reason": ": ".join(told for told in (line.reason, line.note) if told),
        }
        for order in store.orders.values() if status(store, order) != "NO_RETURN"
        for each in returns_of(store, order)
        for line in each.lines
    ]  # fmt: skip


def _sku(product: Product) -> str | None:
    return None if product.gone else product.sku or None
